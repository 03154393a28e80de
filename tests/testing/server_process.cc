#include "multi_backend/tests/testing/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <deque>
#include <functional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"

extern char** environ;

namespace multi_backend {
namespace {

// The pause before another attempt to start on a port that is still taken.
constexpr absl::Duration kRestartInterval = absl::Milliseconds(20);

// A child that asked to die with its parent is killed when the thread that
// started it ends, not the process.  So one thread that never ends starts all
// children.
class Launcher {
 public:
  static Launcher& Get() {
    static Launcher* const launcher = new Launcher;
    return *launcher;
  }

  // Runs `work` on that thread and waits for it.
  void Run(const std::function<void()>& work) {
    absl::Notification done;
    {
      absl::MutexLock lock(&mutex_);
      queue_.push_back([&] {
        work();
        done.Notify();
      });
    }
    done.WaitForNotification();
  }

 private:
  Launcher() {
    std::thread([this] {
      while (true) Next()();
    }).detach();
  }

  std::function<void()> Next() {
    absl::MutexLock lock(&mutex_);
    const auto not_empty = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return !queue_.empty();
    };
    mutex_.Await(absl::Condition(&not_empty));
    std::function<void()> work = std::move(queue_.front());
    queue_.pop_front();
    return work;
  }

  absl::Mutex mutex_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
};

absl::Status SystemError(absl::string_view what, int error) {
  return absl::InternalError(absl::StrCat(what, ": ", strerror(error)));
}

// Starts `command` with stdout and stderr connected to `output_fd`, without
// stdin, and with all signals unblocked.
absl::StatusOr<pid_t> Spawn(std::vector<std::string> command, int output_fd) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY,
                                   0);
  posix_spawn_file_actions_adddup2(&files, output_fd, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, output_fd, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t no_signals;
  sigemptyset(&no_signals);
  posix_spawnattr_setsigmask(&attributes, &no_signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(&word[0]);
  argv.push_back(nullptr);
  pid_t pid = 0;
  int error = 0;
  // posix_spawn() does not run gRPC's fork handlers, as fork() would.
  Launcher::Get().Run([&] {
    error =
        posix_spawn(&pid, argv[0], &files, &attributes, argv.data(), environ);
  });
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) return SystemError(absl::StrCat("start ", argv[0]), error);
  return pid;
}

// Returns the port in the line "<label> <port>" of `output`, once that line is
// complete.
absl::optional<int> FindPort(absl::string_view output,
                             absl::string_view label) {
  std::vector<absl::string_view> lines = absl::StrSplit(output, '\n');
  lines.pop_back();  // What follows the last newline is not complete.
  for (absl::string_view line : lines) {
    const std::pair<absl::string_view, absl::string_view> words =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    int port = 0;
    if (words.first == label && absl::SimpleAtoi(words.second, &port)) {
      return port;
    }
  }
  return absl::nullopt;
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

}  // namespace

std::string RunfilePath(absl::string_view path_in_repository) {
  std::vector<std::string> roots;
  if (const char* directory = getenv("TEST_SRCDIR")) {
    roots.emplace_back(directory);
  }
  char self[4096] = {};
  if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0) {
    roots.push_back(absl::StrCat(self, ".runfiles"));
  }
  for (const std::string& root : roots) {
    // A build with modules calls this repository _main.
    for (const char* repository : {"multi_backend", "_main"}) {
      std::string path =
          absl::StrCat(root, "/", repository, "/", path_in_repository);
      if (Exists(path)) return path;
    }
  }
  // `bazel run` starts programs in the directory of the runfiles.
  return std::string(path_in_repository);
}

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(
    Options options) {
  if (options.binary.empty()) options.binary = RunfilePath("examples/backend");
  std::unique_ptr<ServerProcess> server(new ServerProcess(std::move(options)));
  const absl::Status launched =
      server->Launch(0, absl::Now() + kServerProcessTimeout);
  if (!launched.ok()) return launched;
  return server;
}

ServerProcess::~ServerProcess() { Kill(); }

std::string ServerProcess::address() const {
  return absl::StrCat("127.0.0.1:", port_);
}

std::string ServerProcess::control_address() const {
  return absl::StrCat("127.0.0.1:", control_port_);
}

absl::Status ServerProcess::Launch(int port, absl::Time deadline) {
  std::vector<std::string> command = {options_.binary, "--control",
                                      "--port",        absl::StrCat(port),
                                      "--parent",      absl::StrCat(getpid())};
  command.insert(command.end(), options_.flags.begin(), options_.flags.end());
  int pipe_fds[2];
  // Close-on-exec, because a child that inherited another one's pipe would keep
  // it open after that one has ended.
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) return SystemError("pipe2", errno);
  const absl::StatusOr<pid_t> pid = Spawn(std::move(command), pipe_fds[1]);
  close(pipe_fds[1]);
  if (!pid.ok()) {
    close(pipe_fds[0]);
    return pid.status();
  }
  pid_ = *pid;
  absl::optional<int> listening;
  std::string child_output;
  {
    absl::MutexLock lock(&mutex_);
    output_begin_ = output_.size();
    output_ended_ = false;
    reader_ = std::thread(&ServerProcess::ReadOutput, this, pipe_fds[0]);
    const auto decided = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      const auto fresh = absl::string_view(output_).substr(output_begin_);
      listening = FindPort(fresh, "LISTENING");
      return listening.has_value() || output_ended_;
    };
    mutex_.AwaitWithDeadline(absl::Condition(&decided), deadline);
    child_output = output_.substr(output_begin_);
  }
  if (!listening.has_value()) {
    Kill();
    return absl::UnavailableError(
        absl::StrCat(options_.binary, " does not listen; its output: ",
                     child_output.empty() ? "(none)" : child_output));
  }
  port_ = *listening;
  control_port_ = FindPort(child_output, "CONTROL").value_or(0);
  return absl::OkStatus();
}

void ServerProcess::ReadOutput(int fd) {
  char buffer[4096];
  ssize_t size;
  while ((size = read(fd, buffer, sizeof(buffer))) > 0 ||
         (size < 0 && errno == EINTR)) {
    if (size < 0) continue;
    absl::MutexLock lock(&mutex_);
    output_.append(buffer, size);
  }
  close(fd);
  absl::MutexLock lock(&mutex_);
  output_ended_ = true;
}

bool ServerProcess::WaitForOutputEnd(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&output_ended_), timeout);
}

int ServerProcess::Reap() {
  int wait_status = 0;
  while (waitpid(pid_, &wait_status, 0) < 0 && errno == EINTR) {
  }
  reader_.join();
  pid_ = 0;
  return wait_status;
}

void ServerProcess::Kill() {
  if (!running()) return;
  kill(pid_, SIGKILL);
  Reap();
}

absl::Status ServerProcess::Terminate() {
  if (!running()) return absl::FailedPreconditionError("is not running");
  kill(pid_, SIGTERM);
  kill(pid_, SIGCONT);  // A stopped process does not handle SIGTERM before.
  if (!WaitForOutputEnd(kServerProcessTimeout)) {
    Kill();
    return absl::DeadlineExceededError("did not end on SIGTERM, so killed");
  }
  const int wait_status = Reap();
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) {
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat(
      "ended with wait status ", wait_status, "; its output: ", output()));
}

void ServerProcess::Stop() {
  if (!running()) return;
  kill(pid_, SIGSTOP);
  siginfo_t info;
  waitid(P_PID, pid_, &info, WSTOPPED | WEXITED | WNOWAIT);
}

void ServerProcess::Continue() {
  if (running()) kill(pid_, SIGCONT);
}

absl::Status ServerProcess::Restart() {
  Kill();
  const absl::Time deadline = absl::Now() + kServerProcessTimeout;
  const int port = port_;
  while (true) {
    const absl::Status launched = Launch(port, deadline);
    if (launched.ok() || absl::Now() + kRestartInterval > deadline) {
      return launched;
    }
    // The port of a killed process becomes free a moment later.
    absl::SleepFor(kRestartInterval);
  }
}

std::string ServerProcess::output() const {
  absl::MutexLock lock(&mutex_);
  return output_;
}

}  // namespace multi_backend
