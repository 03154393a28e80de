#include "multi_backend/resolver/dns/refresh_pace.h"

#include <algorithm>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using Outcome = DnsRound::Outcome;

TEST(DnsRefreshDelayTest, StaysWithinTheTtlAndItsBounds) {
  DnsSourceOptions options;
  options.min_ttl = absl::Seconds(1);
  options.max_ttl = absl::Seconds(100);
  struct Row {
    absl::Duration ttl;
    double unit;
    absl::Duration delay;
  };
  for (const Row& row :
       std::vector<Row>{{absl::ZeroDuration(), 0, absl::Milliseconds(800)},
                        {absl::Seconds(1), 1, absl::Milliseconds(950)},
                        {absl::Seconds(10), 0, absl::Seconds(8)},
                        {absl::Seconds(10), 1, absl::Seconds(9.5)},
                        {absl::Seconds(101), 1, absl::Seconds(95)},
                        {absl::InfiniteDuration(), 0, absl::Seconds(80)}}) {
    const absl::Duration delay = DnsRefreshDelay(row.ttl, options, row.unit);
    EXPECT_LT(absl::AbsDuration(delay - row.delay), absl::Microseconds(1))
        << delay;
  }
  options.max_ttl = absl::InfiniteDuration();
  EXPECT_EQ(DnsRefreshDelay(absl::InfiniteDuration(), options, 0.5),
            absl::InfiniteDuration());
}

// Backoffs of 1, 2, 4, 4, … and 1, 2, 4, 8, … seconds.
DnsSourceOptions WithoutJitter() {
  DnsSourceOptions options;
  options.backoff.jitter = 0;
  options.refresh_backoff = {absl::Seconds(1), absl::Seconds(8), 0};
  return options;
}

DnsRound Round(Outcome outcome, absl::Duration ttl) {
  DnsRound round;
  round.outcome = outcome;
  round.ttl = ttl;
  return round;
}

TEST(DnsRefreshPaceTest, AsksAgainSoonAfterNothingAndLaterAfterAPart) {
  const DnsSourceOptions options = WithoutJitter();
  DnsRefreshPace pace(options);
  const DnsRound nothing = Round(Outcome::kNothing, absl::InfiniteDuration());
  const DnsRound part = Round(Outcome::kPart, absl::Hours(1));
  for (const int seconds : {1, 2, 4, 4, 4}) {
    const auto delays = pace.After(nothing, 0);
    EXPECT_EQ(delays.next, absl::Seconds(seconds));
    EXPECT_EQ(delays.earliest, absl::InfiniteDuration());
  }
  for (const int seconds : {1, 2, 4, 8, 8}) {
    EXPECT_EQ(pace.After(part, 0).next, absl::Seconds(seconds));
  }
  EXPECT_EQ(pace.After(nothing, 0).next, absl::Seconds(1)) << "after a part";
  EXPECT_EQ(pace.After(Round(Outcome::kPart, absl::Seconds(5)), 0).next,
            absl::Seconds(4))
      << "the TTL comes first";
}

TEST(DnsRefreshPaceTest, AQuestionUnderWayHasNotFailed) {
  const DnsSourceOptions options = WithoutJitter();
  DnsRefreshPace pace(options);
  DnsRound part = Round(Outcome::kPart, absl::Seconds(100));
  part.under_way = true;
  for (int i = 0; i < 3; ++i) {
    const auto delays = pace.After(part, 0);
    EXPECT_EQ(delays.next, absl::Seconds(80));
    EXPECT_EQ(delays.earliest, absl::Seconds(1));
  }
  part.under_way = false;
  EXPECT_EQ(pace.After(part, 0).next, absl::Seconds(1));
  DnsRound nothing = Round(Outcome::kNothing, absl::InfiniteDuration());
  nothing.under_way = true;
  EXPECT_EQ(pace.After(nothing, 0).next, absl::InfiniteDuration());
}

TEST(DnsRefreshPaceTest, RequestsThatBringNothingNewAreSpaced) {
  const DnsSourceOptions options = WithoutJitter();
  DnsRefreshPace pace(options);
  DnsRound round = Round(Outcome::kComplete, absl::Hours(1));
  round.requested = true;
  for (const int seconds : {1, 2, 4, 8, 8}) {
    EXPECT_EQ(pace.After(round, 0).earliest, absl::Seconds(seconds));
  }
  round.changed = true;
  EXPECT_EQ(pace.After(round, 0).earliest, absl::Seconds(1));
  round.changed = false;
  EXPECT_EQ(pace.After(round, 0).earliest, absl::Seconds(1));
  EXPECT_EQ(pace.After(round, 0).earliest, absl::Seconds(2));
}

// An outage of the server must not outlast itself by more than 5 s.  Questions
// are repeated after `timeout`, then after twice that, and so on; the next
// round begins after the backoff or after the last of them, whichever is later.
TEST(DnsRefreshPaceTest, ByDefaultNoGapBetweenQuestionsExceedsFiveSeconds) {
  const DnsSourceOptions options;
  DnsRefreshPace pace(options);
  const DnsRound nothing = Round(Outcome::kNothing, absl::InfiniteDuration());
  for (int round = 0; round < 20; ++round) {
    const absl::Duration backoff = pace.After(nothing, 1).next;
    EXPECT_LT(backoff, absl::Seconds(5)) << "a server that refuses";
    absl::Duration at;
    absl::Duration step = options.client.timeout;
    for (int i = 0; i < options.client.tries; ++i, at += step, step *= 2) {
      EXPECT_LT(step, absl::Seconds(5)) << "a silent server";
    }
    EXPECT_LT(std::max(backoff, at) - (at - step / 2), absl::Seconds(5));
  }
}

}  // namespace
}  // namespace multi_backend
