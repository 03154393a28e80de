#include "multi_backend/resolver/groups/registry.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"
#include "multi_backend/resolver/groups/fallback_endpoint_group.h"
#include "multi_backend/resolver/groups/union_endpoint_group.h"

namespace multi_backend {
namespace {

using Registry = EndpointGroupRegistry;
using ListPtr = std::shared_ptr<const EndpointList>;

class TestGroup : public DynamicEndpointGroup {
 public:
  TestGroup() = default;
  explicit TestGroup(EndpointList list) { SetEndpoints(std::move(list)); }
  using DynamicEndpointGroup::SetEndpoints;
  using DynamicEndpointGroup::SetError;
  void RequestRefresh() override { ++refreshes; }

  int closes = 0;
  int refreshes = 0;

 protected:
  std::string Name() const override { return "test:///"; }
  void OnClose() override { ++closes; }
};

// A group that lets something else happen during its registration.  It calls
// `at_endpoints` or `at_watch` once, before it does what the follower asked
// for.
class InterruptedGroup : public TestGroup {
 public:
  using TestGroup::TestGroup;
  ListPtr endpoints() const override {
    Interrupt(at_endpoints);
    return TestGroup::endpoints();
  }
  std::unique_ptr<Subscription> Watch(Callback callback) override {
    Interrupt(at_watch);
    return TestGroup::Watch(std::move(callback));
  }

  mutable std::function<void()> at_endpoints;
  mutable std::function<void()> at_watch;

 private:
  static void Interrupt(std::function<void()>& hook) {
    if (hook != nullptr) std::exchange(hook, nullptr)();
  }
};

EndpointList One(absl::string_view host, uint16_t port = 1) {
  return {Endpoint::Of(host, port)};
}

std::shared_ptr<TestGroup> GroupOf(EndpointList list) {
  return std::make_shared<TestGroup>(std::move(list));
}

// The whole process has one registry, so each test must leave it empty.
class EndpointGroupRegistryTest : public ::testing::Test {
 protected:
  ~EndpointGroupRegistryTest() override { Registry::Unregister("users"); }

  void Register(std::shared_ptr<EndpointGroup> group,
                StrategyKind strategy = StrategyKind::kRoundRobin) {
    const absl::Status status =
        Registry::Register("users", std::move(group), strategy);
    EXPECT_TRUE(status.ok()) << status;
  }

  std::shared_ptr<EndpointGroup> Follow() {
    auto follower = Registry::Follow("users");
    EXPECT_TRUE(follower.ok()) << follower.status();
    return follower.ok() ? *follower : nullptr;
  }

  // Follows "users" and collects what the follower's watch is called with.
  void FollowAndWatch() {
    follower_ = Follow();
    ASSERT_NE(follower_, nullptr);
    watch_ = follower_->Watch([this](ListPtr list) { seen_.push_back(*list); });
  }

  std::vector<EndpointList> seen_;
  std::shared_ptr<EndpointGroup> follower_;
  std::unique_ptr<EndpointGroup::Subscription> watch_;
};

TEST_F(EndpointGroupRegistryTest, RefusesBadNamesAndNullGroups) {
  struct Row {
    std::string name;
    std::shared_ptr<EndpointGroup> group;
    std::string message;
  };
  const auto group = GroupOf(One("a"));
  const std::vector<Row> rows = {
      {"", group, R"(group name "" is empty)"},
      {std::string(129, 'n'), group,
       absl::StrCat("group name \"", std::string(128, 'n'),
                    "...\" is longer than 128 characters")},
      {"a/b", group,
       R"(group name "a/b" must not contain "/", only letters, )"
       R"(digits and "_.-")"},
      {"users", nullptr, R"(group "users": the endpoint group is null)"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(Registry::Register(row.name, row.group),
              absl::InvalidArgumentError(row.message));
    EXPECT_EQ(Registry::Get(row.name), nullptr);
    EXPECT_EQ(Registry::StrategyOf(row.name), absl::nullopt);
    EXPECT_FALSE(Registry::Unregister(row.name));
  }
  EXPECT_EQ(Registry::Follow("a/b").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(EndpointGroupRegistryTest, KnowsWhatIsRegistered) {
  const auto a = GroupOf(One("a"));
  const auto b = GroupOf(One("b"));
  EXPECT_EQ(Registry::Get("users"), nullptr);
  EXPECT_EQ(Registry::StrategyOf("users"), absl::nullopt);
  Register(a);
  EXPECT_EQ(Registry::Get("users"), a);
  EXPECT_EQ(Registry::StrategyOf("users"), StrategyKind::kRoundRobin);
  Register(b, StrategyKind::kWeighted);
  EXPECT_EQ(Registry::Get("users"), b);
  EXPECT_EQ(Registry::StrategyOf("users"), StrategyKind::kWeighted);
  EXPECT_EQ(a.use_count(), 1) << "a replaced group is let go";
  EXPECT_TRUE(Registry::Unregister("users"));
  EXPECT_FALSE(Registry::Unregister("users"));
  EXPECT_EQ(Registry::Get("users"), nullptr);
  EXPECT_EQ(Registry::StrategyOf("users"), absl::nullopt);
  EXPECT_EQ(b.use_count(), 1);
  EXPECT_EQ(a->closes + b->closes, 0) << "groups stay the application's";
}

TEST_F(EndpointGroupRegistryTest, AnUnknownNameIsAnsweredWithTheKnownOnes) {
  EXPECT_EQ(Registry::Follow("users").status(),
            absl::NotFoundError(
                "group \"users\" is not registered; no group is registered"));
  const auto group = GroupOf(One("a"));
  std::string expected = "group \"users\" is not registered; registered: ";
  for (int i = 0; i < 7; ++i) {
    EXPECT_TRUE(Registry::Register(absl::StrCat("g", i), group).ok());
    if (i < 5) absl::StrAppend(&expected, i == 0 ? "" : ", ", "g", i);
    EXPECT_EQ(Registry::Follow("users").status(),
              absl::NotFoundError(
                  i < 5 ? expected
                        : absl::StrCat(expected, " and ", i - 4, " more")));
  }
  for (int i = 0; i < 7; ++i) Registry::Unregister(absl::StrCat("g", i));
}

TEST_F(EndpointGroupRegistryTest, RefusesAGroupThatFollowsItself) {
  const auto plain = GroupOf(One("a"));
  Register(plain);
  const auto refused = [](const std::shared_ptr<EndpointGroup>& group,
                          absl::string_view way) {
    EXPECT_EQ(Registry::Register("users", group),
              absl::InvalidArgumentError(absl::StrCat(
                  "group \"users\" would follow itself (", way,
                  "): give it the groups themselves instead of Follow()")));
    EXPECT_EQ(*Registry::Get("users")->endpoints(), One("a"));
  };
  refused(Follow(), "users -> users");
  refused(OrElse(Follow(), GroupOf(One("b"))), "users -> users");
  refused(Union({GroupOf(One("b")), OrElse(GroupOf(One("c")), Follow())}),
          "users -> users");
  // Through other names.
  EXPECT_TRUE(Registry::Register("x", OrElse(Follow(), plain)).ok());
  EXPECT_TRUE(Registry::Register("y", Union({*Registry::Follow("x")})).ok());
  refused(OrElse(GroupOf(One("b")), *Registry::Follow("y")),
          "users -> y -> x -> users");
  // The same group twice is no circle.
  EXPECT_TRUE(
      Registry::Register("z", Union({*Registry::Follow("x"), Follow()})).ok());
  for (const char* const name : {"x", "y", "z"}) Registry::Unregister(name);
}

TEST_F(EndpointGroupRegistryTest, RefusesACircleThatARegistrationWouldClose) {
  const auto early = Registry::FollowLater("users");
  ASSERT_TRUE(early.ok()) << early.status();
  ASSERT_TRUE(Registry::Register("x", OrElse(*early, GroupOf(One("a")))).ok());
  EXPECT_EQ(Registry::Register("users", *Registry::Follow("x")).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Registry::Get("users"), nullptr);
  Registry::Unregister("x");
}

TEST_F(EndpointGroupRegistryTest, ANameMayBeFollowedBeforeItIsRegistered) {
  auto follower = Registry::FollowLater("users");
  ASSERT_TRUE(follower.ok()) << follower.status();
  follower_ = *std::move(follower);
  watch_ = follower_->Watch([this](ListPtr list) { seen_.push_back(*list); });
  EXPECT_EQ(follower_->last_error(),
            absl::NotFoundError(
                "group \"users\" is not registered; no group is registered"));
  EXPECT_EQ(follower_->Describe(),
            "group:///users (last error: group \"users\" is not registered; no "
            "group is registered)");
  EXPECT_EQ(Registry::Get("users"), nullptr);
  EXPECT_EQ(Registry::Follow("users").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_FALSE(Registry::Unregister("users"));
  Register(GroupOf(One("a")));
  EXPECT_EQ(seen_, std::vector<EndpointList>{One("a")});
  EXPECT_TRUE(follower_->last_error().ok());
  EXPECT_EQ(Registry::FollowLater("a/b").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(EndpointGroupRegistryTest, AFollowerHasTheGroupsList) {
  const auto group = GroupOf(One("a"));
  Register(group);
  FollowAndWatch();
  EXPECT_EQ(*follower_->endpoints(), One("a"));
  group->SetEndpoints(One("a", 2));
  group->SetEndpoints(One("a", 2));
  group->SetEndpoints(EndpointList{});
  EXPECT_EQ(seen_, (std::vector<EndpointList>{One("a"), One("a", 2), {}}));
}

TEST_F(EndpointGroupRegistryTest, FollowersGoOverToAReplacement) {
  const auto a = GroupOf(One("a"));
  const auto b = GroupOf(One("b"));
  Register(a);
  FollowAndWatch();
  Register(b);
  a->SetEndpoints(One("a", 2));
  b->SetEndpoints(One("b", 2));
  EXPECT_EQ(seen_,
            (std::vector<EndpointList>{One("a"), One("b"), One("b", 2)}));
  EXPECT_EQ(a.use_count(), 1) << "followers let the replaced group go";
}

TEST_F(EndpointGroupRegistryTest, AnEqualReplacementCausesNothing) {
  Register(GroupOf(One("a")));
  FollowAndWatch();
  Register(GroupOf(One("a")));
  EXPECT_EQ(seen_, std::vector<EndpointList>{One("a")});
}

TEST_F(EndpointGroupRegistryTest, ANewStrategyIsNewsEvenWithTheSameList) {
  const auto group = GroupOf(One("a"));
  Register(group);
  follower_ = Follow();
  std::vector<StrategyKind> strategies;
  watch_ = follower_->Watch([&strategies](ListPtr) {
    strategies.push_back(*Registry::StrategyOf("users"));
  });
  Register(group, StrategyKind::kSticky);
  Register(GroupOf(One("b")), StrategyKind::kPrimary);  // One call, not two.
  Register(group, StrategyKind::kPrimary);
  EXPECT_EQ(strategies, (std::vector<StrategyKind>{
                            StrategyKind::kRoundRobin, StrategyKind::kSticky,
                            StrategyKind::kPrimary, StrategyKind::kPrimary}));
}

TEST_F(EndpointGroupRegistryTest, AReplacementWithoutAListLeavesTheLastOne) {
  const auto a = GroupOf(One("a"));
  const auto b = std::make_shared<TestGroup>();
  Register(a);
  FollowAndWatch();
  Register(b);
  a->SetEndpoints(One("a", 2));  // No longer has an effect.
  EXPECT_EQ(*follower_->endpoints(), One("a"));
  b->SetEndpoints(One("b"));
  EXPECT_EQ(seen_, (std::vector<EndpointList>{One("a"), One("b")}));
}

TEST_F(EndpointGroupRegistryTest, AClosedGroupStillGivesItsLastList) {
  const auto group = GroupOf(One("a"));
  group->Close();
  Register(group);
  FollowAndWatch();
  EXPECT_EQ(seen_, std::vector<EndpointList>{One("a")});
}

TEST_F(EndpointGroupRegistryTest, AfterUnregisterFollowersKeepTheirLastList) {
  const auto a = GroupOf(One("a"));
  Register(a);
  FollowAndWatch();
  EXPECT_TRUE(Registry::Unregister("users"));
  a->SetEndpoints(One("a", 2));
  EXPECT_EQ(*follower_->endpoints(), One("a"));
  EXPECT_EQ(seen_, std::vector<EndpointList>{One("a")});
  EXPECT_EQ(a.use_count(), 1);
  EXPECT_EQ(Registry::Follow("users").status().code(),
            absl::StatusCode::kNotFound);
  Register(GroupOf(One("b")));
  EXPECT_EQ(seen_, (std::vector<EndpointList>{One("a"), One("b")}));
}

TEST_F(EndpointGroupRegistryTest, ClosingAFollowerLeavesTheOthersOpen) {
  const auto group = GroupOf(One("a"));
  Register(group);
  FollowAndWatch();
  const auto other = Follow();
  follower_->Close();
  EXPECT_EQ(group->closes, 0);
  group->SetEndpoints(One("a", 2));
  Register(GroupOf(One("b")));
  EXPECT_EQ(seen_, std::vector<EndpointList>{One("a")});
  EXPECT_EQ(*follower_->endpoints(), One("a"));
  EXPECT_EQ(*other->endpoints(), One("b"));
  EXPECT_EQ(group.use_count(), 1);
}

TEST_F(EndpointGroupRegistryTest, AFollowerSpeaksForTheGroupItFollows) {
  const auto group = std::make_shared<TestGroup>();
  Register(group);
  follower_ = Follow();
  follower_->RequestRefresh();
  EXPECT_EQ(group->refreshes, 1);
  group->SetError(absl::UnavailableError("no route"));
  EXPECT_EQ(follower_->last_error(), absl::UnavailableError("no route"));
  EXPECT_EQ(follower_->AwaitInitialEndpoints(absl::ZeroDuration()),
            absl::DeadlineExceededError(
                "group:///users = test:/// (last error: no route): no "
                "endpoints after 0"));
  Registry::Unregister("users");
  EXPECT_EQ(follower_->Describe(), "group:///users");
  EXPECT_TRUE(follower_->last_error().ok());
  follower_->RequestRefresh();
  EXPECT_EQ(group->refreshes, 1);
}

TEST_F(EndpointGroupRegistryTest, ACallbackMayReplaceUnregisterAndLetGo) {
  const auto a = GroupOf(One("a"));
  Register(a);
  FollowAndWatch();
  const auto watch = follower_->Watch([this](ListPtr list) {
    if (*list == One("a", 2)) Register(GroupOf(One("b")));
    if (*list == One("b")) Registry::Unregister("users");
  });
  a->SetEndpoints(One("a", 2));
  EXPECT_EQ(Registry::Get("users"), nullptr);
  EXPECT_EQ(*follower_->endpoints(), One("b"));
  EXPECT_EQ(seen_.back(), One("b"));

  const auto c = GroupOf(One("c"));
  const auto last_watch = follower_->Watch([this](ListPtr list) {
    if (*list == One("c")) follower_.reset();
  });
  Register(c);
  EXPECT_EQ(follower_, nullptr);
}

// When two registrations happen at the same time, the later one counts.  This
// holds also when followers hear of it before they hear of the earlier one.
TEST_F(EndpointGroupRegistryTest, AnOvertakenRegistrationCountsForNothing) {
  for (const bool at_watch : {false, true}) {
    SCOPED_TRACE(at_watch);
    watch_.reset();
    seen_.clear();
    Register(GroupOf(One("start")));
    FollowAndWatch();
    const auto slow = std::make_shared<InterruptedGroup>(One("slow"));
    const auto fast = GroupOf(One("fast"));
    (at_watch ? slow->at_watch : slow->at_endpoints) = [&] { Register(fast); };
    Register(slow);
    EXPECT_EQ(Registry::Get("users"), fast);
    EXPECT_EQ(*follower_->endpoints(), One("fast"));
    EXPECT_EQ(slow.use_count(), 1) << "the overtaken group is let go";
    slow->SetEndpoints(One("slow", 2));
    fast->SetEndpoints(One("fast", 2));
    EXPECT_EQ(*follower_->endpoints(), One("fast", 2));
    EXPECT_EQ(seen_.back(), One("fast", 2));
    // There is one list more if the change to `slow` had begun.
    EXPECT_EQ(seen_.size(), at_watch ? 4u : 3u);
  }
}

TEST_F(EndpointGroupRegistryTest, AFollowerClosedWhileItGoesOverLetsGo) {
  Register(GroupOf(One("a")));
  FollowAndWatch();
  const auto group = std::make_shared<InterruptedGroup>(One("b"));
  group->at_watch = [this] { follower_->Close(); };
  Register(group);
  EXPECT_EQ(group.use_count(), 2) << "this test's and the registry's";
  group->SetEndpoints(One("b", 2));
  EXPECT_EQ(*follower_->endpoints(), One("b"));
}

// Several threads replace the group and change the groups' lists, while
// followers come and go.  In the end all of them have the list of the
// registered group.
TEST_F(EndpointGroupRegistryTest, FollowersAgreeWithTheRegistryInTheEnd) {
  constexpr int kThreads = 3;
  constexpr uint16_t kRounds = 300;
  Register(GroupOf(One("start")));
  std::vector<std::shared_ptr<EndpointGroup>> followers;
  for (int i = 0; i < kThreads; ++i) followers.push_back(Follow());
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i] {
      for (uint16_t round = 1; round <= kRounds; ++round) {
        const auto group = GroupOf(One(absl::StrCat("h", i), round));
        Register(group);
        group->SetEndpoints(One(absl::StrCat("h", i), round + kRounds));
      }
    });
  }
  std::atomic<bool> over{false};
  std::thread comer_and_goer([this, &over] {
    do {
      const auto follower = Follow();
      std::atomic<bool> running{false};
      const auto watch = follower->Watch([&running](ListPtr list) {
        EXPECT_FALSE(running.exchange(true));
        EXPECT_EQ(list->size(), 1u);
        running = false;
      });
      std::this_thread::yield();
      EXPECT_FALSE(follower->endpoints()->empty());
    } while (!over);
  });
  for (std::thread& thread : threads) thread.join();
  over = true;
  comer_and_goer.join();
  for (const auto& follower : followers) {
    EXPECT_EQ(*follower->endpoints(), *Registry::Get("users")->endpoints());
  }
}

}  // namespace
}  // namespace multi_backend
