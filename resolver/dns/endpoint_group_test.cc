#include "multi_backend/resolver/dns/endpoint_group.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/tests/testing/directory_entries.h"
#include "multi_backend/tests/testing/knot_server.h"

namespace multi_backend {
namespace {

using ListPtr = std::shared_ptr<const EndpointList>;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience(30);

EndpointList Ips(const std::vector<std::string>& ips) {
  EndpointList list;
  for (const std::string& ip : ips) list.push_back(Endpoint::Of(ip, 80));
  return list;
}

class DnsEndpointGroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    MB_REQUIRE_PACKAGE(KnotServer::Installed(), KnotServer::kHowToInstall);
    auto server = KnotServer::Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    options_.client.servers = server_->address();
    options_.backoff.initial = absl::Milliseconds(50);
    options_.backoff.max = absl::Milliseconds(200);
  }

  void TearDown() override {
    watch_.reset();
    group_.reset();
  }

  void Follow(absl::StatusOr<std::shared_ptr<EndpointGroup>> group) {
    ASSERT_TRUE(group.ok()) << group.status();
    watch_.reset();
    group_ = *std::move(group);
    watch_ = group_->Watch([this](ListPtr list) {
      std::lock_guard<std::mutex> lock(mu_);
      newest_ = *list;
      changed_.notify_all();
    });
  }

  ::testing::AssertionResult WaitFor(
      const EndpointList& list,
      std::chrono::milliseconds patience = kPatience) {
    std::unique_lock<std::mutex> lock(mu_);
    if (changed_.wait_for(lock, patience, [&] { return newest_ == list; })) {
      return ::testing::AssertionSuccess();
    }
    lock.unlock();
    return ::testing::AssertionFailure()
           << "the list is " << NameEndpoints(*group_->endpoints()) << "; "
           << group_->Describe();
  }

  ::testing::AssertionResult WaitForError(const std::string& text) {
    return WaitForStatus([&text](const absl::Status& error) {
      return absl::StrContains(error.message(), text);
    });
  }
  ::testing::AssertionResult WaitForNoError() {
    return WaitForStatus([](const absl::Status& error) { return error.ok(); });
  }

  // Polls every millisecond, because there is no callback for errors.
  ::testing::AssertionResult WaitForStatus(
      const std::function<bool(const absl::Status&)>& wanted) {
    const auto end = steady_clock::now() + kPatience;
    std::unique_lock<std::mutex> lock(mu_);
    while (!wanted(group_->last_error())) {
      if (steady_clock::now() > end) {
        return ::testing::AssertionFailure() << group_->Describe();
      }
      changed_.wait_for(lock, std::chrono::milliseconds(1));
    }
    return ::testing::AssertionSuccess();
  }

  void Update(const std::vector<std::string>& changes) {
    const absl::Status status = server_->Update(changes);
    ASSERT_TRUE(status.ok()) << status;
  }

  std::unique_ptr<KnotServer> server_;
  DnsSourceOptions options_;
  std::shared_ptr<EndpointGroup> group_;
  std::mutex mu_;
  std::condition_variable changed_;
  EndpointList newest_;
  std::unique_ptr<EndpointGroup::Subscription> watch_;
};

// The TTL of 1 s, and one second more.
constexpr std::chrono::seconds kInTime(2);

TEST_F(DnsEndpointGroupTest, FollowsAddressRecordsWithinTtlAndASecond) {
  Update({"add users.example. 1 A 127.0.0.2"});
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.2"})));
  Update({"add users.example. 1 A 127.0.0.3"});
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.2", "127.0.0.3"}), kInTime));
  Update({"delete users.example. A 127.0.0.2",
          "add users.example. 1 AAAA 2001:db8::1"});
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.3", "2001:db8::1"}), kInTime));
  Update({"delete users.example.", "add users.example. 1 CNAME c.example.",
          "add c.example. 3600 A 127.0.0.9"});
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.9"}), kInTime)) << "through a CNAME";
  Update({"delete c.example. A", "add c.example. 3600 A 127.0.0.8"});
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.8"}), kInTime)) << "the CNAME's TTL counts";
  EXPECT_FALSE(group_->names_are_configured());
  EXPECT_EQ(group_->Describe(), absl::StrCat("dns+addr://", server_->address(),
                                             "/users.example:80"));
}

// The records themselves say that they hold for an hour.
TEST_F(DnsEndpointGroupTest, AsksAgainWithinTheLongestTtlThatIsAllowed) {
  options_.max_ttl = absl::Seconds(1);
  Update({"add users.example. 3600 A 127.0.0.2"});
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.2"})));
  for (int i = 3; i < 6; ++i) {
    Update({"delete users.example. A",
            absl::StrCat("add users.example. 3600 A 127.0.0.", i)});
    EXPECT_TRUE(WaitFor(Ips({absl::StrCat("127.0.0.", i)}), kInTime));
  }
}

TEST_F(DnsEndpointGroupTest, TheApplicationMayReadTextRecordsItself) {
  Update({R"(add users.example. 1 TXT "2;127.0.0.2")",
          R"(add users.example. 1 TXT "none")"});
  Follow(DnsTextEndpointGroup::Make(
      "users.example", options_,
      [](absl::string_view record) -> absl::StatusOr<Endpoint> {
        const std::vector<std::string> parts = absl::StrSplit(record, ';');
        if (parts.size() != 2) {
          return absl::InvalidArgumentError("no semicolon");
        }
        return Endpoint::Of(parts[1], 50051).WithRole(parts[0]);
      }));
  EXPECT_TRUE(WaitFor({Endpoint::Of("127.0.0.2", 50051).WithRole("2")}));
  EXPECT_TRUE(
      absl::StrContains(group_->Describe(), "record \"none\": no semicolon"))
      << group_->Describe();
  Update({"delete users.example. TXT",
          R"(add users.example. 1 TXT "3;127.0.0.3")"});
  EXPECT_TRUE(
      WaitFor({Endpoint::Of("127.0.0.3", 50051).WithRole("3")}, kInTime));
}

TEST_F(DnsEndpointGroupTest, FollowsServiceRecords) {
  const std::string service = "_grpc._tcp.users.example.";
  const auto tier = [](absl::string_view ip, uint32_t weight, int priority) {
    Endpoint endpoint = Endpoint::Of(ip, 80).WithWeight(weight);
    endpoint.priority = priority;
    return endpoint;
  };
  Update({"add a.example. 1 A 127.0.0.2", "add b.example. 1 A 127.0.0.3",
          absl::StrCat("add ", service, " 1 SRV 1 100 80 a.example."),
          absl::StrCat("add ", service, " 1 SRV 2 0 80 b.example.")});
  Follow(DnsServiceEndpointGroup::Make("_grpc._tcp.users.example", options_));
  EXPECT_TRUE(WaitFor({tier("127.0.0.2", 1000, 1), tier("127.0.0.3", 1, 2)}));
  Update({absl::StrCat("delete ", service, " SRV 1 100 80 a.example."),
          absl::StrCat("add ", service, " 1 SRV 3 200 80 a.example.")});
  EXPECT_TRUE(
      WaitFor({tier("127.0.0.3", 1, 2), tier("127.0.0.2", 2000, 3)}, kInTime))
      << "another tier and weight";
  Update({"delete b.example. A", "add b.example. 1 A 127.0.0.4"});
  EXPECT_TRUE(
      WaitFor({tier("127.0.0.4", 1, 2), tier("127.0.0.2", 2000, 3)}, kInTime))
      << "another address of a target";
}

TEST_F(DnsEndpointGroupTest, FollowsTextRecordsAndShowsWhatItDropped) {
  Update({R"(add users.example. 1 TXT "127.0.0.2:80 " "weight=7 role=primary")",
          R"(add users.example. 1 TXT "v=spf1 -all")"});
  Follow(DnsTextEndpointGroup::Make("users.example", options_));
  EXPECT_TRUE(WaitFor(
      {Endpoint::Of("127.0.0.2", 80).WithWeight(7).WithRole("primary")}));
  EXPECT_TRUE(absl::StrContains(group_->Describe(),
                                "(1 refused: record \"v=spf1 -all\": "))
      << group_->Describe();
  Update({"delete users.example. TXT",
          R"(add users.example. 1 TXT "127.0.0.3:80")"});
  EXPECT_TRUE(WaitFor({Endpoint::Of("127.0.0.3", 80)}, kInTime));
  EXPECT_FALSE(absl::StrContains(group_->Describe(), "refused"));
}

TEST_F(DnsEndpointGroupTest, KeepsTheListWhileTheServerIsAway) {
  // c-ares may take the refusal of one question for that of another.  The first
  // question then waits for its timeout, so the timeout is short here.
  options_.client.timeout = absl::Milliseconds(100);
  Update({"add users.example. 1 A 127.0.0.2"});
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.2"})));
  for (int round = 0; round < 3; ++round) {
    server_->Kill();
    EXPECT_TRUE(WaitForError("A users.example: "));
    EXPECT_TRUE(absl::StrContains(group_->Describe(), "(the list in use is "));
    EXPECT_EQ(group_->endpoints()->size(), 1u);
    ASSERT_TRUE(server_->Restart().ok());
    const std::string ip = absl::StrCat("127.0.1.", round);
    Update({"delete users.example. A",
            absl::StrCat("add users.example. 1 A ", ip)});
    EXPECT_TRUE(WaitFor(Ips({ip}), kInTime));
    // The AAAA question may have failed before the server was back, and the A
    // question succeeded after it.
    EXPECT_TRUE(WaitForNoError());
  }
}

TEST_F(DnsEndpointGroupTest, KeepsTheListWhileTheServerIsFrozen) {
  options_.client.timeout = absl::Milliseconds(100);
  options_.client.tries = 2;
  Update({"add users.example. 1 A 127.0.0.2"});
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.2"})));
  server_->Stop();
  EXPECT_TRUE(WaitForError("A users.example: Timeout"));
  EXPECT_EQ(*group_->endpoints(), Ips({"127.0.0.2"}));
  server_->Continue();
  Update({"add users.example. 1 A 127.0.0.3"});
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.2", "127.0.0.3"}), kInTime));
}

TEST_F(DnsEndpointGroupTest, OneBatchOfQuestionsTakesABoundedTime) {
  options_.client.total_timeout = absl::Milliseconds(200);
  server_->Stop();
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  EXPECT_TRUE(WaitForError("A users.example: no answer after 200ms"));
  server_->Continue();
  Update({"add users.example. 1 A 127.0.0.2"});
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.2"})));
}

TEST_F(DnsEndpointGroupTest, ANameThatIsGoneKeepsTheListUnlessToldOtherwise) {
  Update({"add users.example. 1 A 127.0.0.2"});
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.2"})));
  Update({"delete users.example. A"});
  EXPECT_TRUE(WaitForError("users.example has no A or AAAA record"));
  EXPECT_EQ(*group_->endpoints(), Ips({"127.0.0.2"}));
  Update({"add users.example. 1 A 127.0.0.3"});
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.3"}), kInTime));

  options_.empty = EmptyAnswer::kIsAList;
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.3"})));
  Update({"delete users.example. A"});
  EXPECT_TRUE(WaitFor({}, kInTime));
  Update({"add users.example. 1 A 127.0.0.4"});
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.4"}), kInTime));
}

TEST_F(DnsEndpointGroupTest, AsksAgainByTcpWhenAnAnswerDoesNotFit) {
  std::vector<std::string> changes;
  std::vector<std::string> ips;
  for (int i = 0; i < 500; ++i) {
    ips.push_back(absl::StrCat("10.0.", i / 250, ".", i % 250 + 1));
    changes.push_back(absl::StrCat("add users.example. 1 A ", ips.back()));
    changes.push_back(absl::StrCat("add users.example. 1 TXT \"", ips.back(),
                                   ":80 zone=a-zone-with-a-long-name\""));
  }
  std::sort(ips.begin(), ips.end());
  Update(changes);
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  EXPECT_TRUE(WaitFor(Ips(ips)));
  Follow(DnsTextEndpointGroup::Make("users.example", options_));
  EXPECT_TRUE(group_->AwaitInitialEndpoints(absl::Seconds(30)).ok());
  EXPECT_EQ(group_->endpoints()->size(), 500u);
}

TEST_F(DnsEndpointGroupTest, LooksUpHundredsOfTargets) {
  std::vector<std::string> changes;
  for (int i = 0; i < 300; ++i) {
    changes.push_back(absl::StrCat("add t", i, ".example. 3600 A 10.0.",
                                   i / 250, ".", i % 250 + 1));
    changes.push_back(
        absl::StrCat("add _s._tcp.example. 3600 SRV 1 1 80 t", i, ".example."));
  }
  Update(changes);
  Follow(DnsServiceEndpointGroup::Make("_s._tcp.example", options_));
  EXPECT_TRUE(group_->AwaitInitialEndpoints(absl::Seconds(30)).ok());
  EXPECT_EQ(group_->endpoints()->size(), 300u);
}

TEST_F(DnsEndpointGroupTest, AsksAgainWhenAskedTo) {
  Update({"add users.example. 3600 A 127.0.0.2"});
  options_.min_ttl = absl::Milliseconds(10);
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.2"})));
  Update({"add users.example. 3600 A 127.0.0.3"});
  group_->RequestRefresh();
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.2", "127.0.0.3"}), kInTime));
}

TEST_F(DnsEndpointGroupTest, SaysWhatItTriedWhenNothingComes) {
  Follow(DnsServiceEndpointGroup::Make("_s._tcp.users.example", options_));
  EXPECT_TRUE(WaitForError("the name does not exist"));
  EXPECT_EQ(
      group_->AwaitInitialEndpoints(absl::Milliseconds(1)),
      absl::DeadlineExceededError(absl::StrCat(
          "dns+srv://", server_->address(),
          "/_s._tcp.users.example (last error: SRV _s._tcp.users.example: the "
          "name does not exist): no endpoints after 1ms")));
}

// Answers with one address, whose last number the test sets, and a TTL of an
// hour.
class CountingSource final : public DnsSource {
 public:
  struct State {
    std::atomic<int> questions{0};
    std::atomic<int> last_number{1};
  };
  explicit CountingSource(State* state) : state_(state) {}
  std::string name() const override { return "counted"; }
  absl::StatusOr<DnsResolution> Resolve(AskDns) override {
    ++state_->questions;
    DnsResolution resolution;
    resolution.admitted.endpoints =
        Ips({absl::StrCat("10.0.0.", state_->last_number.load())});
    resolution.ttl = absl::Hours(1);
    return resolution;
  }

 private:
  State* const state_;
};

// Without randomness the waits of this backoff are 40, 80, 160, 160, … ms.
TEST(DnsRefreshTest, QuestionsThatBringNothingNewAreSpaced) {
  DnsSourceOptions options;
  options.min_ttl = absl::Milliseconds(10);
  options.refresh_backoff = {absl::Milliseconds(40), absl::Milliseconds(160),
                             0};
  CountingSource::State state;
  auto group = DnsEndpointGroup::Make(
      "dns+txt", std::make_unique<CountingSource>(&state), options);
  ASSERT_TRUE(group.ok()) << group.status();
  const auto ask_until = [&](int questions) {
    const auto start = steady_clock::now();
    while (state.questions < questions &&
           steady_clock::now() < start + kPatience) {
      (*group)->RequestRefresh();
      std::this_thread::yield();
    }
    return steady_clock::now() - start;
  };
  EXPECT_TRUE((*group)->AwaitInitialEndpoints(absl::Seconds(30)).ok());
  // The second question comes at once, and the sixth after four waits.
  EXPECT_GE(ask_until(6), std::chrono::milliseconds(40 + 80 + 160 + 160));
  EXPECT_EQ(state.questions, 6);
  // After an answer with news, questions come as quickly as at first.
  state.last_number = 2;
  ask_until(7);
  EXPECT_LT(ask_until(9), std::chrono::milliseconds(160));
  EXPECT_EQ(*(*group)->endpoints(), Ips({"10.0.0.2"}));
}

TEST(DnsSystemServersTest, AreNamedInErrors) {
  DnsSourceOptions options;
  options.client.timeout = absl::Milliseconds(100);
  options.client.tries = 1;
  auto group = DnsTextEndpointGroup::Make("does-not-exist.invalid", options);
  ASSERT_TRUE(group.ok()) << group.status();
  const auto end = steady_clock::now() + kPatience;
  while ((*group)->last_error().ok() && steady_clock::now() < end) {
    std::this_thread::yield();
  }
  const std::string error((*group)->last_error().message());
  EXPECT_TRUE(absl::StartsWith(error, "TXT does-not-exist.invalid: ")) << error;
  EXPECT_TRUE(absl::StrContains(error, " (asked ")) << error;
  EXPECT_TRUE(absl::EndsWith(error, ":53)")) << error;
  EXPECT_EQ((*group)->AwaitInitialEndpoints(absl::Milliseconds(1)),
            absl::DeadlineExceededError(absl::StrCat(
                "dns+txt:///does-not-exist.invalid (last error: ", error,
                "): no endpoints after 1ms")));
}

// The server is frozen, so that there is no answer and no error.
TEST_F(DnsEndpointGroupTest, NamesTheServersWhenNoneAnswers) {
  server_->Stop();
  Follow(DnsTextEndpointGroup::Make("users.example", options_));
  EXPECT_EQ(group_->AwaitInitialEndpoints(absl::Milliseconds(1)),
            absl::DeadlineExceededError(
                absl::StrCat("dns+txt://", server_->address(),
                             "/users.example: no answer after 1ms")));
  server_->Continue();
}

TEST_F(DnsEndpointGroupTest, CloseDoesNotWaitForAnAnswer) {
  Update({"add users.example. 1 A 127.0.0.2"});
  // The first group starts things that stay, so they must not count.
  Follow(DnsAddressEndpointGroup::Make("users.example:80", options_));
  EXPECT_TRUE(WaitFor(Ips({"127.0.0.2"})));
  group_->Close();
  watch_.reset();
  group_.reset();
  const size_t descriptors = EntriesOf("/proc/self/fd");
  const size_t threads = EntriesOf("/proc/self/task");
  server_->Stop();
  for (int i = 0; i < 20; ++i) {
    auto group = DnsAddressEndpointGroup::Make("users.example:80", options_);
    ASSERT_TRUE(group.ok());
    // Waits until the question is under way.
    const auto end = steady_clock::now() + kPatience;
    while (EntriesOf("/proc/self/fd") < descriptors + 2 &&
           steady_clock::now() < end) {
    }
    const auto start = steady_clock::now();
    (*group)->Close();
    EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(1));
  }
  EXPECT_LE(SettledEntriesOf("/proc/self/fd", descriptors), descriptors);
  EXPECT_LE(SettledEntriesOf("/proc/self/task", threads), threads);
  server_->Continue();
}

TEST_F(DnsEndpointGroupTest, ACallbackMayDestroyTheGroup) {
  Update({"add users.example. 1 A 127.0.0.2"});
  auto group = DnsAddressEndpointGroup::Make("users.example:80", options_);
  ASSERT_TRUE(group.ok());
  bool destroyed = false;
  std::mutex held;  // Holds the callback until `watch` is set.
  std::unique_lock<std::mutex> hold(held);
  const auto watch = (*group)->Watch([&](ListPtr) {
    { std::lock_guard<std::mutex> wait(held); }
    group->reset();
    std::lock_guard<std::mutex> lock(mu_);
    destroyed = true;
    changed_.notify_all();
  });
  hold.unlock();
  std::unique_lock<std::mutex> lock(mu_);
  EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return destroyed; }));
}

// Uses the system's own configuration, so /etc/hosts applies.
TEST(DnsSystemTest, TakesAddressesOfTheHostsFile) {
  auto group = DnsAddressEndpointGroup::Make("localhost:80");
  ASSERT_TRUE(group.ok()) << group.status();
  const absl::Status status =
      (*group)->AwaitInitialEndpoints(absl::Seconds(60));
  ASSERT_TRUE(status.ok()) << status;
  const EndpointList list = *(*group)->endpoints();
  EXPECT_NE(std::find(list.begin(), list.end(), Endpoint::Of("127.0.0.1", 80)),
            list.end())
      << NameEndpoints(list);
}

}  // namespace
}  // namespace multi_backend
