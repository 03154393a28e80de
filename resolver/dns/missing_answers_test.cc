// DNS groups beside servers that leave questions unanswered.  The client waits
// for hours here, so a list that depended on the missing answer would not come
// while the test runs.
#include <fcntl.h>
#include <sys/socket.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/dns/endpoint_group.h"
#include "multi_backend/tests/testing/group_recorder.h"
#include "multi_backend/tests/testing/scripted_dns_server.h"

namespace multi_backend {
namespace {

constexpr char kHost[] = "users.example";
constexpr char kA[] = "A users.example";
constexpr char kAaaa[] = "AAAA users.example";

std::set<int> OpenDescriptors() {
  std::set<int> open;
  for (int fd = 0; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) open.insert(fd);
  }
  return open;
}

class MissingAnswersTest : public ::testing::Test {
 protected:
  MissingAnswersTest() {
    options_.client.servers = server_.address();
    options_.client.timeout = absl::Hours(1);
    options_.client.total_timeout = absl::Hours(1);
    options_.min_ttl = absl::Milliseconds(10);
  }

  void Follow(absl::StatusOr<std::shared_ptr<EndpointGroup>> group) {
    ASSERT_TRUE(group.ok()) << group.status();
    followed_ = std::make_unique<GroupRecorder>(*std::move(group));
  }

  ::testing::AssertionResult WaitFor(const std::vector<std::string>& list) {
    return followed_->WaitFor(list);
  }

  ScriptedDnsServer server_;
  DnsSourceOptions options_;
  std::unique_ptr<GroupRecorder> followed_;
};

TEST_F(MissingAnswersTest, OneFamilyIsUsedAndTheOtherJoinsWhenItComes) {
  server_.Answer(kA, {DnsRecordOf(kHost, "127.0.0.2")});
  server_.Hold(kAaaa);
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  EXPECT_TRUE(WaitFor({"127.0.0.2:80"}));
  EXPECT_TRUE(followed_->WaitForError("AAAA users.example: no answer yet"));
  server_.Answer(kAaaa, {DnsRecordOf(kHost, "2001:db8::1")});
  EXPECT_TRUE(WaitFor({"127.0.0.2:80", "[2001:db8::1]:80"}));
  EXPECT_EQ(server_.asked(kA), 1);
  EXPECT_EQ(server_.asked(kAaaa), 1);
}

TEST_F(MissingAnswersTest, TheOtherFamilyIsUsedToo) {
  server_.Hold(kA);
  server_.Answer(kAaaa, {DnsRecordOf(kHost, "2001:db8::1")});
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  EXPECT_TRUE(WaitFor({"[2001:db8::1]:80"}));
  server_.Answer(kA, {DnsRecordOf(kHost, "127.0.0.2")});
  EXPECT_TRUE(WaitFor({"127.0.0.2:80", "[2001:db8::1]:80"}));
}

TEST_F(MissingAnswersTest, AnEmptyFamilyIsNoReasonToStopWaiting) {
  server_.Answer(kA, {});
  server_.Hold(kAaaa);
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  ASSERT_TRUE(server_.AwaitHeld(kAaaa));
  server_.Answer(kAaaa, {DnsRecordOf(kHost, "2001:db8::1")});
  EXPECT_TRUE(WaitFor({"[2001:db8::1]:80"}));
}

TEST_F(MissingAnswersTest, ARefreshUsesWhatItLearnsAndKeepsTheRest) {
  server_.Answer(kA, {DnsRecordOf(kHost, "127.0.0.2", /*ttl=*/1)});
  server_.Answer(kAaaa, {DnsRecordOf(kHost, "2001:db8::1", /*ttl=*/1)});
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  EXPECT_TRUE(WaitFor({"127.0.0.2:80", "[2001:db8::1]:80"}));
  server_.Hold(kAaaa);
  ASSERT_TRUE(server_.AwaitHeld(kAaaa));
  const int asked = server_.asked(kAaaa);
  // Several rounds pass while one question has no answer.
  for (const char* const ip : {"127.0.0.3", "127.0.0.4", "127.0.0.5"}) {
    server_.Answer(kA, {DnsRecordOf(kHost, ip, /*ttl=*/1)});
    EXPECT_TRUE(WaitFor({absl::StrCat(ip, ":80"), "[2001:db8::1]:80"}));
  }
  EXPECT_EQ(server_.asked(kAaaa), asked) << "it is still under way";
  server_.Answer(kAaaa, {DnsRecordOf(kHost, "2001:db8::2", /*ttl=*/1)});
  EXPECT_TRUE(WaitFor({"127.0.0.5:80", "[2001:db8::2]:80"}));
}

TEST_F(MissingAnswersTest, ProgramsThatTheProcessStartsInheritNoSocket) {
  server_.Hold(kA);
  server_.Hold(kAaaa);
  const std::set<int> before = OpenDescriptors();
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  ASSERT_TRUE(server_.AwaitHeld(kA));
  ASSERT_TRUE(server_.AwaitHeld(kAaaa));
  int sockets = 0;
  for (const int fd : OpenDescriptors()) {
    if (before.count(fd) != 0) continue;
    EXPECT_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC) << fd;
    int type = 0;
    socklen_t size = sizeof(type);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0) ++sockets;
  }
  EXPECT_GE(sockets, 1);
}

TEST_F(MissingAnswersTest, OneTargetOfAServiceDoesNotDelayTheOthers) {
  const std::string service = "_grpc._tcp.users.example";
  server_.Answer("SRV " + service, {SrvRecordOf(service, "a.example", 80),
                                    SrvRecordOf(service, "b.example", 80)});
  server_.Answer("A a.example", {DnsRecordOf("a.example", "127.0.0.2")});
  server_.Hold("A b.example");
  server_.Hold("AAAA b.example");
  Follow(DnsServiceEndpointGroup::Make(service, options_));
  EXPECT_TRUE(WaitFor({"127.0.0.2:80"}));
  server_.Answer("A b.example", {DnsRecordOf("b.example", "127.0.0.3")});
  EXPECT_TRUE(WaitFor({"127.0.0.2:80", "127.0.0.3:80"}));
}

}  // namespace
}  // namespace multi_backend
