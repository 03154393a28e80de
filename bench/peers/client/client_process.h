// ClientProcess: a child process that runs client.cc.
//
//   auto client = ClientProcess::Start({"--target", "ipv4:127.0.0.1:50051"});
//   client->Do("connect 1");
//   Figures figures = client->Do("closed 16 small 0.3");
//
// An error ends the program, because it could not measure anything.  Every wait
// is bounded.  The child ends with this object, and with this process, whose
// end closes its stdin.
//
// Not thread-safe.
#ifndef MULTI_BACKEND_BENCH_PEERS_CLIENT_CLIENT_PROCESS_H_
#define MULTI_BACKEND_BENCH_PEERS_CLIENT_CLIENT_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "multi_backend/bench/peers/report/figures.h"

namespace multi_backend {

class ClientProcess {
 public:
  static std::unique_ptr<ClientProcess> Start(std::vector<std::string> flags);
  ~ClientProcess();
  ClientProcess(const ClientProcess&) = delete;
  ClientProcess& operator=(const ClientProcess&) = delete;

  // Sends the command and waits for its figures.
  Figures Do(const std::string& command);

 private:
  ClientProcess(pid_t pid, int fd) : pid_(pid), fd_(fd) {}
  std::string ReadLine(const std::string& command);

  const pid_t pid_;
  const int fd_;  // The child's stdin and stdout.
  std::string read_;
};

// The CPU time that another process has used.
absl::Duration ProcessorTimeOf(pid_t pid);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PEERS_CLIENT_CLIENT_PROCESS_H_
