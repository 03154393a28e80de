#include "multi_backend/observability/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/observability/metrics/bucket_of.h"
#include "multi_backend/observability/metrics/testing/find_series.h"
#include "multi_backend/observability/testing/fixed_channel.h"

namespace multi_backend {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr int64_t kMillisecond = 1'000'000;
const absl::Time kStart = absl::UnixEpoch() + absl::Hours(1);

AttemptEnded Attempt(absl::string_view backend,
                     absl::StatusCode status = absl::StatusCode::kOk) {
  AttemptEnded attempt;
  attempt.target = Label("dns:///users");
  attempt.method = Label("/acme.Users/GetUser");
  attempt.backend = Label(backend);
  attempt.role = Label("replica");
  attempt.status = status;
  attempt.latency_nanos = 3 * kMillisecond;
  return attempt;
}

CallEnded Call(absl::StatusCode status = absl::StatusCode::kOk) {
  CallEnded call;
  call.target = Label("dns:///users");
  call.method = Label("/acme.Users/GetUser");
  call.route = Label("reads");
  call.status = status;
  call.latency_nanos = 40 * kMillisecond;
  return call;
}

TEST(MetricsTest, AnAttemptIsInTheHistogramOfItsBackend) {
  const auto metrics = Metrics::Create();
  metrics->OnAttemptEnded(Attempt("b1:1"));
  metrics->OnAttemptEnded(Attempt("b1:1"));
  metrics->OnAttemptEnded(Attempt("b1:1", absl::StatusCode::kUnavailable));
  metrics->OnAttemptEnded(Attempt("b2:1"));
  const MetricsSnapshot snapshot = metrics->Collect(kStart);
  EXPECT_THAT(snapshot[Metric::kAttemptDuration].series, SizeIs(3));
  const auto series = FindSeries(
      snapshot, Metric::kAttemptDuration,
      {"dns:///users", "acme.Users", "GetUser", "b1:1", "replica", "OK"});
  ASSERT_TRUE(series.has_value());
  EXPECT_EQ(series->histogram.count(), 2u);
  EXPECT_EQ(series->histogram.counts[BucketOf(3 * kMillisecond)], 2u);
  EXPECT_THAT(series->histogram.sum_seconds, DoubleEq(0.006));
  EXPECT_EQ(ValueOf(snapshot, Metric::kAttemptDuration,
                    {"dns:///users", "acme.Users", "GetUser", "b1:1", "replica",
                     "UNAVAILABLE"}),
            1);
}

TEST(MetricsTest, ACallIsInTheHistogramOfItsRoute) {
  const auto metrics = Metrics::Create();
  metrics->OnCallEnded(Call(absl::StatusCode::kNotFound));
  const MetricsSnapshot snapshot = metrics->Collect(kStart);
  const auto series = FindSeries(
      snapshot, Metric::kCallDuration,
      {"dns:///users", "acme.Users", "GetUser", "NOT_FOUND", "reads"});
  ASSERT_TRUE(series.has_value());
  EXPECT_EQ(series->histogram.counts[BucketOf(40 * kMillisecond)], 1u);
  EXPECT_THAT(snapshot[Metric::kWaited].series, SizeIs(0));
  EXPECT_THAT(snapshot[Metric::kRetries].series, SizeIs(0));
}

TEST(MetricsTest, RetriesSayWhereTheyWentOrWhyThereWasNone) {
  const auto metrics = Metrics::Create();
  AttemptEnded attempt = Attempt("b1:1");
  attempt.retried = Retried::kDifferentBackend;
  metrics->OnAttemptEnded(attempt);
  metrics->OnAttemptEnded(attempt);
  attempt.retried = Retried::kSameBackend;
  metrics->OnAttemptEnded(attempt);
  for (NextStep step :
       {NextStep::kDone, NextStep::kForbidden, NextStep::kNotRetriable,
        NextStep::kRetriesUsedUp, NextStep::kCallerGaveUp,
        NextStep::kNoOtherBackend, NextStep::kBudgetEmpty}) {
    CallEnded call = Call(absl::StatusCode::kUnavailable);
    call.last_step = step;
    metrics->OnCallEnded(call);
  }
  const MetricsSnapshot snapshot = metrics->Collect(kStart);
  const auto retries = [&](const char* outcome) {
    return ValueOf(snapshot, Metric::kRetries,
                   {"dns:///users", "acme.Users", "GetUser", outcome});
  };
  EXPECT_EQ(retries("different_backend"), 2);
  EXPECT_EQ(retries("same_backend"), 1);
  EXPECT_EQ(retries("no_backend"), 1);
  EXPECT_EQ(retries("budget_exhausted"), 1);
  EXPECT_THAT(snapshot[Metric::kRetries].series, SizeIs(4));
}

TEST(MetricsTest, OnlyCallsThatWaitedAreInTheHistogramOfWaiting) {
  const auto metrics = Metrics::Create();
  CallEnded call = Call();
  metrics->OnCallEnded(call);
  call.waited_in_pick_nanos = kMillisecond;
  metrics->OnCallEnded(call);
  call.waited_in_backlog_nanos = 2'000 * kMillisecond;
  metrics->OnCallEnded(call);
  const MetricsSnapshot snapshot = metrics->Collect(kStart);
  EXPECT_EQ(ValueOf(snapshot, Metric::kWaited, {"dns:///users", "pick"}), 2);
  EXPECT_EQ(ValueOf(snapshot, Metric::kWaited, {"dns:///users", "backlog"}), 1);
}

TEST(MetricsTest, ChangesOfABackendAreCounted) {
  const auto metrics = Metrics::Create();
  StateChanged change;
  change.target = Label("dns:///users");
  change.backend = Label("b1:1");
  change.from = "ALIVE";
  change.to = "DOWN";
  change.ejection = Ejection::kFailedCalls;
  metrics->OnStateChanged(change);
  change.ejection = Ejection::kFailureRate;
  metrics->OnStateChanged(change);
  change.to = "ALIVE";
  change.ejection = Ejection::kNone;
  metrics->OnStateChanged(change);
  change.kind = StateChanged::Kind::kPanic;
  metrics->OnStateChanged(change);
  const MetricsSnapshot snapshot = metrics->Collect(kStart);
  const auto value = [&](Metric metric, const char* label) {
    return ValueOf(snapshot, metric, {"dns:///users", "b1:1", label});
  };
  EXPECT_EQ(value(Metric::kTransitions, "DOWN"), 2);
  EXPECT_EQ(value(Metric::kTransitions, "ALIVE"), 1);
  EXPECT_EQ(value(Metric::kEjections, "failed_calls"), 1);
  EXPECT_EQ(value(Metric::kEjections, "failure_rate"), 1);
}

ChannelStatus StatusOfUsers() {
  ChannelStatus status;
  status.target = "dns:///users";
  BackendStatus backend;
  backend.name = "b1:1";
  backend.address = "10.0.0.1:1";
  backend.state = "OVERLOADED";
  backend.draining = true;
  backend.in_flight = 7;
  backend.effective_weight = 0.5;
  backend.connections = 2;
  backend.probes_passed = 5;
  backend.probes_failed = 1;
  status.backends.push_back(backend);
  BalancerStatus root;
  root.path = "root";
  root.panic = true;
  root.has_backlog = true;
  root.waiting = 3;
  status.balancers.push_back(root);
  RouteStatus route;
  route.name = "reads";
  route.matches = 11;
  status.routes.push_back(route);
  status.resolver.updates = 4;
  status.resolver.errors = 2;
  status.resolver.endpoints = 1;
  status.resolver.last_success = absl::UnixEpoch() + absl::Seconds(99);
  return status;
}

TEST(MetricsTest, GaugesComeFromTheChannel) {
  const auto metrics = Metrics::Create();
  const auto channel = std::make_shared<FixedChannel>("dns:///users");
  channel->Set(StatusOfUsers());
  metrics->OnChannel(channel);
  const MetricsSnapshot snapshot = metrics->Collect(kStart);
  const auto value = [&](Metric metric, std::vector<std::string> labels) {
    labels.insert(labels.begin(), "dns:///users");
    return ValueOf(snapshot, metric, labels);
  };
  EXPECT_EQ(value(Metric::kBackendState, {"b1:1", "OVERLOADED"}), 1);
  EXPECT_EQ(value(Metric::kBackendState, {"b1:1", "DRAINING"}), 1);
  EXPECT_EQ(value(Metric::kBackendState, {"b1:1", "ALIVE"}), 0);
  EXPECT_EQ(value(Metric::kBackendState, {"b1:1", "DOWN"}), 0);
  EXPECT_EQ(value(Metric::kBackendState, {"b1:1", "DOWN_RETRY"}), 0);
  EXPECT_EQ(value(Metric::kInFlight, {"b1:1"}), 7);
  EXPECT_EQ(value(Metric::kEffectiveWeight, {"b1:1"}), 0.5);
  EXPECT_EQ(value(Metric::kConnections, {"b1:1"}), 2);
  EXPECT_EQ(value(Metric::kProbes, {"b1:1", "passed"}), 5);
  EXPECT_EQ(value(Metric::kProbes, {"b1:1", "failed"}), 1);
  EXPECT_EQ(value(Metric::kBacklogCalls, {"root"}), 3);
  EXPECT_EQ(value(Metric::kPanic, {"root"}), 1);
  EXPECT_EQ(value(Metric::kRouteMatches, {"reads"}), 11);
  EXPECT_EQ(value(Metric::kResolverUpdates, {"list"}), 4);
  EXPECT_EQ(value(Metric::kResolverUpdates, {"error"}), 2);
  EXPECT_EQ(value(Metric::kResolverEndpoints, {}), 1);
  EXPECT_EQ(value(Metric::kResolverLastSuccess, {}), 99);
  EXPECT_THAT(snapshot[Metric::kBuildInfo].series, SizeIs(1));
  EXPECT_EQ(ValueOf(snapshot, Metric::kSeriesOverflows, {}), 0);
}

TEST(MetricsTest, ChannelsWithTheSameTargetAreAddedUp) {
  const auto metrics = Metrics::Create();
  const auto first = std::make_shared<FixedChannel>("dns:///users");
  const auto second = std::make_shared<FixedChannel>("dns:///users");
  first->Set(StatusOfUsers());
  second->Set(StatusOfUsers());
  metrics->OnChannel(first);
  metrics->OnChannel(second);
  const std::vector<std::string> labels = {"dns:///users", "b1:1"};
  MetricsSnapshot snapshot = metrics->Collect(kStart);
  EXPECT_EQ(ValueOf(snapshot, Metric::kInFlight, labels), 14);
  EXPECT_EQ(ValueOf(snapshot, Metric::kConnections, labels), 4);
  EXPECT_EQ(ValueOf(snapshot, Metric::kEffectiveWeight, labels), 0.5);

  // Channels that share a pool tell the same calls in flight.
  second->SharePool(first->pool());
  snapshot = metrics->Collect(kStart);
  EXPECT_EQ(ValueOf(snapshot, Metric::kInFlight, labels), 7);
  EXPECT_EQ(ValueOf(snapshot, Metric::kConnections, labels), 4);
}

TEST(MetricsTest, ASeriesEndsTenMinutesAfterItsBackendLeft) {
  const auto metrics = Metrics::Create();
  const auto channel = std::make_shared<FixedChannel>("dns:///users");
  metrics->OnChannel(channel);
  channel->List({"b1:1", "b2:1"});
  metrics->OnAttemptEnded(Attempt("b1:1"));
  metrics->OnAttemptEnded(Attempt("b2:1"));
  metrics->OnCallEnded(Call());
  const auto backends = [&](absl::Time now) {
    return metrics->Collect(now)[Metric::kAttemptDuration].series.size();
  };
  EXPECT_EQ(backends(kStart), 2u);
  channel->List({"b2:1"});
  EXPECT_EQ(backends(kStart + absl::Minutes(10) - absl::Seconds(1)), 2u);
  EXPECT_EQ(backends(kStart + absl::Minutes(10)), 1u);
  // A call of old counts from zero.
  metrics->OnAttemptEnded(Attempt("b1:1"));
  EXPECT_EQ(backends(kStart + absl::Minutes(11)), 2u);
  EXPECT_EQ(backends(kStart + absl::Minutes(21)), 1u);
}

TEST(MetricsTest, AllSeriesEndTenMinutesAfterTheChannel) {
  const auto metrics = Metrics::Create();
  auto channel = std::make_shared<FixedChannel>("dns:///users");
  metrics->OnChannel(channel);
  channel->List({"b1:1"});
  metrics->OnAttemptEnded(Attempt("b1:1"));
  CallEnded call = Call();
  call.last_step = NextStep::kNoOtherBackend;
  call.waited_in_pick_nanos = 1;
  metrics->OnCallEnded(call);
  MetricsSnapshot snapshot = metrics->Collect(kStart);
  channel.reset();
  snapshot = metrics->Collect(kStart + absl::Minutes(9));
  EXPECT_THAT(snapshot[Metric::kBackendState].series, SizeIs(0));
  EXPECT_THAT(snapshot[Metric::kAttemptDuration].series, SizeIs(1));
  snapshot = metrics->Collect(kStart + absl::Minutes(10));
  EXPECT_EQ(CountSeries(snapshot), 2u) << "build_info and overflows stay";
}

TEST(MetricsTest, HostileTextsAreBoundedAndTheirSeriesAreOne) {
  const auto metrics = Metrics::Create();
  const std::string huge(1 << 20, 'x');
  AttemptEnded attempt = Attempt(huge);
  attempt.method = Label("no path");
  metrics->OnAttemptEnded(attempt);
  const std::string huger = huge + "y";
  attempt = Attempt(huger);
  attempt.method = Label("no path either");
  metrics->OnAttemptEnded(attempt);
  metrics->OnAttemptEnded(Attempt("\xff"));
  metrics->OnAttemptEnded(Attempt("\xfe"));
  metrics->OnAttemptEnded(Attempt("?"));
  const MetricsSnapshot snapshot = metrics->Collect(kStart);
  EXPECT_THAT(snapshot[Metric::kAttemptDuration].series, SizeIs(2));
  EXPECT_EQ(ValueOf(snapshot, Metric::kAttemptDuration,
                    {"dns:///users", "other", "other",
                     std::string(253, 'x') + "...", "replica", "OK"}),
            2);
  EXPECT_EQ(
      ValueOf(snapshot, Metric::kAttemptDuration,
              {"dns:///users", "acme.Users", "GetUser", "?", "replica", "OK"}),
      3);
}

TEST(MetricsTest, MadeUpMethodsLeavePlaceForNewBackends) {
  MetricsOptions options;
  options.max_methods = 3;
  const auto metrics = Metrics::Create(options);
  const std::string target = "dns:///users";
  auto channel = std::make_shared<FixedChannel>(target);
  metrics->OnChannel(channel);
  std::vector<std::string> paths;
  for (int i = 0; i < 10'000; ++i) {
    paths.push_back(absl::StrCat("/made.Up/M", i));
    AttemptEnded attempt = Attempt("b1:1");
    attempt.method = Label(paths.back());
    metrics->OnAttemptEnded(attempt);
    CallEnded call = Call();
    call.method = attempt.method;
    metrics->OnCallEnded(call);
  }
  MetricsSnapshot snapshot = metrics->Collect(kStart);
  EXPECT_THAT(snapshot[Metric::kAttemptDuration].series, SizeIs(4));
  EXPECT_THAT(snapshot[Metric::kCallDuration].series, SizeIs(4));
  EXPECT_EQ(ValueOf(snapshot, Metric::kAttemptDuration,
                    {target, "other", "other", "b1:1", "replica", "OK"}),
            9'997);
  EXPECT_EQ(ValueOf(snapshot, Metric::kSeriesOverflows, {}), 2 * 9'997);
  AttemptEnded known = Attempt("b2:1");
  known.method = Label(paths[0]);
  metrics->OnAttemptEnded(known);
  EXPECT_EQ(ValueOf(metrics->Collect(kStart), Metric::kAttemptDuration,
                    {target, "made.Up", "M0", "b2:1", "replica", "OK"}),
            1);
  // The places are free again some time after the target has gone.
  channel = nullptr;
  metrics->Collect(kStart + absl::Minutes(10));
  metrics->Collect(kStart + absl::Minutes(11));
  metrics->OnAttemptEnded(Attempt("b1:1"));
  EXPECT_EQ(ValueOf(metrics->Collect(kStart + absl::Minutes(11)),
                    Metric::kAttemptDuration,
                    {target, "acme.Users", "GetUser", "b1:1", "replica", "OK"}),
            1);
}

TEST(MetricsTest, AnUnknownCodeIsUnknown) {
  const auto metrics = Metrics::Create();
  metrics->OnCallEnded(Call(static_cast<absl::StatusCode>(77)));
  metrics->OnCallEnded(Call(static_cast<absl::StatusCode>(-1)));
  const MetricsSnapshot snapshot = metrics->Collect(kStart);
  EXPECT_EQ(
      ValueOf(snapshot, Metric::kCallDuration,
              {"dns:///users", "acme.Users", "GetUser", "UNKNOWN", "reads"}),
      2);
}

// Under tsan it also shows that no two threads meet.
TEST(MetricsTest, EightThreadsOfEventsAndACollectorAgree) {
  const auto metrics = Metrics::Create();
  const auto channel = std::make_shared<FixedChannel>("dns:///users");
  channel->List({"b0:1", "b1:1", "b2:1", "b3:1"});
  metrics->OnChannel(channel);
  constexpr int kThreads = 8;
  constexpr int kEvents = 5'000;
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEvents; ++i) {
        // Some come from backends that no list has, and end soon.
        metrics->OnAttemptEnded(
            Attempt(i % 8 == 7 ? absl::StrCat("gone", t, ".", i, ":1")
                               : absl::StrCat("b", i % 4, ":1")));
        CallEnded call = Call();
        call.waited_in_pick_nanos = i % 2;
        metrics->OnCallEnded(call);
      }
      running.fetch_sub(1);
    });
  }
  absl::Time now = kStart;
  while (running.load() > 0) {
    metrics->Collect(now += absl::Minutes(6));
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  const MetricsSnapshot snapshot = metrics->Collect(now);
  double listed = 0;
  for (int i = 0; i < 4; ++i) {
    listed += ValueOf(snapshot, Metric::kAttemptDuration,
                      {"dns:///users", "acme.Users", "GetUser",
                       absl::StrCat("b", i, ":1"), "replica", "OK"});
  }
  EXPECT_EQ(listed, kThreads * kEvents / 8 * 7);
  EXPECT_EQ(ValueOf(snapshot, Metric::kCallDuration,
                    {"dns:///users", "acme.Users", "GetUser", "OK", "reads"}),
            kThreads * kEvents);
  EXPECT_EQ(ValueOf(snapshot, Metric::kWaited, {"dns:///users", "pick"}),
            kThreads * kEvents / 2);
}

}  // namespace
}  // namespace multi_backend
