#include "multi_backend/observability/trail/trail_slot.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;

CallTrail OneAttempt() {
  CallTrail trail;
  trail.attempts.resize(1);
  return trail;
}

TEST(TrailSlotTest, ShowsTheTrailWhenTheCallHasEnded) {
  TrailSlot slot;
  EXPECT_TRUE(slot.Take());
  EXPECT_FALSE(slot.has_ended());
  EXPECT_TRUE(slot.trail().attempts.empty());
  slot.Finish(OneAttempt());
  EXPECT_TRUE(slot.has_ended());
  EXPECT_EQ(slot.trail().attempts.size(), 1u);
  EXPECT_TRUE(slot.status().ok());
}

TEST(TrailSlotTest, ASecondCallIsAnError) {
  TrailSlot slot;
  EXPECT_TRUE(slot.Take());
  slot.Finish(OneAttempt());
  EXPECT_FALSE(slot.Take());
  EXPECT_EQ(slot.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(slot.status().message()), HasSubstr("two calls"));
  EXPECT_TRUE(slot.trail().attempts.empty());
}

TEST(TrailSlotTest, TheFirstErrorStays) {
  TrailSlot slot;
  slot.Fail(absl::InvalidArgumentError("first"));
  slot.Fail(absl::InternalError("second"));
  EXPECT_FALSE(slot.Take());
  slot.Finish(OneAttempt());
  EXPECT_EQ(slot.status(), absl::InvalidArgumentError("first"));
  EXPECT_TRUE(slot.trail().attempts.empty());
}

TEST(TrailSlotsTest, ARemovedSlotIsNotFoundAndItsNumberNotUsedAgain) {
  TrailSlots& slots = TrailSlots::Get();
  const auto slot = std::make_shared<TrailSlot>();
  const uint64_t number = slots.Add(slot);
  EXPECT_NE(number, 0u);
  EXPECT_EQ(slots.Find(number), slot);
  slots.Remove(number);
  EXPECT_EQ(slots.Find(number), nullptr);
  EXPECT_EQ(slots.Find(0), nullptr);
  EXPECT_EQ(slots.Find(12345), nullptr);
  EXPECT_NE(slots.Add(slot), number);
}

}  // namespace
}  // namespace multi_backend
