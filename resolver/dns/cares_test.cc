#include "multi_backend/resolver/dns/cares.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <poll.h>
#include <stdlib.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/dns/records.h"
#include "multi_backend/tests/testing/scripted_dns_server.h"

namespace multi_backend {
namespace {

constexpr int kUdpPayload = 1232;

// One question at a time to a server of the test.
class CaresTest : public ::testing::Test {
 protected:
  CaresTest() {
    // What the channel takes from /etc/resolv.conf elsewhere.
    setenv("LOCALDOMAIN", "search.example", 1);
    ares_options options = {};
    options.flags = ARES_FLAG_EDNS;
    options.ednspsz = kUdpPayload;
    options.sock_state_cb = &OnSocketState;
    options.sock_state_cb_data = this;
    EXPECT_EQ(ares_library_init(ARES_LIB_INIT_ALL), ARES_SUCCESS);
    EXPECT_EQ(ares_init_options(
                  &channel_, &options,
                  ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB),
              ARES_SUCCESS);
    EXPECT_EQ(SetCaresSocketFunctions(channel_), ARES_SUCCESS);
    EXPECT_EQ(ares_set_servers_ports_csv(channel_, server_.address().c_str()),
              ARES_SUCCESS);
  }

  ~CaresTest() override { ares_destroy(channel_); }

  void Start(const char* name, bool search) {
    AskCares(channel_, {name, ns_t_a, search, kUdpPayload}, &OnAnswer, this);
  }

  // Returns the addresses, or nothing after an error or without an answer.
  absl::optional<DnsAnswer> Ask(const char* name, bool search) {
    Start(name, search);
    while (answers_ == 0) {
      pollfd polled = {socket_, POLLIN, 0};
      if (poll(&polled, 1, /*timeout=*/30'000) != 1) break;
      ares_process_fd(channel_, socket_, ARES_SOCKET_BAD);
    }
    EXPECT_EQ(answers_, 1);
    return answer_;
  }

  static void OnSocketState(void* arg, ares_socket_t fd, int readable,
                            int /*writable*/) {
    static_cast<CaresTest*>(arg)->socket_ =
        readable != 0 ? fd : ARES_SOCKET_BAD;
  }

  static void OnAnswer(void* arg, int error, const unsigned char* packet,
                       size_t size) {
    CaresTest& test = *static_cast<CaresTest*>(arg);
    ++test.answers_;
    test.error_ = error;
    if (error != ARES_SUCCESS) return;
    const absl::StatusOr<DnsAnswer> answer = ParseDnsAnswer(packet, size);
    ASSERT_TRUE(answer.ok()) << answer.status();
    test.answer_ = *answer;
  }

  ScriptedDnsServer server_;
  ares_channel channel_ = nullptr;
  ares_socket_t socket_ = ARES_SOCKET_BAD;
  int answers_ = 0;
  int error_ = ARES_SUCCESS;
  absl::optional<DnsAnswer> answer_;
};

TEST_F(CaresTest, AQuestionIsAskedAsItIs) {
  server_.Answer("A users", {DnsRecordOf("users", "127.0.0.2", /*ttl=*/7)});
  const auto answer = Ask("users", /*search=*/false);
  ASSERT_TRUE(answer.has_value()) << error_;
  ASSERT_EQ(answer->addresses.size(), 1);
  EXPECT_EQ(answer->addresses[0].ip, "127.0.0.2");
  EXPECT_EQ(answer->ttl, absl::Seconds(7));
  EXPECT_EQ(server_.asked("A users.search.example"), 0);
}

TEST_F(CaresTest, ASearchAddsTheDomain) {
  server_.Answer("A users.search.example",
                 {DnsRecordOf("users.search.example", "127.0.0.3")});
  const auto answer = Ask("users", /*search=*/true);
  ASSERT_TRUE(answer.has_value()) << error_;
  ASSERT_EQ(answer->addresses.size(), 1);
  EXPECT_EQ(answer->addresses[0].owner, "users.search.example");
  EXPECT_EQ(answer->addresses[0].ip, "127.0.0.3");
}

TEST_F(CaresTest, AQuestionWithoutRecordsIsAnError) {
  EXPECT_FALSE(Ask("users.example", /*search=*/true).has_value());
  EXPECT_EQ(error_, ARES_ENODATA);
}

TEST_F(CaresTest, ANameThatCannotBeAskedIsAnErrorOnce) {
  const std::string name = std::string(64, 'a') + ".example";
  for (const bool search : {false, true}) {
    answers_ = 0;
    Start(name.c_str(), search);
    EXPECT_EQ(answers_, 1) << search;
    EXPECT_EQ(error_, ARES_EBADNAME) << search;
  }
}

TEST_F(CaresTest, ACancelledQuestionGetsItsErrorOnce) {
  server_.Hold("A users.example");
  for (const bool search : {false, true}) {
    answers_ = 0;
    Start("users.example", search);
    ASSERT_EQ(answers_, 0) << search;
    ares_cancel(channel_);
    EXPECT_EQ(answers_, 1) << search;
    EXPECT_EQ(error_, ARES_ECANCELLED) << search;
  }
}

TEST_F(CaresTest, TheServersAreListedWithTheirPorts) {
  ASSERT_EQ(
      ares_set_servers_ports_csv(channel_, "192.0.2.1,[2001:db8::1]:5353"),
      ARES_SUCCESS);
  EXPECT_EQ(CaresServers(channel_), "192.0.2.1:53, [2001:db8::1]:5353");
}

}  // namespace
}  // namespace multi_backend
