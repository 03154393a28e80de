#include "multi_backend/bench/peers/client/client_process.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "multi_backend/bench/calls/die.h"
#include "multi_backend/tests/testing/server_process.h"

extern char** environ;

namespace multi_backend {
namespace {

// Longer than any command takes.
constexpr int kPatienceMillis = 180 * 1000;

}  // namespace

std::unique_ptr<ClientProcess> ClientProcess::Start(
    std::vector<std::string> flags) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    Die(std::strerror(errno));
  }
  flags.insert(flags.begin(), RunfilePath("bench/peers/client/client"));
  std::vector<char*> argv;
  for (std::string& word : flags) argv.push_back(&word[0]);
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  close(ends[1]);
  if (error != 0) Die(flags[0] + ": " + std::strerror(error));
  return std::unique_ptr<ClientProcess>(new ClientProcess(pid, ends[0]));
}

ClientProcess::~ClientProcess() {
  close(fd_);
  // It has nothing to save.
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Figures ClientProcess::Do(const std::string& command) {
  const std::string line = command + "\n";
  if (send(fd_, line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size())) {
    Die("a client has ended before: " + command);
  }
  return ValueOrDie(FiguresFromLine(ReadLine(command)));
}

std::string ClientProcess::ReadLine(const std::string& command) {
  size_t end;
  while ((end = read_.find('\n')) == std::string::npos) {
    pollfd readable = {fd_, POLLIN, 0};
    if (poll(&readable, 1, kPatienceMillis) != 1) {
      Die("a client does not answer: " + command);
    }
    char buffer[4096];
    const ssize_t size = read(fd_, buffer, sizeof(buffer));
    if (size <= 0) Die("a client has ended during: " + command);
    read_.append(buffer, size);
  }
  std::string line = read_.substr(0, end);
  read_.erase(0, end + 1);
  return line;
}

absl::Duration ProcessorTimeOf(pid_t pid) {
  clockid_t clock;
  timespec used;
  if (clock_getcpuclockid(pid, &clock) != 0 ||
      clock_gettime(clock, &used) != 0) {
    Die("a proxy has ended");
  }
  return absl::DurationFromTimespec(used);
}

}  // namespace multi_backend
