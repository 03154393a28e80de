// Runs registered_backend as a reader would, with a real etcd.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/sources.h"
#include "multi_backend/tests/testing/etcd_server.h"
#include "multi_backend/tests/testing/group_recorder.h"
#include "multi_backend/tests/testing/server_process.h"
#include "multi_backend/tests/testing/users_client.h"

extern char** environ;

namespace multi_backend {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr char kPrefix[] = "/services/users/";

// A process that is killed with this object, or when the test ends.
class Backend {
 public:
  Backend(const std::string& target, const std::string& name) {
    std::vector<std::string> command = {
        "/usr/bin/setpriv",
        "--pdeathsig",
        "KILL",
        RunfilePath("examples/registered_backend"),
        target,
        name};
    std::vector<char*> argv;
    for (std::string& word : command) argv.push_back(&word[0]);
    argv.push_back(nullptr);
    EXPECT_EQ(
        posix_spawn(&pid_, argv[0], nullptr, nullptr, argv.data(), environ), 0);
  }
  ~Backend() { End(SIGKILL); }
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  // Returns the exit code, or -1 if a signal ended the process.
  int End(int signal_number) {
    if (pid_ == 0) return 0;
    kill(pid_, signal_number);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
};

TEST(RegisteredBackendTest, ComesWithItsStartAndGoesWithItsEnd) {
  MB_REQUIRE_PACKAGE(EtcdServer::Installed(), EtcdServer::kHowToInstall);
  ASSERT_TRUE(Register().ok());
  auto store = EtcdServer::Start();
  ASSERT_TRUE(store.ok()) << store.status();
  const std::string target =
      absl::StrCat("etcd://", (*store)->address(), kPrefix);
  auto group = EtcdEndpointGroup::Make((*store)->address(), kPrefix);
  ASSERT_TRUE(group.ok()) << group.status();
  GroupRecorder recorder(*group);
  auto client = UsersClient::Make(target, ChannelOptions());
  ASSERT_TRUE(client.ok()) << client.status();

  Backend a(target, "a");
  ASSERT_TRUE(recorder.WaitForSize(1));
  EXPECT_TRUE(WaitUntil([&] { return (*client)->Call().served_by == "a"; }));
  Backend b(target, "b");
  ASSERT_TRUE(recorder.WaitForSize(2));
  EXPECT_TRUE(WaitUntil([&] { return (*client)->Call().served_by == "b"; }));

  auto start = steady_clock::now();
  EXPECT_EQ(b.End(SIGTERM), 0);
  ASSERT_TRUE(recorder.WaitForSize(1));
  EXPECT_LT(steady_clock::now() - start, milliseconds(2000));
  EXPECT_EQ((*client)->Call().served_by, "a");

  Backend c(target, "c");
  ASSERT_TRUE(recorder.WaitForSize(2));
  a.End(SIGKILL);
  start = steady_clock::now();
  // The lease of 10 s is renewed every third of it, so it ends within 10 s.
  ASSERT_TRUE(recorder.WaitForSize(1));
  EXPECT_LT(steady_clock::now() - start, milliseconds(12000));
  EXPECT_TRUE(WaitUntil([&] { return (*client)->Call().served_by == "c"; }));
}

}  // namespace
}  // namespace multi_backend
