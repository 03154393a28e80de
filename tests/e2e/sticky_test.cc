// Sticky keys through a channel: where they come from, what they may hold, and
// which of them move.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

constexpr char kSticky[] = R"("strategy":"STICKY")";
constexpr int kKeys = 60;

// Keys that break code which treats them as text.
std::vector<std::string> OddKeys() {
  std::vector<std::string> keys = {
      std::string(100 * 1024, 'x'),
      std::string(100 * 1024, 'x') + "y",
      std::string("nul\0one", 7),
      std::string("nul\0two", 7),
      std::string(1, '\0'),
      "line\nfeed",
      "line\r\nfeed",
      "J\xc3\xb6rg \xe2\x98\x83",
      "J\xc3\xb6rg \xe2\x98\x84",
      " ",
  };
  return keys;
}

class StickyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto fleet = BackendFleet::Start(4);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }

  // A client that is connected to all backends.
  std::unique_ptr<UsersClient> Connect(absl::string_view routing,
                                       StickyKeyFunction function = nullptr) {
    ChannelOptions options;
    options.service_config_json = ServiceConfig(kSticky, routing);
    options.sticky_key = std::move(function);
    auto made = UsersClient::Make(fleet_->StaticTarget(), std::move(options));
    EXPECT_TRUE(made.ok()) << made.status();
    if (!made.ok()) return nullptr;
    EXPECT_TRUE(WaitUntil([&]() { return IsConnected(**made); }));
    return *std::move(made);
  }

  // Sends calls with new keys, in the given way, until each backend has had
  // one.
  bool IsConnected(UsersClient& client) {
    const std::string key = absl::StrCat("connect-", ++connecting_key_);
    UsersCall call = WithHeader(key);
    call.user_id = key;
    client.Call(call);
    for (const std::string& address : fleet_->addresses()) {
      if (client.Backend(address).calls == 0) return false;
    }
    return true;
  }

  static UsersCall WithHeader(const std::string& key) {
    UsersCall call;
    call.metadata = {{"x-user-id", key}};
    return call;
  }
  static UsersCall WithUserId(const std::string& key) {
    UsersCall call;
    call.user_id = key;
    return call;
  }

  // Returns the one backend that serves this call on every repetition.
  static std::string HomeOf(UsersClient& client, const UsersCall& call) {
    std::set<std::string> homes;
    for (int i = 0; i < 5; ++i) {
      const CallOutcome outcome = client.Call(call);
      EXPECT_TRUE(outcome.ok()) << outcome.ToString();
      homes.insert(outcome.served_by);
    }
    EXPECT_EQ(homes.size(), 1u);
    return *homes.begin();
  }

  using MakeKeyedCall = UsersCall (*)(const std::string& key);
  static std::map<std::string, std::string> Homes(UsersClient& client,
                                                  MakeKeyedCall make_call) {
    std::map<std::string, std::string> homes;
    for (int i = 0; i < kKeys; ++i) {
      const std::string key = absl::StrCat("user-", i);
      const CallOutcome outcome = client.Call(make_call(key));
      EXPECT_TRUE(outcome.ok()) << outcome.ToString();
      homes[key] = outcome.served_by;
    }
    return homes;
  }

  std::unique_ptr<BackendFleet> fleet_;
  int connecting_key_ = 0;
};

constexpr char kHeaderKey[] = R"("stickyKey":{"header":"x-user-id"})";
constexpr char kFieldKey[] = R"("stickyKey":{"requestField":"user_id"})";

TEST_F(StickyTest, TheSourceOfTheKeyDoesNotMatterToItsHome) {
  auto header = Connect(kHeaderKey);
  auto field = Connect(kFieldKey);
  auto function = Connect("", [](const CallView& call) {
    const auto key = call.GetMetadata("x-user-id");
    return key ? absl::make_optional(std::string(*key)) : absl::nullopt;
  });
  const auto homes = Homes(*header, WithHeader);
  EXPECT_EQ(Homes(*field, WithUserId), homes);
  EXPECT_EQ(Homes(*function, WithHeader), homes);
  std::set<std::string> used;
  for (const auto& home : homes) used.insert(home.second);
  EXPECT_EQ(used.size(), 4u);
}

TEST_F(StickyTest, TheFunctionReplacesTheConfiguredKey) {
  auto header = Connect(kHeaderKey);
  const auto homes = Homes(*header, WithHeader);
  auto reversing = Connect(kHeaderKey, [](const CallView& call) {
    const absl::string_view key = *call.GetMetadata("x-user-id");
    return absl::make_optional(std::string(key.rbegin(), key.rend()));
  });
  EXPECT_EQ(Homes(*reversing,
                  [](const std::string& key) {
                    return WithHeader(std::string(key.rbegin(), key.rend()));
                  }),
            homes);
}

TEST_F(StickyTest, AFieldInsideAMessageIsFoundByItsPath) {
  auto client = Connect(R"("stickyKey":{"requestField":"user.id"})");
  UsersCall call;
  call.method = "CreateUser";
  std::set<std::string> homes;
  for (int i = 0; i < 30; ++i) {
    call.user_id = absl::StrCat("user-", i);
    homes.insert(HomeOf(*client, call));
  }
  EXPECT_EQ(homes.size(), 4u);
}

TEST_F(StickyTest, KeysOfAnyLengthAndContentWorkByFunction) {
  std::string odd;  // The function runs in the thread that makes the call.
  auto client = Connect("", [&odd](const CallView& call) {
    return absl::make_optional(
        odd.empty() ? std::string(*call.GetMetadata("x-user-id")) : odd);
  });
  for (const std::string& key : OddKeys()) {
    odd = key;
    HomeOf(*client, UsersCall());
  }
}

TEST_F(StickyTest, KeysOfAnyLengthAndContentWorkByRequestField) {
  auto client = Connect(kFieldKey);
  for (const std::string& odd : OddKeys()) HomeOf(*client, WithUserId(odd));
}

TEST_F(StickyTest, OddKeysOfTheSameKindAreDifferentKeys) {
  auto client = Connect(kFieldKey);
  // 16 keys that differ only after a NUL must not all go to one of four
  // backends, which would happen by chance once in 4^15.
  std::set<std::string> homes;
  for (char c = 'a'; c < 'a' + 16; ++c) {
    homes.insert(HomeOf(*client, WithUserId(std::string("k\0", 2) + c)));
  }
  EXPECT_GT(homes.size(), 1u);
}

TEST_F(StickyTest, AKeyHasTheSameHomeOnEveryChannelAndAfterARestart) {
  auto one = Connect(kHeaderKey);
  auto two = Connect(kHeaderKey);
  const auto homes = Homes(*one, WithHeader);
  EXPECT_EQ(Homes(*two, WithHeader), homes);
  one.reset();
  two.reset();
  auto three = Connect(kHeaderKey);
  EXPECT_EQ(Homes(*three, WithHeader), homes);
}

TEST_F(StickyTest, TheOrderOfTheListDoesNotMatter) {
  auto client = Connect(kHeaderKey);
  const auto homes = Homes(*client, WithHeader);
  ChannelOptions options;
  options.service_config_json = ServiceConfig(kSticky, kHeaderKey);
  auto reversed = UsersClient::Make(
      absl::StrCat("static:///", fleet_->address(3), ",", fleet_->address(2),
                   ",", fleet_->address(1), ",", fleet_->address(0)),
      std::move(options));
  ASSERT_TRUE(reversed.ok()) << reversed.status();
  ASSERT_TRUE(WaitUntil([&]() { return IsConnected(**reversed); }));
  EXPECT_EQ(Homes(**reversed, WithHeader), homes);
}

// Checks that only the keys of `gone` have another backend in `after` than in
// `before`.
void ExpectOnlyKeysOfMoved(const std::string& gone,
                           const std::map<std::string, std::string>& before,
                           const std::map<std::string, std::string>& after) {
  for (const auto& home : before) {
    const std::string& now = after.at(home.first);
    if (home.second == gone) {
      EXPECT_NE(now, gone) << home.first;
    } else {
      EXPECT_EQ(now, home.second) << home.first;
    }
  }
}

TEST_F(StickyTest, OnlyTheKeysOfAMarkedBackendMoveAndTheyComeBack) {
  auto client = Connect(kHeaderKey);
  const auto before = Homes(*client, WithHeader);
  client->pool().MarkUnhealthy(fleet_->address(2));
  ExpectOnlyKeysOfMoved("b2", before, Homes(*client, WithHeader));
  client->pool().MarkHealthy(fleet_->address(2));
  EXPECT_EQ(Homes(*client, WithHeader), before);
}

TEST_F(StickyTest, OnlyTheKeysOfABackendThatDiedMove) {
  auto client = Connect(kHeaderKey);
  const auto before = Homes(*client, WithHeader);
  fleet_->server(1).Kill();
  ASSERT_TRUE(client->AwaitHealth(fleet_->address(1), false));
  ExpectOnlyKeysOfMoved("b1", before, Homes(*client, WithHeader));
}

TEST_F(StickyTest, OnlyTheKeysOfABackendThatLeavesTheListMove) {
  auto list = [this](size_t count) {
    EndpointList endpoints;
    for (size_t i = 0; i < count; ++i) {
      endpoints.push_back(Endpoint::Of("127.0.0.1", fleet_->server(i).port()));
    }
    return *StaticEndpointGroup::Make(std::move(endpoints));
  };
  ASSERT_TRUE(EndpointGroupRegistry::Register("sticky", list(4)).ok());
  ChannelOptions options;
  options.service_config_json = ServiceConfig(kSticky, kHeaderKey);
  auto client = UsersClient::Make("group:///sticky", std::move(options));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE(WaitUntil([&]() { return IsConnected(**client); }));
  const auto before = Homes(**client, WithHeader);

  ASSERT_TRUE(EndpointGroupRegistry::Register("sticky", list(3)).ok());
  ASSERT_TRUE(
      WaitUntil([&]() { return ListedBackends((*client)->pool()) == 3; }));
  ExpectOnlyKeysOfMoved("b3", before, Homes(**client, WithHeader));

  ASSERT_TRUE(EndpointGroupRegistry::Register("sticky", list(4)).ok());
  ASSERT_TRUE(WaitUntil([&]() { return IsConnected(**client); }));
  EXPECT_EQ(Homes(**client, WithHeader), before);
  EndpointGroupRegistry::Unregister("sticky");
}

// A retry goes to the key's next backend, the same for each of its calls.
TEST_F(StickyTest, TheKeysOfAFailingBackendHaveOneOtherHomeEach) {
  auto client = Connect(kHeaderKey);
  const auto before = Homes(*client, WithHeader);
  client->pool().MarkUnhealthy(fleet_->address(0));
  const auto next = Homes(*client, WithHeader);
  client->pool().MarkHealthy(fleet_->address(0));
  fleet_->SetBehaviour(0, Failing());
  EXPECT_EQ(Homes(*client, WithHeader), next);
}

}  // namespace
}  // namespace multi_backend
