#include "multi_backend/resolver/zookeeper/children.h"

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/policy.h"

namespace multi_backend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kAll = 1000;

class ZookeeperChildrenTest : public ::testing::Test {
 protected:
  void Set(const std::string& name, uint16_t port) {
    children_.SetRecord(name, Endpoint::Of("10.0.0.1", port));
  }
  std::vector<int> Ports() {
    std::vector<int> ports;
    const auto admitted = children_.Admit(EndpointPolicy());
    for (const Endpoint& endpoint : admitted->endpoints) {
      ports.push_back(endpoint.port);
    }
    return ports;
  }
  ZookeeperChildren children_;
};

TEST_F(ZookeeperChildrenTest, IsCompleteWhenAllAreRead) {
  EXPECT_TRUE(children_.complete());
  children_.SetNames({"b", "a"});
  EXPECT_FALSE(children_.complete());
  EXPECT_THAT(children_.TakeUnread(kAll), ElementsAre("a", "b"));
  EXPECT_THAT(children_.TakeUnread(kAll), IsEmpty());
  Set("b", 2);
  EXPECT_FALSE(children_.complete());
  Set("a", 1);
  EXPECT_TRUE(children_.complete());
  EXPECT_THAT(Ports(), ElementsAre(1, 2));
}

TEST_F(ZookeeperChildrenTest, OnlyNewChildrenAreRead) {
  children_.SetNames({"a", "c", "e"});
  children_.TakeUnread(kAll);
  for (const char* name : {"a", "c", "e"}) Set(name, name[0]);
  children_.SetNames({"b", "c", "d", "e"});
  EXPECT_EQ(children_.size(), 4u);
  EXPECT_THAT(children_.TakeUnread(kAll), ElementsAre("b", "d"));
  children_.SetNames({});
  EXPECT_TRUE(children_.complete());
  EXPECT_THAT(Ports(), IsEmpty());
}

TEST_F(ZookeeperChildrenTest, NotMoreThanTheWindowAreAskedFor) {
  children_.SetNames({"a", "b", "c"});
  EXPECT_THAT(children_.TakeUnread(2), ElementsAre("a", "b"));
  EXPECT_THAT(children_.TakeUnread(2), IsEmpty());
  Set("b", 2);
  EXPECT_EQ(children_.asked(), 1u);
  EXPECT_THAT(children_.TakeUnread(2), ElementsAre("c"));
}

TEST_F(ZookeeperChildrenTest, AChildThatChangesIsReadAgain) {
  children_.SetNames({"a"});
  children_.TakeUnread(kAll);
  Set("a", 1);
  children_.SetUnread("a");
  EXPECT_FALSE(children_.complete());
  EXPECT_THAT(children_.TakeUnread(kAll), ElementsAre("a"));
  // The node changes again before the answer arrives.
  children_.SetUnread("a");
  Set("a", 2);
  EXPECT_FALSE(children_.complete());
  EXPECT_THAT(children_.TakeUnread(kAll), ElementsAre("a"));
  Set("a", 3);
  EXPECT_TRUE(children_.complete());
  EXPECT_THAT(Ports(), ElementsAre(3));
}

TEST_F(ZookeeperChildrenTest, WhatALostConnectionDidNotAnswerIsUnread) {
  children_.SetNames({"a", "b"});
  children_.TakeUnread(kAll);
  Set("a", 1);
  children_.ForgetAsked();
  EXPECT_THAT(children_.TakeUnread(kAll), ElementsAre("b"));
  children_.Clear();
  EXPECT_TRUE(children_.complete());
  children_.SetNames({"a"});
  EXPECT_THAT(children_.TakeUnread(kAll), ElementsAre("a"));
}

TEST_F(ZookeeperChildrenTest, ChildrenThatAreGoneAreLeftAlone) {
  children_.SetNames({"a", "b"});
  children_.TakeUnread(kAll);
  children_.Remove("a");
  children_.Remove("x");
  children_.SetUnread("a");
  Set("a", 1);
  Set("b", 2);
  EXPECT_TRUE(children_.complete());
  EXPECT_THAT(Ports(), ElementsAre(2));
}

TEST_F(ZookeeperChildrenTest, WhatMayNotBeReadIsTriedWithTheNextNames) {
  children_.SetNames({"a", "b", "c"});
  children_.TakeUnread(kAll);
  children_.SetRecord("a", absl::PermissionDeniedError("no"));
  children_.SetRecord("b", absl::InvalidArgumentError("bad"));
  Set("c", 3);
  const auto admitted = children_.Admit(EndpointPolicy());
  EXPECT_EQ(admitted->refused.ToString(), "2 refused: a: no; b: bad");
  EXPECT_EQ(admitted->endpoints.size(), 1u);
  children_.SetNames({"a", "b", "c"});
  EXPECT_THAT(children_.TakeUnread(kAll), ElementsAre("a"));
}

}  // namespace
}  // namespace multi_backend
