#include "multi_backend/tools/mb/testing/mb_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/tests/testing/server_process.h"

namespace multi_backend {
namespace mb {
namespace testing {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(30);

std::vector<char*> PointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

MbProcess::MbProcess(std::vector<std::string> arguments, Options options) {
  const std::string binary = RunfilePath("tools/mb/mb");
  arguments.insert(arguments.begin(), "mb");
  for (char** variable = environ; *variable != nullptr; ++variable) {
    options.environment.push_back(*variable);
  }
  const std::vector<char*> argv = PointersTo(arguments);
  const std::vector<char*> envp = PointersTo(options.environment);
  int in[2], out[2], err[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
      pipe2(err, O_CLOEXEC) != 0) {
    abort();
  }
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    execve(binary.c_str(), argv.data(), envp.data());
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
  // Less than a pipe holds, so this does not block.
  const ssize_t written =
      write(in[1], options.input.data(), options.input.size());
  (void)written;
  close(in[1]);
}

MbProcess::~MbProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (out_ >= 0) close(out_);
  if (err_ >= 0) close(err_);
}

bool MbProcess::Read(absl::Time deadline) {
  pollfd streams[] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};
  if (out_ < 0 && err_ < 0) return false;
  const absl::Duration left = deadline - absl::Now();
  if (left <= absl::ZeroDuration()) return false;
  const int ready =
      poll(streams, 2, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1);
  if (ready < 0) return errno == EINTR;
  for (pollfd& stream : streams) {
    if (stream.fd < 0 || stream.revents == 0) continue;
    char buffer[4096];
    const ssize_t size = read(stream.fd, buffer, sizeof(buffer));
    std::string& text = stream.fd == out_ ? result_.out : result_.err;
    if (size > 0) {
      text.append(buffer, static_cast<size_t>(size));
      continue;
    }
    close(stream.fd);
    (stream.fd == out_ ? out_ : err_) = -1;
  }
  return true;
}

bool MbProcess::AwaitOutput(absl::string_view text) {
  const absl::Time deadline = absl::Now() + kTimeout;
  while (!absl::StrContains(result_.out, text)) {
    if (!Read(deadline)) return absl::StrContains(result_.out, text);
  }
  return true;
}

MbResult MbProcess::Wait() {
  const absl::Time deadline = absl::Now() + kTimeout;
  while (Read(deadline)) {
  }
  if (pid_ > 0) {
    // It closes its streams when it ends.
    if (out_ >= 0 || err_ >= 0) kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    if (WIFEXITED(status)) result_.exit_code = WEXITSTATUS(status);
  }
  return result_;
}

MbResult MbProcess::Interrupt() {
  if (pid_ > 0) kill(pid_, SIGINT);
  return Wait();
}

MbResult RunMb(std::vector<std::string> arguments, MbProcess::Options options) {
  return MbProcess(std::move(arguments), std::move(options)).Wait();
}

TextFile::TextFile(absl::string_view name, absl::string_view text) {
  char directory[] = "/tmp/mbXXXXXX";
  if (mkdtemp(directory) == nullptr) abort();
  directory_ = directory;
  path_ = absl::StrCat(directory_, "/", name);
  Write(text);
}

TextFile::~TextFile() {
  unlink(path_.c_str());
  rmdir(directory_.c_str());
}

void TextFile::Write(absl::string_view text) const {
  const std::string next = path_ + ".next";
  std::ofstream(next, std::ios::binary) << text;
  if (rename(next.c_str(), path_.c_str()) != 0) abort();
}

}  // namespace testing
}  // namespace mb
}  // namespace multi_backend
