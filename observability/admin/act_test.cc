// Tests of ParseAction() and Act().
#include "multi_backend/observability/admin/act.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/observability/admin/event_log.h"
#include "multi_backend/observability/testing/fixed_channel.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;

class ActTest : public ::testing::Test {
 protected:
  ActTest()
      : pool_(BackendPool::Create()),
        lease_(pool_->Acquire("10.0.0.1:1", "a:1")),
        monitor_(Monitor::Create()) {
    ChannelStatus status;
    status.target = "static:///a:1";
    source_ = std::make_shared<FixedChannel>(status, pool_);
    // Two channels that share a pool.
    other_source_ = std::make_shared<FixedChannel>(status, pool_);
    monitor_->OnChannel(source_);
    monitor_->OnChannel(other_source_);
  }

  absl::StatusOr<admin::v1::ActionResult> Run(absl::string_view name,
                                              absl::string_view json) {
    const auto action = ParseAction(name, json);
    if (!action.ok()) return action.status();
    return Act(*monitor_, *action, "somebody");
  }
  BackendSnapshot Backend() { return pool_->GetAllBackends().front(); }

  const std::shared_ptr<BackendPool> pool_;
  const std::unique_ptr<BackendPool::Lease> lease_;
  const std::shared_ptr<Monitor> monitor_;
  std::shared_ptr<FixedChannel> source_;
  std::shared_ptr<FixedChannel> other_source_;
};

TEST_F(ActTest, AMarkIsSetAndEndedOnceForASharedPool) {
  auto result = Run("markUnhealthy", R"({"backend": "10.0.0.1:1"})");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->pools(), 1);
  EXPECT_EQ(result->message(), "10.0.0.1:1 marked unhealthy");
  EXPECT_EQ(Backend().state, BackendState::kDown);
  EXPECT_THAT(Backend().reason, HasSubstr("by somebody"));
  // By its name, too.
  ASSERT_TRUE(
      Run("markHealthy", R"({"backend": "a:1", "reason": "done"})").ok());
  EXPECT_EQ(Backend().state, BackendState::kAlive);
}

TEST_F(ActTest, ADrainIsBegunAndEnded) {
  auto result = Run("drain", R"({"backend": "a:1", "timeout": "5s"})");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(Backend().draining);
  EXPECT_TRUE(Backend().drained);  // It had no calls.
  result = Run("undrain", R"({"backend": "a:1"})");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(Backend().draining);
}

TEST_F(ActTest, AWeightIsSetAndReset) {
  auto result = Run("setWeight", R"({"backend": "a:1", "weight": 7})");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Backend().weight, 7);
  EXPECT_EQ(monitor_->events().After(0).back()->to(), "7");
  result = Run("resetWeight", R"({"backend": "a:1"})");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_NE(Backend().weight, 7);
  EXPECT_TRUE(Run("resetBackoff", R"({"backend": "a:1"})").ok());
}

TEST_F(ActTest, EachIsAnEventWithWhoAsked) {
  ASSERT_TRUE(
      Run("markUnhealthy", R"({"backend": "a:1", "reason": "it is slow"})")
          .ok());
  const auto events = monitor_->events().After(0);
  ASSERT_EQ(events.size(), 1);
  EXPECT_EQ(events[0]->kind(), "ACTION");
  EXPECT_EQ(events[0]->action(), "markUnhealthy");
  EXPECT_EQ(events[0]->asked_by(), "somebody");
  EXPECT_EQ(events[0]->backend(), "a:1");
  EXPECT_EQ(events[0]->reason(), "it is slow");
}

// The second pool remembers the backend, and no channel lists it.
TEST_F(ActTest, OnePoolIsEnoughAndIsAnEvent) {
  const auto other_pool = BackendPool::Create();
  other_pool->Acquire("10.0.0.1:1", "a:1");
  ASSERT_TRUE(other_pool->Drain("10.0.0.1:1").ok());
  ChannelStatus status;
  status.target = "static:///b:1";
  const auto source = std::make_shared<FixedChannel>(status, other_pool);
  monitor_->OnChannel(source);
  const auto result = Run("resetBackoff", R"({"backend": "10.0.0.1:1"})");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->pools(), 1);
  EXPECT_EQ(result->message(),
            "10.0.0.1:1 connects at once in 1 of 2 pools: backend "
            "\"10.0.0.1:1\": no channel lists it, so none connects to it");
  ASSERT_EQ(monitor_->events().After(0).size(), 1);
  EXPECT_EQ(monitor_->events().After(0)[0]->action(), "resetBackoff");
  const auto absent =
      Run("resetBackoff",
          R"({"backend": "10.0.0.1:1", "target": "static:///b:1"})");
  EXPECT_EQ(absent.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(monitor_->events().After(0).size(), 1);
}

TEST_F(ActTest, WhatIsWrongIsRefusedAndNoEvent) {
  struct Row {
    const char* name;
    const char* json;
    absl::StatusCode code;
    const char* message;
  };
  const Row rows[] = {
      {"explode", "{}", absl::StatusCode::kNotFound, "the actions are mark"},
      {"markHealthy", "", absl::StatusCode::kInvalidArgument, "BackendRequest"},
      {"markHealthy", "{}", absl::StatusCode::kInvalidArgument, "backend:"},
      {"markHealthy", R"({"backend": "a:1", "who": 1})",
       absl::StatusCode::kInvalidArgument, "who"},
      {"markHealthy", R"({"backend": "b:1"})", absl::StatusCode::kNotFound,
       "knows the backend \"b:1\""},
      {"markHealthy", R"({"backend": "a:1", "target": "static:///z:1"})",
       absl::StatusCode::kNotFound, "to this target"},
      {"drain", R"({"backend": "a:1", "timeout": "-1s"})",
       absl::StatusCode::kInvalidArgument, "timeout:"},
      {"drain", R"({"backend": "a:1", "timeout": "soon"})",
       absl::StatusCode::kInvalidArgument, "DrainRequest"},
      {"setWeight", R"({"backend": "a:1", "weight": 1000001})",
       absl::StatusCode::kInvalidArgument, "1 to 1000000"},
      {"setWeight", R"({"backend": "a:1"})", absl::StatusCode::kInvalidArgument,
       "drain a backend"},
      {"setWeight", R"({"backend": "a:1", "weight": -1})",
       absl::StatusCode::kInvalidArgument, "SetWeightRequest"},
  };
  for (const Row& row : rows) {
    const auto result = Run(row.name, row.json);
    EXPECT_EQ(result.status().code(), row.code) << row.name << row.json;
    EXPECT_THAT(std::string(result.status().message()), HasSubstr(row.message))
        << row.name << row.json;
  }
  EXPECT_TRUE(monitor_->events().After(0).empty());
}

}  // namespace
}  // namespace multi_backend
