// Tests of LiveChannels.
#include "multi_backend/observability/live_channels.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "multi_backend/observability/testing/fixed_channel.h"

namespace multi_backend {
namespace {

TEST(LiveChannelsTest, AnEndedChannelIsForgottenAndNoIdIsUsedTwice) {
  LiveChannels channels;
  EXPECT_TRUE(channels.Get().empty());
  auto first = std::make_shared<FixedChannel>("first");
  auto second = std::make_shared<FixedChannel>("second");
  channels.Add(first);
  channels.Add(second);
  std::vector<LiveChannels::Channel> live = channels.Get();
  ASSERT_EQ(live.size(), 2u);
  EXPECT_EQ(live[0].id, 1u);
  EXPECT_EQ(live[0].source->target(), "first");
  EXPECT_EQ(live[1].id, 2u);

  live.clear();
  second.reset();
  auto third = std::make_shared<FixedChannel>("third");
  channels.Add(third);
  live = channels.Get();
  ASSERT_EQ(live.size(), 2u);
  EXPECT_EQ(live[0].source->target(), "first");
  EXPECT_EQ(live[1].source->target(), "third");
  EXPECT_EQ(live[1].id, 3u);
}

// Otherwise a process that makes and ends channels, and never looks, grows.
TEST(LiveChannelsTest, AnEndedChannelIsForgottenWhenNobodyLooks) {
  LiveChannels channels;
  for (int i = 0; i < 1000; ++i) {
    channels.Add(std::make_shared<FixedChannel>("short"));
  }
  EXPECT_LE(channels.known(), 64u);
}

}  // namespace
}  // namespace multi_backend
