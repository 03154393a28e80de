// Tests of Connections.
#include "multi_backend/observability/admin/http/connections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace multi_backend {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1000);

class ConnectionsTest : public ::testing::Test {
 protected:
  Connection* Add(int fd, int seconds = 0) {
    return connections_.Add(fd, kNow + absl::Seconds(seconds), &surplus_);
  }

  Connections connections_{3, absl::Seconds(10)};
  Connection* surplus_ = nullptr;
};

TEST_F(ConnectionsTest, TheSlowestGivesUpItsPlace) {
  Connection* const first = Add(1);
  Add(2);
  Add(3);
  EXPECT_EQ(surplus_, nullptr);
  Add(4);
  EXPECT_EQ(surplus_, first);
  EXPECT_EQ(connections_.size(), 4);
  connections_.Remove(first);
  EXPECT_EQ(connections_.size(), 3);
}

TEST_F(ConnectionsTest, OneThatWasToldToGoIsNotToldAgain) {
  Connection* const first = Add(1);
  Connection* const second = Add(2);
  Add(3);
  Add(4);
  EXPECT_EQ(surplus_, first);
  Add(5);
  EXPECT_EQ(surplus_, second);
}

TEST_F(ConnectionsTest, ProgressKeepsAPlace) {
  Connection* const first = Add(1);
  Connection* const second = Add(2);
  Add(3);
  connections_.Progress(first, kNow);
  Add(4);
  EXPECT_EQ(surplus_, second);
}

TEST_F(ConnectionsTest, ViewersStay) {
  Add(1)->viewer = true;
  Connection* const second = Add(2);
  Add(3);
  Add(4);
  EXPECT_EQ(surplus_, second);
  EXPECT_THAT(connections_.Overdue(kNow + absl::Hours(1)),
              ::testing::SizeIs(2));
}

TEST_F(ConnectionsTest, ARequestHasALimitedTime) {
  Connection* const first = Add(1);
  Add(2, 5);
  EXPECT_THAT(connections_.Overdue(kNow + absl::Seconds(9)),
              ::testing::IsEmpty());
  EXPECT_THAT(connections_.Overdue(kNow + absl::Seconds(10)),
              ::testing::ElementsAre(first));
  EXPECT_THAT(connections_.Overdue(kNow + absl::Seconds(10)),
              ::testing::IsEmpty());
}

}  // namespace
}  // namespace multi_backend
