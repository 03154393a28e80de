// Runs `mb top` in a real terminal (a pty), against a status page.
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/tests/testing/server_process.h"
#include "multi_backend/tools/mb/testing/mb_process.h"
#include "multi_backend/tools/mb/testing/status_page_of_one_backend.h"

namespace multi_backend {
namespace mb {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kTimeout = absl::Seconds(30);

// mb in a terminal of 24 lines and 120 columns.
class TerminalProcess {
 public:
  explicit TerminalProcess(const std::string& url) {
    const std::string binary = RunfilePath("tools/mb/mb");
    winsize size = {};
    size.ws_row = 24;
    size.ws_col = 120;
    const pid_t parent = getpid();
    pid_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    setenv("TERM", "xterm", 1);
    execl(binary.c_str(), "mb", "top", url.c_str(), "--interval=0.1",
          static_cast<char*>(nullptr));
    _exit(127);
  }
  ~TerminalProcess() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(terminal_);
  }

  // Reads until `text` has come since the last call.
  bool Await(absl::string_view text) {
    const absl::Time deadline = absl::Now() + kTimeout;
    while (!absl::StrContains(output_, text)) {
      if (absl::Now() > deadline || !Read()) return false;
    }
    output_.erase(0, output_.find(std::string(text)) + text.size());
    return true;
  }
  void Press(absl::string_view keys) {
    ASSERT_EQ(write(terminal_, keys.data(), keys.size()),
              static_cast<ssize_t>(keys.size()));
  }
  // The exit code; -1 when it does not end in time.
  int Wait() {
    const absl::Time deadline = absl::Now() + kTimeout;
    while (absl::Now() < deadline && Read()) {
    }
    if (absl::Now() >= deadline) return -1;
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  const std::string& output() const { return output_; }

 private:
  // False when the terminal is closed.
  bool Read() {
    pollfd terminal = {terminal_, POLLIN, 0};
    if (poll(&terminal, 1, 1000) <= 0) return true;
    char buffer[4096];
    const ssize_t size = read(terminal_, buffer, sizeof(buffer));
    if (size <= 0) return false;
    output_.append(buffer, static_cast<size_t>(size));
    return true;
  }

  pid_t pid_ = 0;
  int terminal_ = -1;
  std::string output_;
};

class TopTest : public testing::StatusPageOfOneBackend {
 protected:
  void SetUp() override { Serve(/*enable_actions=*/true); }
};

TEST_F(TopTest, ChangesAppearAndKeysAct) {
  TerminalProcess top(server_->url());
  ASSERT_TRUE(top.Await("10.0.0.1:1")) << top.output();
  ASSERT_TRUE(top.Await("q quit")) << top.output();
  // A change of the application appears by itself, and cannot act on the
  // terminal.
  status_.backends[0].state = "DOWN";
  status_.backends[0].reason = "planted\x1b]0;owned\x07";
  channel_->Set(status_);
  ASSERT_TRUE(top.Await("planted")) << top.output();
  EXPECT_THAT(top.output(), Not(HasSubstr("\x1b]0;")));
  // An action by key, after the answer.
  top.Press("u");
  ASSERT_TRUE(top.Await("y is yes")) << top.output();
  EXPECT_EQ(pool_->GetAllBackends().size(), 1u);
  top.Press("y");
  const absl::Time deadline = absl::Now() + kTimeout;
  while (!pool_->GetAllBackends().empty() && absl::Now() < deadline) {
    top.Await("\x1b");  // Until the next time that it draws.
  }
  EXPECT_TRUE(pool_->GetAllBackends().empty());
  top.Press("q");
  EXPECT_EQ(top.Wait(), 0);
  EXPECT_THAT(top.output(), Not(HasSubstr("owned\x07")));
}

TEST_F(TopTest, AnInterruptGivesTheTerminalBack) {
  TerminalProcess top(server_->url());
  ASSERT_TRUE(top.Await("q quit")) << top.output();
  top.Press("\x03");  // ^C.
  EXPECT_EQ(top.Wait(), 0);
  // The end of the alternate screen.
  EXPECT_THAT(top.output(), HasSubstr("\x1b[?1049l"));
}

TEST_F(TopTest, WithoutATerminalItIsOneTable) {
  const testing::MbResult result = testing::RunMb({"top", server_->url()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("  10.0.0.1:1  ALIVE"));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend
