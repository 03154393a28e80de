// Tests of Monitor, with events made by hand.
#include "multi_backend/observability/admin/monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/json_util.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/observability/admin/event_log.h"
#include "multi_backend/observability/testing/fixed_channel.h"

namespace multi_backend {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

class MonitorTest : public ::testing::Test {
 protected:
  MonitorTest() {
    options_.now = [this] { return now_; };
  }

  static AttemptEnded Attempt(absl::string_view backend,
                              absl::StatusCode status) {
    AttemptEnded attempt;
    attempt.target = Label("static:///a:1,b:1");
    attempt.method = Label("/p.S/M");
    attempt.backend = Label(backend);
    attempt.address = backend == "a:1" ? "10.0.0.1:1" : "10.0.0.2:1";
    attempt.status = status;
    attempt.latency_nanos = 3'000'000;
    return attempt;
  }

  static ChannelStatus TwoBackends() {
    ChannelStatus status;
    status.target = "static:///a:1,b:1";
    status.state = "READY";
    status.config_json = "{\n\t\"loadBalancingConfig\": []\n}";
    status.backends.resize(2);
    status.backends[0].name = "a:1";
    status.backends[0].address = "10.0.0.1:1";
    status.backends[0].state = "ALIVE";
    status.backends[1].name = "b:1";
    status.backends[1].address = "10.0.0.2:1";
    status.backends[1].state = "DOWN";
    status.backends[1].reason = "3 calls in a row failed";
    status.routes.resize(2);
    status.routes[0].name = "p.S/M";
    status.routes[0].matches = 4;
    status.routes[1].name = "p.S/N";
    status.resolver.last_success = kStart - absl::Seconds(90);
    return status;
  }

  MonitorOptions options_;
  absl::Time now_ = kStart;
};

TEST_F(MonitorTest, ShowsTheChannelsThatLive) {
  const auto monitor = Monitor::Create(options_);
  auto first = std::make_shared<FixedChannel>(TwoBackends());
  const auto second = std::make_shared<FixedChannel>(TwoBackends());
  monitor->OnChannel(first);
  monitor->OnChannel(second);
  EXPECT_EQ(monitor->GetStatus({}).channels_size(), 2);
  first.reset();
  const auto status = monitor->GetStatus({});
  ASSERT_EQ(status.channels_size(), 1);
  EXPECT_EQ(status.channels(0).id(), 2);
  EXPECT_EQ(status.started().seconds(), 1'700'000'000);
}

TEST_F(MonitorTest, ShowsBackendsRoutesAndTheResolver) {
  const auto monitor = Monitor::Create(options_);
  const auto source = std::make_shared<FixedChannel>(TwoBackends());
  monitor->OnChannel(source);
  const auto channel = monitor->GetStatus({}).channels(0);
  EXPECT_EQ(channel.backends_usable(), 1);
  EXPECT_EQ(channel.backends(1).state(), "DOWN");
  EXPECT_EQ(channel.backends(1).reason(), "3 calls in a row failed");
  EXPECT_FALSE(channel.backends(1).has_since());
  EXPECT_FALSE(channel.routes(0).never_matched());
  EXPECT_TRUE(channel.routes(1).never_matched());
  EXPECT_EQ(channel.resolver().list_age().seconds(), 90);
}

TEST_F(MonitorTest, TheTargetSelectsChannels) {
  const auto monitor = Monitor::Create(options_);
  const auto source = std::make_shared<FixedChannel>(TwoBackends());
  monitor->OnChannel(source);
  admin::v1::GetStatusRequest request;
  request.set_target("static:///other:1");
  EXPECT_EQ(monitor->GetStatus(request).channels_size(), 0);
  request.set_target("static:///a:1,b:1");
  EXPECT_EQ(monitor->GetStatus(request).channels_size(), 1);
}

TEST_F(MonitorTest, TheLastMinuteOfEachBackendHasItsShare) {
  const auto monitor = Monitor::Create(options_);
  const auto source = std::make_shared<FixedChannel>(TwoBackends());
  monitor->OnChannel(source);
  for (int i = 0; i < 30; ++i) {
    monitor->OnAttemptEnded(Attempt("a:1", absl::StatusCode::kOk));
  }
  for (int i = 0; i < 9; ++i) {
    monitor->OnAttemptEnded(Attempt("b:1", absl::StatusCode::kUnavailable));
  }
  // A caller that gave up says nothing about the backend.
  monitor->OnAttemptEnded(Attempt("b:1", absl::StatusCode::kCancelled));
  now_ += absl::Seconds(1);
  const auto channel = monitor->GetStatus({}).channels(0);
  const auto& a = channel.backends(0).last_minute();
  const auto& b = channel.backends(1).last_minute();
  EXPECT_EQ(a.attempts(), 30);
  EXPECT_EQ(a.errors(), 0);
  EXPECT_EQ(a.share(), 0.75);
  EXPECT_GT(a.p50().nanos(), 2'000'000);
  EXPECT_LE(a.p99().nanos(), 4'000'000);
  ASSERT_EQ(a.seconds_size(), 60);
  EXPECT_EQ(a.seconds(59).attempts(), 30);
  EXPECT_EQ(b.attempts(), 10);
  EXPECT_EQ(b.errors(), 9);
  EXPECT_EQ(b.share(), 0.25);
  now_ += absl::Seconds(61);
  EXPECT_FALSE(
      monitor->GetStatus({}).channels(0).backends(0).has_last_minute());
}

TEST_F(MonitorTest, AddressesOfOneNameHaveMinutesOfTheirOwn) {
  const auto monitor = Monitor::Create(options_);
  ChannelStatus one_name = TwoBackends();
  one_name.backends[1].name = "a:1";
  one_name.backends[1].draining = one_name.backends[1].drained = true;
  const auto source = std::make_shared<FixedChannel>(one_name);
  monitor->OnChannel(source);
  AttemptEnded attempt = Attempt("a:1", absl::StatusCode::kOk);
  for (int i = 0; i < 3; ++i) monitor->OnAttemptEnded(attempt);
  attempt.address = "10.0.0.2:1";
  monitor->OnAttemptEnded(attempt);
  now_ += absl::Seconds(1);
  const auto channel = monitor->GetStatus({}).channels(0);
  EXPECT_EQ(channel.backends(0).last_minute().attempts(), 3);
  EXPECT_EQ(channel.backends(0).last_minute().share(), 0.75);
  EXPECT_EQ(channel.backends(1).last_minute().attempts(), 1);
  EXPECT_FALSE(channel.backends(0).drained());
  EXPECT_TRUE(channel.backends(1).drained());
}

TEST_F(MonitorTest, TheClockIsThatOfTheEventsAndCalls) {
  const absl::Time before = SteadyNow();
  const absl::Time now = Monitor::Create()->now();
  EXPECT_GE(now, before);
  EXPECT_LE(now, SteadyNow());
}

TEST_F(MonitorTest, KeepsCallsThatFailedOrHaveATrail) {
  const auto monitor = Monitor::Create(options_);
  CallEnded call;
  call.target = Label("static:///a:1,b:1");
  call.method = Label("/p.S/M");
  call.latency_nanos = 5'000'000;
  monitor->OnCallEnded(call);  // It was not sampled.
  call.status = absl::StatusCode::kUnavailable;
  call.message = "no usable backend";
  monitor->OnCallEnded(call);
  call.status = absl::StatusCode::kOk;
  std::vector<AttemptEnded> attempts = {
      Attempt("b:1", absl::StatusCode::kUnavailable),
      Attempt("a:1", absl::StatusCode::kOk)};
  const PassedOver passed{"b:1", PassedOver::Why::kTried};
  attempts[1].passed_over = absl::MakeConstSpan(&passed, 1);
  attempts[0].next = NextStep::kRetried;
  call.attempts = attempts;
  call.attempts_made = 2;
  monitor->OnCallEnded(call);
  const auto calls = monitor->GetCalls({});
  ASSERT_EQ(calls.calls_size(), 2);
  EXPECT_EQ(calls.one_in(), 100);
  const auto& retried = calls.calls(0);
  ASSERT_EQ(retried.attempts_size(), 2);
  EXPECT_EQ(retried.attempts(0).next(), "RETRIED");
  EXPECT_EQ(retried.attempts(1).passed_over(0).why(), "TRIED");
  EXPECT_EQ(retried.start().seconds(), 1'699'999'999);
  EXPECT_EQ(calls.calls(1).message(), "no usable backend");
  admin::v1::GetCallsRequest request;
  request.set_limit(1);
  EXPECT_EQ(monitor->GetCalls(request).calls_size(), 1);
}

TEST_F(MonitorTest, TheRingOfCallsIsBoundedInNumberAndInBytes) {
  options_.max_calls = 10;
  const auto by_number = Monitor::Create(options_);
  options_.max_calls = 100'000;
  options_.max_call_bytes = 50'000;
  const auto by_bytes = Monitor::Create(options_);
  CallEnded call;
  const std::string message(10'000, 'x');
  call.status = absl::StatusCode::kInternal;
  call.message = message;
  for (int i = 0; i < 1000; ++i) {
    by_number->OnCallEnded(call);
    by_bytes->OnCallEnded(call);
  }
  const auto ten = by_number->GetCalls({});
  EXPECT_EQ(ten.calls_size(), 10);
  EXPECT_EQ(ten.dropped(), 990);
  EXPECT_EQ(ten.calls(0).sequence(), 1000);
  // Each message is cut to 512 bytes.
  const auto some = by_bytes->GetCalls({});
  EXPECT_GT(some.calls_size(), 20);
  EXPECT_LT(some.calls_size(), 100);
}

TEST_F(MonitorTest, EventsAreNumberedAndTheOldestLeave) {
  const auto monitor = Monitor::Create(options_);
  StateChanged change;
  change.backend = Label("a:1");
  change.from = "ALIVE";
  change.to = "DOWN";
  change.ejection = Ejection::kFailedCalls;
  change.time = kStart;
  for (int i = 0; i < 1100; ++i) monitor->OnStateChanged(change);
  monitor->OnStateChanged(change);
  const auto all = monitor->events().After(0);
  ASSERT_EQ(all.size(), EventLog::kCapacity);
  EXPECT_EQ(all.front()->sequence(), 1101 - EventLog::kCapacity + 1);
  EXPECT_EQ(all.back()->ejection(), "FAILED_CALLS");
  EXPECT_EQ(monitor->events().After(1100).size(), 1);
  EXPECT_TRUE(monitor->events().After(1101).empty());
  EXPECT_EQ(monitor->GetStatus({}).newest_event(), 1101);
}

TEST_F(MonitorTest, AnEventWakesThoseWhoWait) {
  const auto monitor = Monitor::Create(options_);
  monitor->events().WaitAfter(0, absl::ZeroDuration());
  std::thread waiting(
      [&monitor] { monitor->events().WaitAfter(0, absl::Hours(1)); });
  monitor->OnStateChanged({});
  waiting.join();
  // It is there already.
  monitor->events().WaitAfter(0, absl::Hours(1));
}

// A reader may bring a number from before the process was started again.
TEST_F(MonitorTest, ANumberThatIsNotGivenYetIsOfAnEarlierProcess) {
  const auto monitor = Monitor::Create(options_);
  EXPECT_TRUE(monitor->events().After(5000).empty());
  monitor->OnStateChanged({});
  monitor->OnStateChanged({});
  for (const uint64_t sequence : {uint64_t{3}, uint64_t{5000}, ~uint64_t{0}}) {
    const auto all = monitor->events().After(sequence);
    ASSERT_EQ(all.size(), 2) << sequence;
    EXPECT_EQ(all.front()->sequence(), 1);
    // Nor does it wait for so many events.
    const absl::Time start = absl::Now();
    monitor->events().WaitAfter(sequence, absl::Minutes(1));
    EXPECT_LT(absl::Now() - start, absl::Seconds(30));
  }
}

TEST_F(MonitorTest, EveryMessageHasJson) {
  const auto monitor = Monitor::Create(options_);
  ChannelStatus hostile = TwoBackends();
  hostile.target = "etcd://root:secret@h:1/";
  hostile.backends[0].reason = "\xFF<script>alert(1)</script>\x1B[2J";
  hostile.backends[0].name = std::string(100'000, 'n');
  hostile.resolver.last_error = std::string("a\0b", 3);
  const auto source = std::make_shared<FixedChannel>(hostile);
  monitor->OnChannel(source);
  CallEnded call;
  call.status = absl::StatusCode::kUnknown;
  call.message = "\xC0\xAF";
  call.latency_nanos = -1;
  monitor->OnCallEnded(call);
  std::string json;
  ASSERT_TRUE(
      google::protobuf::util::MessageToJsonString(monitor->GetStatus({}), &json)
          .ok());
  EXPECT_LT(json.size(), 5000);
  EXPECT_EQ(json.find("secret"), std::string::npos);
  EXPECT_EQ(json.find('\x1B'), std::string::npos);
  ASSERT_TRUE(
      google::protobuf::util::MessageToJsonString(monitor->GetCalls({}), &json)
          .ok());
  ASSERT_TRUE(
      google::protobuf::util::MessageToJsonString(monitor->GetConfig({}), &json)
          .ok());
  EXPECT_NE(json.find("\\n\\t\\\"loadBalancingConfig"), std::string::npos);
}

TEST_F(MonitorTest, WhatIsTooMuchIsCounted) {
  const auto monitor = Monitor::Create(options_);
  ChannelStatus large = TwoBackends();
  large.backends.resize(1500);
  std::vector<std::shared_ptr<FixedChannel>> sources;
  for (int i = 0; i < 210; ++i) {
    sources.push_back(
        std::make_shared<FixedChannel>(i < 2 ? large : TwoBackends()));
    monitor->OnChannel(sources.back());
  }
  const auto status = monitor->GetStatus({});
  EXPECT_EQ(status.channels_size(), 200);
  EXPECT_EQ(status.channels_left_out(), 10);
  EXPECT_EQ(status.channels(0).backends_size(), 1500);
  EXPECT_EQ(status.channels(1).backends_size(), 500);
  EXPECT_EQ(status.channels(1).backends_left_out(), 1000);
  EXPECT_EQ(status.channels(2).backends_left_out(), 2);
}

}  // namespace
}  // namespace multi_backend
