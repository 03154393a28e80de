// ServerProcess: one //examples:backend as a child process, which tests and
// demonstrations kill, freeze and restart.
//
//   auto server = ServerProcess::Start({{"--name", "a"}, /*binary=*/""});
//   (*server)->Kill();      // Connections are reset, calls in flight are lost.
//   (*server)->Restart();   // Same port, same flags, all counters at 0.
//   (*server)->Stop();      // Frozen: connections stay open, nothing answers.
//   (*server)->Continue();
//
// Every wait is bounded by kServerProcessTimeout.  The child dies with this
// object, and with this process however that ends.
//
// Threads: output() may be called from any thread at any time; everything else
// from one thread at a time, not necessarily the same one.
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

// Where a file of this repository is at run time, "examples/backend" for
// instance: for a target that lists it in `data`, in a test and in `bazel run`.
std::string RunfilePath(absl::string_view path_in_repository);

class ServerProcess {
 public:
  struct Options {
    std::vector<std::string> flags;  // Further ones; `backend --help`.
    std::string binary;              // "" = //examples:backend.
  };

  // Returns when the server listens, on a port that the system chose.
  // Otherwise the status says why not, with the child's output.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(Options options);
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start() {
    return Start(Options());
  }

  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  int port() const { return port_; }
  std::string address() const;  // "127.0.0.1:port".
  // Of BackendControl: without TLS, and another one after each Restart().
  std::string control_address() const;
  bool running() const { return pid_ != 0; }
  pid_t pid() const { return pid_; }  // 0 = not running.

  // SIGKILL; the child is gone on return.  Not running: no-op.
  void Kill();
  // SIGTERM, also when stopped; OK when the child then ended with exit code 0.
  // One that does not end in time is killed.
  absl::Status Terminate();
  // SIGSTOP and SIGCONT; the child has stopped on return.
  void Stop();
  void Continue();
  // Kills the child if it runs and starts another one on the same port.
  absl::Status Restart();

  // All that the children of this object printed, on stdout and stderr.
  std::string output() const;

 private:
  explicit ServerProcess(Options options) : options_(std::move(options)) {}

  // One attempt to start a child; port 0 = the system chooses.
  absl::Status Launch(int port, absl::Time deadline);
  // Reads the child's output until the child has closed it, which it does by
  // ending.
  void ReadOutput(int fd);
  bool WaitForOutputEnd(absl::Duration timeout);
  // Collects the ended child; returns its wait status.
  int Reap();

  const Options options_;
  int port_ = 0;
  int control_port_ = 0;
  pid_t pid_ = 0;
  std::thread reader_;

  mutable absl::Mutex mutex_;
  std::string output_ ABSL_GUARDED_BY(mutex_);
  // Where the output of the present child begins.
  size_t output_begin_ ABSL_GUARDED_BY(mutex_) = 0;
  bool output_ended_ ABSL_GUARDED_BY(mutex_) = true;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_SERVER_PROCESS_H_
