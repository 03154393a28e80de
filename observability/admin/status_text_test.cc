// Tests of StatusText(), and of the words that other tables share with it.
#include "multi_backend/observability/admin/status_text.h"

#include <gtest/gtest.h>

#include <string>

namespace multi_backend {
namespace {

TEST(StatusTextTest, WithoutChannelsItSaysWhatToDo) {
  admin::v1::Status status;
  status.set_library_version("0.2.0");
  status.mutable_time()->set_seconds(100);
  status.mutable_started()->set_seconds(35);
  EXPECT_EQ(StatusText(status),
            "multi_backend 0.2.0, up 1m5s, 0 channels\n\n"
            "No channel reports to this monitor: add it to "
            "ChannelOptions::sinks.\n");
}

TEST(StatusTextTest, AChannelIsATable) {
  admin::v1::Status status;
  status.set_library_version("0.2.0");
  status.mutable_time()->set_seconds(100'000);
  status.mutable_started()->set_seconds(0);
  auto* const channel = status.add_channels();
  channel->set_target("static:///a:1,b:1");
  channel->set_state("READY");
  channel->set_backends_usable(1);
  auto* const a = channel->add_backends();
  a->set_name("a:1");
  a->set_role("primary");
  a->set_state("ALIVE");
  a->set_effective_weight(1000);
  a->set_in_flight(3);
  a->set_connections(1);
  a->mutable_last_minute()->set_attempts(200);
  a->mutable_last_minute()->set_errors(1);
  a->mutable_last_minute()->set_share(1);
  a->mutable_last_minute()->mutable_p50()->set_nanos(1'500'000);
  a->mutable_last_minute()->mutable_p99()->set_nanos(120'000'000);
  auto* const b = channel->add_backends();
  b->set_name("b:1");
  b->set_state("DOWN");
  b->set_draining(true);
  b->set_retries_landed(7);
  b->mutable_since()->set_seconds(100'000 - 3 * 3600 - 240);
  b->set_reason("3 calls in a row failed");
  channel->add_balancers()->set_path("root");
  channel->mutable_balancers(0)->set_panic(true);
  auto* const route = channel->add_routes();
  route->set_name("p.S/M");
  route->set_never_matched(true);
  EXPECT_EQ(StatusText(status),
            "multi_backend 0.2.0, up 1d3h, 1 channel\n"
            "\n"
            "static:///a:1,b:1  READY  1 of 2 usable\n"
            "  PANIC: root ignores health, too few backends are well\n"
            "  BACKEND  ROLE     STATE          FOR   WEIGHT  SHARE  FLIGHT"
            "  CALLS/MIN  ERR/MIN  P50     P99    RETRIES  CONN  WHY\n"
            "  a:1      primary  ALIVE          -     1000    100%   3     "
            "  200        1        1.50ms  120ms  0        1\n"
            "  b:1      -        DOWN,draining  3h4m  0       0%     0     "
            "  0          0        -       -      7        0     3 calls in a "
            "row failed\n"
            "\n"
            "  ROUTE  ROLE  MATCHES        LAST METHOD\n"
            "  p.S/M  -     never matched\n");
}

TEST(StatusTextTest, LongTextsAreCutAndMoveNoColumn) {
  admin::v1::Status status;
  auto* const channel = status.add_channels();
  for (const std::string& name : {std::string(60, 'n'), std::string("b:1")}) {
    auto* const backend = channel->add_backends();
    backend->set_name(name);
    backend->set_address("10.0.0.1:1");
    backend->set_state("ALIVE");
    backend->set_draining(true);
    backend->set_drained(true);
    backend->set_reason(std::string(300, 'w'));
  }
  // A character of several bytes is one column.
  const std::string text = StatusText(status);
  EXPECT_NE(text.find("  " + std::string(48, 'n') +
                      "\xE2\x80\xA6  -     ALIVE,drained  -"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  b:1 10.0.0.1:1" + std::string(35, ' ') +
                      "  -     ALIVE,drained  -"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(std::string(200, 'w') + "\xE2\x80\xA6\n"),
            std::string::npos)
      << text;
}

TEST(AgeTest, TwoUnitsAtMost) {
  EXPECT_EQ(Age(-absl::Seconds(1)), "0s");
  EXPECT_EQ(Age(absl::Seconds(312)), "5m12s");
  EXPECT_EQ(Age(absl::Minutes(184)), "3h4m");
  EXPECT_EQ(Age(absl::Hours(53)), "2d5h");
}

}  // namespace
}  // namespace multi_backend
