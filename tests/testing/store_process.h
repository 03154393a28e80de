// StoreProcess: the server program of a store (DNS, ZooKeeper, etcd) as a child
// process, with a directory of its own and a port that was free.
//
//   auto process = StoreProcess::Make("knot");
//   … files in (*process)->directory(), for (*process)->port() …
//   (*process)->Launch({"/usr/sbin/knotd", …});
//
// The child dies with this object, and with this process however that ends.
//
// Threads: one at a time.
#ifndef MULTI_BACKEND_TESTS_TESTING_STORE_PROCESS_H_
#define MULTI_BACKEND_TESTS_TESTING_STORE_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// All that is in the file; "" when it cannot be read.
std::string ReadWholeFile(const std::string& path);

class StoreProcess {
 public:
  // Another process may take a port between our look and the server's: so many
  // are tried.
  static constexpr int kAttempts = 5;

  // Whether what starts the child is there.
  static bool CanLaunch();

  // A directory under /tmp, so that the paths of sockets in it are short;
  // `name` tells whose it is.
  static absl::StatusOr<std::unique_ptr<StoreProcess>> Make(
      absl::string_view name);
  // Kills the child and removes the directory.
  ~StoreProcess();
  StoreProcess(const StoreProcess&) = delete;
  StoreProcess& operator=(const StoreProcess&) = delete;

  const std::string& directory() const { return directory_; }
  int port() const { return port_; }
  std::string address() const;  // "127.0.0.1:port".
  bool running() const { return pid_ != 0; }

  // Starts the program; its output is log(), which begins anew.
  absl::Status Launch(std::vector<std::string> command);
  // Whether the child has ended by itself; it is not running() then.
  bool HasEnded();
  std::string log() const;

  // SIGKILL; the child is gone on return.  Not running: no-op.
  void Kill();
  // SIGSTOP and SIGCONT; the child has stopped on return.
  void Stop();
  void Continue();

 private:
  StoreProcess(std::string directory, int port);

  const std::string directory_;
  const int port_;
  pid_t pid_ = 0;  // 0 = not running.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_STORE_PROCESS_H_
