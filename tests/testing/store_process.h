// StoreProcess: a child process that runs the server of a store (DNS,
// ZooKeeper, etcd), with its own directory and a port that was free.
//
//   auto process = StoreProcess::Make("knot");
//   … files in (*process)->directory(), for (*process)->port() …
//   (*process)->Launch({"/usr/sbin/knotd", …});
//
// The child dies with this object, and with this process, however the process
// ends.
//
// Not thread-safe.
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

// Returns the contents of the file, or "" if it cannot be read.
std::string ReadWholeFile(const std::string& path);

class StoreProcess {
 public:
  // How many ports to try.  Another process may take a port after this class
  // found it free and before the server binds it.
  static constexpr int kAttempts = 5;

  // Whether the program that starts the child is installed.
  static bool CanLaunch();

  // Makes a directory under /tmp, so that paths of sockets in it are short.
  // Its name contains `name`.
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
  pid_t pid() const { return pid_; }  // 0 = not running.

  // Starts the program.  log() then returns the output of this start only.
  absl::Status Launch(std::vector<std::string> command);
  // Whether the child has ended by itself.  running() is false after that.
  bool HasEnded();
  std::string log() const;

  // Sends SIGKILL; the child has ended on return.  No-op if it is not running.
  void Kill();
  // Send SIGSTOP and SIGCONT.  The child has stopped when Stop() returns.
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
