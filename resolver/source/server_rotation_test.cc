#include "multi_backend/resolver/source/server_rotation.h"

#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

constexpr BackoffOptions kExact = {absl::Seconds(1), absl::Seconds(4), 0};
constexpr absl::Duration kShort = absl::Milliseconds(1);

EndpointList Servers(int count) {
  EndpointList servers;
  for (int i = 1; i <= count; ++i) servers.push_back(Endpoint::Of("h", i));
  return servers;
}

TEST(ServerRotationTest, TheNextIsTriedAtOnceAndAFullRoundWaits) {
  ServerRotation rotation(Servers(3), kExact, /*seed=*/1);
  std::vector<absl::Duration> waits;
  std::vector<int> ports;
  for (int i = 0; i < 6; ++i) {
    ports.push_back(rotation.server().port);
    waits.push_back(rotation.Failed(kShort));
  }
  EXPECT_THAT(std::set<int>(ports.begin(), ports.begin() + 3),
              testing::ElementsAre(1, 2, 3));
  EXPECT_EQ(ports[3], ports[0]);
  const absl::Duration none;
  EXPECT_THAT(waits, testing::ElementsAre(none, none, absl::Seconds(1), none,
                                          none, absl::Seconds(2)));
}

TEST(ServerRotationTest, OneServerWaitsAfterEachFailureUntilItHasWorked) {
  ServerRotation rotation(Servers(1), kExact);
  EXPECT_EQ(rotation.Failed(kShort), absl::Seconds(1));
  EXPECT_EQ(rotation.Failed(kShort), absl::Seconds(2));
  EXPECT_EQ(rotation.Failed(kShort), absl::Seconds(4));
  EXPECT_EQ(rotation.Failed(kShort), absl::Seconds(4));
  EXPECT_EQ(rotation.Failed(absl::Seconds(5)), absl::Seconds(1));
}

TEST(ServerRotationTest, AServerThatWorkedIsLeftForTheNextAtOnce) {
  ServerRotation rotation(Servers(2), kExact);
  rotation.Failed(kShort);
  rotation.Failed(kShort);
  EXPECT_EQ(rotation.Failed(absl::Hours(1)), absl::ZeroDuration());
}

TEST(ServerRotationTest, ClientsBeginWithDifferentServers) {
  std::set<int> first;
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    first.insert(ServerRotation(Servers(3), kExact, seed).server().port);
  }
  EXPECT_EQ(first.size(), 3u);
}

}  // namespace
}  // namespace multi_backend
