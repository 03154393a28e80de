// ServerProcess: a child process that runs //examples:backend.  Tests and
// demonstrations can kill, freeze and restart it.
//
//   auto server = ServerProcess::Start({{"--name", "a"}, /*binary=*/""});
//   (*server)->Kill();      // Connections are reset, calls in flight are lost.
//   (*server)->Restart();   // Same port, same flags, all counters at 0.
//   (*server)->Stop();      // Frozen: connections stay open, nothing answers.
//   (*server)->Continue();
//
// Every wait is bounded by kServerProcessTimeout.  The child dies with this
// object, and with this process, however the process ends.
//
// Threads: output() may be called from any thread at any time.  The other
// functions may be called from any thread, but not at the same time.
#ifndef MULTI_BACKEND_TESTS_TESTING_SERVER_PROCESS_H_
#define MULTI_BACKEND_TESTS_TESTING_SERVER_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace multi_backend {

constexpr absl::Duration kServerProcessTimeout = absl::Seconds(10);

// Returns where a file of this repository, such as "examples/backend", is at
// run time.  Works in tests and in `bazel run`, for targets that list the file
// in `data`.
std::string RunfilePath(absl::string_view path_in_repository);

class ServerProcess {
 public:
  struct Options {
    std::vector<std::string> flags;  // Additional; see `backend --help`.
    std::string binary;              // "" = //examples:backend.
  };

  // Returns when the server listens, on a port that the system chose.  If it
  // does not, the status gives the reason, with the child's output.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(Options options);
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start() {
    return Start(Options());
  }

  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  int port() const { return port_; }
  std::string address() const;  // "127.0.0.1:port".
  // The address of BackendControl, without TLS.  Changes with each Restart().
  std::string control_address() const;
  bool running() const { return pid_ != 0; }
  pid_t pid() const { return pid_; }  // 0 = not running.

  // Sends SIGKILL; the child has ended on return.  No-op if it is not running.
  void Kill();
  // Sends SIGTERM, also to a stopped child.  OK if the child ends with exit
  // code 0.  A child that does not end in time is killed.
  absl::Status Terminate();
  // Send SIGSTOP and SIGCONT.  The child has stopped when Stop() returns.
  void Stop();
  void Continue();
  // Kills the child if it runs, and starts another one on the same port.
  absl::Status Restart();

  // Everything that the children of this object printed to stdout and stderr.
  std::string output() const;

 private:
  explicit ServerProcess(Options options) : options_(std::move(options)) {}

  // Makes one attempt to start a child; port 0 = the system chooses.
  absl::Status Launch(int port, absl::Time deadline);
  // Reads the child's output until the child closes it, which happens when the
  // child ends.
  void ReadOutput(int fd);
  bool WaitForOutputEnd(absl::Duration timeout);
  // Collects the child after its end; returns its wait status.
  int Reap();

  const Options options_;
  int port_ = 0;
  int control_port_ = 0;
  pid_t pid_ = 0;
  std::thread reader_;

  mutable absl::Mutex mutex_;
  std::string output_ ABSL_GUARDED_BY(mutex_);
  // Where the output of the current child begins.
  size_t output_begin_ ABSL_GUARDED_BY(mutex_) = 0;
  bool output_ended_ ABSL_GUARDED_BY(mutex_) = true;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_SERVER_PROCESS_H_
