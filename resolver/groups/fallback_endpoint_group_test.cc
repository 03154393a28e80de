#include "multi_backend/resolver/groups/fallback_endpoint_group.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"

namespace multi_backend {
namespace {

using ListPtr = std::shared_ptr<const EndpointList>;

class TestGroup : public DynamicEndpointGroup {
 public:
  explicit TestGroup(std::string name) : name_(std::move(name)) {}
  using DynamicEndpointGroup::SetEndpoints;
  using DynamicEndpointGroup::SetError;
  void RequestRefresh() override { ++refreshes; }

  int closes = 0;
  int refreshes = 0;

 protected:
  std::string Name() const override { return name_; }
  void OnClose() override { ++closes; }

 private:
  const std::string name_;
};

EndpointList One(absl::string_view host, uint16_t port = 1) {
  return {Endpoint::Of(host, port)};
}

class OrElseTest : public ::testing::Test {
 protected:
  void Combine() {
    group_ = OrElse(first_, fallback_);
    watch_ = group_->Watch([this](ListPtr list) { seen_.push_back(*list); });
  }

  const std::shared_ptr<TestGroup> first_ =
      std::make_shared<TestGroup>("test:///first");
  const std::shared_ptr<TestGroup> fallback_ =
      std::make_shared<TestGroup>("test:///fallback");
  std::vector<EndpointList> seen_;
  std::shared_ptr<EndpointGroup> group_;
  std::unique_ptr<EndpointGroup::Subscription> watch_;
};

TEST_F(OrElseTest, PrefersTheFirstFromTheStart) {
  first_->SetEndpoints(One("a"));
  fallback_->SetEndpoints(One("b"));
  Combine();
  EXPECT_EQ(*group_->endpoints(), One("a"));
  EXPECT_EQ(seen_, std::vector<EndpointList>{One("a")});
}

TEST_F(OrElseTest, FollowsWhicheverIsInUse) {
  struct Step {
    std::string name;
    TestGroup* group;
    EndpointList set;
    EndpointList expected;
    bool called;
  };
  Combine();
  const std::vector<Step> steps = {
      {"fallback known, first not", fallback_.get(), One("b"), One("b"), true},
      {"fallback in use changes", fallback_.get(), One("b", 2), One("b", 2),
       true},
      {"first known and empty", first_.get(), {}, One("b", 2), false},
      {"first has endpoints", first_.get(), One("a"), One("a"), true},
      {"fallback not in use changes", fallback_.get(), One("b", 3), One("a"),
       false},
      {"first in use changes", first_.get(), One("a", 2), One("a", 2), true},
      {"first becomes empty", first_.get(), {}, One("b", 3), true},
      {"fallback becomes empty", fallback_.get(), {}, {}, true},
      {"fallback comes back", fallback_.get(), One("b"), One("b"), true},
      {"first comes back with the same list", first_.get(), One("b"), One("b"),
       false},
      {"fallback becomes empty unseen", fallback_.get(), {}, One("b"), false},
      {"both empty", first_.get(), {}, {}, true},
  };
  size_t calls = 0;
  for (const Step& step : steps) {
    SCOPED_TRACE(step.name);
    step.group->SetEndpoints(step.set);
    calls += step.called ? 1 : 0;
    EXPECT_EQ(*group_->endpoints(), step.expected);
    ASSERT_EQ(seen_.size(), calls);
    if (step.called) {
      EXPECT_EQ(seen_.back(), step.expected);
    }
  }
}

TEST_F(OrElseTest, AnEmptyFirstSaysNothingWhileTheFallbackIsUnknown) {
  Combine();
  first_->SetEndpoints(EndpointList{});
  EXPECT_TRUE(seen_.empty());
  fallback_->SetEndpoints(EndpointList{});
  EXPECT_EQ(seen_, std::vector<EndpointList>{{}});
}

TEST_F(OrElseTest, WithAnUnknownFallbackTheListIsTheFirstsOwn) {
  Combine();
  first_->SetEndpoints(One("a"));
  first_->SetEndpoints(EndpointList{});
  EXPECT_EQ(seen_, (std::vector<EndpointList>{One("a"), {}}));
}

TEST_F(OrElseTest, AwaitsTheFirstOfBoth) {
  Combine();
  first_->SetError(absl::UnavailableError("no route"));
  EXPECT_EQ(group_->AwaitInitialEndpoints(absl::ZeroDuration()),
            absl::DeadlineExceededError(
                "test:///first (last error: no route) or else "
                "test:///fallback: no endpoints after 0"));
  std::thread thread([this] { fallback_->SetEndpoints(One("b")); });
  EXPECT_TRUE(group_->AwaitInitialEndpoints(absl::Seconds(30)).ok());
  thread.join();
}

TEST_F(OrElseTest, ShowsTheErrorsOfBoth) {
  Combine();
  EXPECT_TRUE(group_->last_error().ok());
  fallback_->SetError(absl::UnavailableError("fallback down"));
  EXPECT_EQ(group_->last_error(), absl::UnavailableError("fallback down"));
  first_->SetError(absl::UnavailableError("first down"));
  EXPECT_EQ(group_->last_error(), absl::UnavailableError("first down"));
  EXPECT_EQ(group_->Describe(),
            "test:///first (last error: first down) or else "
            "test:///fallback (last error: fallback down)");
  first_->SetEndpoints(One("a"));
  EXPECT_TRUE(group_->last_error().ok()) << "the fallback is not in use";
}

TEST_F(OrElseTest, CloseClosesBothAndSilencesTheWatch) {
  first_->SetEndpoints(One("a"));
  Combine();
  group_->Close();
  group_->Close();
  EXPECT_EQ(first_->closes, 1);
  EXPECT_EQ(fallback_->closes, 1);
  first_->SetEndpoints(One("a", 2));
  EXPECT_EQ(seen_.size(), 1u);
  EXPECT_EQ(*group_->endpoints(), One("a"));
}

TEST_F(OrElseTest, DestroyingItClosesNeither) {
  Combine();
  group_.reset();
  EXPECT_EQ(first_->closes, 0);
  first_->SetEndpoints(One("a"));
  EXPECT_TRUE(seen_.empty());
  EXPECT_EQ(first_.use_count(), 1);
  EXPECT_EQ(fallback_.use_count(), 1);
}

TEST_F(OrElseTest, ACallbackMayDestroyIt) {
  Combine();
  const auto watch = group_->Watch([this](ListPtr) { group_.reset(); });
  first_->SetEndpoints(One("a"));
  EXPECT_EQ(group_, nullptr);
  EXPECT_EQ(first_.use_count(), 1);
}

TEST_F(OrElseTest, RefreshGoesToBoth) {
  Combine();
  group_->RequestRefresh();
  EXPECT_EQ(first_->refreshes, 1);
  EXPECT_EQ(fallback_->refreshes, 1);
}

TEST_F(OrElseTest, NestsToTheRight) {
  const auto last = std::make_shared<TestGroup>("test:///last");
  group_ = OrElse(first_, OrElse(fallback_, last));
  last->SetEndpoints(One("c"));
  EXPECT_EQ(*group_->endpoints(), One("c"));
  fallback_->SetEndpoints(One("b"));
  EXPECT_EQ(*group_->endpoints(), One("b"));
  first_->SetEndpoints(One("a"));
  EXPECT_EQ(*group_->endpoints(), One("a"));
  EXPECT_EQ(group_->Describe(),
            "test:///first or else test:///fallback or else test:///last");
}

// Once `first` has endpoints it always has some.  So from then on no list of
// `fallback` may be seen, in whatever order the two threads update.
TEST_F(OrElseTest, NeverShowsTheFallbackOverAFirstThatHasEndpoints) {
  for (int round = 0; round < 50; ++round) {
    const auto first = std::make_shared<TestGroup>("test:///first");
    const auto fallback = std::make_shared<TestGroup>("test:///fallback");
    const auto group = OrElse(first, fallback);
    uint16_t first_port = 0;
    uint16_t fallback_port = 0;
    const auto watch = group->Watch([&](ListPtr list) {
      ASSERT_EQ(list->size(), 1u);
      const Endpoint& endpoint = (*list)[0];
      if (endpoint.host == "a") {
        EXPECT_GT(endpoint.port, first_port);
        first_port = endpoint.port;
      } else {
        EXPECT_EQ(first_port, 0) << "back to the fallback";
        EXPECT_GT(endpoint.port, fallback_port);
        fallback_port = endpoint.port;
      }
    });
    std::thread one([&] {
      for (uint16_t i = 1; i <= 100; ++i) first->SetEndpoints(One("a", i));
    });
    std::thread other([&] {
      for (uint16_t i = 1; i <= 100; ++i) fallback->SetEndpoints(One("b", i));
    });
    one.join();
    other.join();
    EXPECT_EQ(first_port, 100);
    EXPECT_EQ(*group->endpoints(), One("a", 100));
  }
}

}  // namespace
}  // namespace multi_backend
