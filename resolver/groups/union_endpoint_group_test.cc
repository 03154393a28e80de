#include "multi_backend/resolver/groups/union_endpoint_group.h"

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
#include "multi_backend/resolver/groups/fallback_endpoint_group.h"

namespace multi_backend {
namespace {

using ListPtr = std::shared_ptr<const EndpointList>;

class TestGroup : public DynamicEndpointGroup {
 public:
  explicit TestGroup(std::string name) : name_(std::move(name)) {}
  using DynamicEndpointGroup::SetEndpoints;
  using DynamicEndpointGroup::SetError;
  void RequestRefresh() override { ++refreshes; }
  bool names_are_configured() const override { return configured; }

  int closes = 0;
  int refreshes = 0;
  bool configured = true;

 protected:
  std::string Name() const override { return name_; }
  void OnClose() override { ++closes; }

 private:
  const std::string name_;
};

Endpoint At(absl::string_view host) { return Endpoint::Of(host, 1); }

class UnionTest : public ::testing::Test {
 protected:
  UnionTest() : group_(Union({a_, b_, c_})) {
    watch_ = group_->Watch([this](ListPtr list) { seen_.push_back(*list); });
  }

  const std::shared_ptr<TestGroup> a_ =
      std::make_shared<TestGroup>("test:///a");
  const std::shared_ptr<TestGroup> b_ =
      std::make_shared<TestGroup>("test:///b");
  const std::shared_ptr<TestGroup> c_ =
      std::make_shared<TestGroup>("test:///c");
  std::shared_ptr<EndpointGroup> group_;
  std::vector<EndpointList> seen_;
  std::unique_ptr<EndpointGroup::Subscription> watch_;
};

TEST_F(UnionTest, MergesInTheGroupsOrder) {
  c_->SetEndpoints({At("c1"), At("c2")});
  a_->SetEndpoints({At("a1")});
  b_->SetEndpoints({At("b1")});
  EXPECT_EQ(seen_, (std::vector<EndpointList>{
                       {At("c1"), At("c2")},
                       {At("a1"), At("c1"), At("c2")},
                       {At("a1"), At("b1"), At("c1"), At("c2")}}));
}

TEST_F(UnionTest, AnAddressIsThereOnceAsTheFirstGroupHasIt) {
  b_->SetEndpoints({At("X").WithWeight(2), At("y")});
  c_->SetEndpoints({At("z"), At("x").WithWeight(3)});
  EXPECT_EQ(*group_->endpoints(),
            (EndpointList{At("X").WithWeight(2), At("y"), At("z")}));
  a_->SetEndpoints({At("x").WithWeight(1)});
  EXPECT_EQ(*group_->endpoints(),
            (EndpointList{At("x").WithWeight(1), At("y"), At("z")}));
  a_->SetEndpoints(EndpointList{});
  b_->SetEndpoints(EndpointList{});
  EXPECT_EQ(*group_->endpoints(),
            (EndpointList{At("z"), At("x").WithWeight(3)}));
}

TEST_F(UnionTest, IsKnownWithTheFirstEndpointsOrWhenAllAreKnown) {
  a_->SetEndpoints(EndpointList{});
  b_->SetEndpoints(EndpointList{});
  EXPECT_TRUE(seen_.empty());
  c_->SetEndpoints(EndpointList{});
  EXPECT_EQ(seen_, std::vector<EndpointList>{{}});
}

TEST_F(UnionTest, BecomesEmptyAgain) {
  a_->SetEndpoints({At("a")});
  a_->SetEndpoints(EndpointList{});
  EXPECT_EQ(seen_, (std::vector<EndpointList>{{At("a")}, {}}));
}

TEST_F(UnionTest, AwaitsAnyOfThem) {
  b_->SetError(absl::UnavailableError("no route"));
  EXPECT_EQ(group_->AwaitInitialEndpoints(absl::ZeroDuration()),
            absl::DeadlineExceededError(
                "union of (test:///a, test:///b (last error: no route), "
                "test:///c): no endpoints after 0"));
  std::thread thread([this] { c_->SetEndpoints({At("c")}); });
  EXPECT_TRUE(group_->AwaitInitialEndpoints(absl::Seconds(30)).ok());
  thread.join();
  EXPECT_EQ(group_->last_error(), absl::UnavailableError("no route"));
}

TEST_F(UnionTest, CloseClosesAllAndSilencesTheWatch) {
  group_->Close();
  group_->Close();
  for (const auto& group : {a_, b_, c_}) EXPECT_EQ(group->closes, 1);
  a_->SetEndpoints({At("a")});
  EXPECT_TRUE(seen_.empty());
}

TEST_F(UnionTest, DestroyingItClosesNone) {
  group_.reset();
  a_->SetEndpoints({At("a")});
  EXPECT_TRUE(seen_.empty());
  for (const auto& group : {a_, b_, c_}) {
    EXPECT_EQ(group->closes, 0);
    EXPECT_EQ(group.use_count(), 2) << "the fixture's and the loop's list";
  }
}

TEST_F(UnionTest, RefreshGoesToAll) {
  group_->RequestRefresh();
  for (const auto& group : {a_, b_, c_}) EXPECT_EQ(group->refreshes, 1);
}

TEST_F(UnionTest, NamesAreConfiguredWhenThoseOfAllAre) {
  EXPECT_TRUE(group_->names_are_configured());
  c_->configured = false;
  EXPECT_FALSE(group_->names_are_configured());
  EXPECT_FALSE(OrElse(a_, c_)->names_are_configured());
  EXPECT_FALSE(OrElse(c_, a_)->names_are_configured());
  EXPECT_TRUE(OrElse(a_, b_)->names_are_configured());
}

TEST_F(UnionTest, OfNothingIsNothing) {
  const auto nothing = Union({});
  EXPECT_TRUE(nothing->endpoints()->empty());
  nothing->Close();
}

}  // namespace
}  // namespace multi_backend
