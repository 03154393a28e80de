// The numbers of metrics, of a Prometheus server that scrapes them, of the
// admin service and of the backends themselves are the same, also when a
// backend flaps and another one is killed.
#include <google/protobuf/util/json_util.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/observability/admin/monitor.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/metadata_dump.h"
#include "multi_backend/tests/testing/prometheus_server.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

constexpr int64_t kCalls = 100'000;
constexpr int kThreads = 8;
// A call that gave up would leave an attempt unanswered.
constexpr absl::Duration kNever = absl::Minutes(10);

// By backend, "ip:port".
using Column = std::map<std::string, int64_t>;

// What the events say, counted one by one.
class EventCounts final : public MetricsSink {
 public:
  void OnAttemptEnded(const AttemptEnded& attempt) override {
    absl::MutexLock lock(&mutex_);
    const std::string backend(attempt.backend.text);
    ++attempts_[backend];
    if (attempt.sent == Sent::kAnswered) ++answered_[backend];
    if (attempt.sent == Sent::kMaybe) ++maybe_[backend];
  }
  void OnCallEnded(const CallEnded&) override { calls_.fetch_add(1); }

  int64_t calls() const { return calls_.load(); }
  Column attempts() const {
    absl::MutexLock lock(&mutex_);
    return attempts_;
  }
  Column answered() const {
    absl::MutexLock lock(&mutex_);
    return answered_;
  }
  int64_t maybe(const std::string& backend) const {
    absl::MutexLock lock(&mutex_);
    const auto found = maybe_.find(backend);
    return found == maybe_.end() ? 0 : found->second;
  }

 private:
  std::atomic<int64_t> calls_{0};
  mutable absl::Mutex mutex_;
  Column attempts_ ABSL_GUARDED_BY(mutex_);
  Column answered_ ABSL_GUARDED_BY(mutex_);
  Column maybe_ ABSL_GUARDED_BY(mutex_);
};

Column AttemptsOf(const MetricsSnapshot& snapshot) {
  Column column;
  constexpr size_t kBackend = 3;
  EXPECT_EQ(SpecOf(Metric::kAttemptDuration).labels[kBackend], "backend");
  for (const SeriesValue& series : snapshot[Metric::kAttemptDuration].series) {
    column[(*series.labels)[kBackend]] +=
        static_cast<int64_t>(series.histogram.count());
  }
  return column;
}

int64_t CallsOf(const MetricsSnapshot& snapshot) {
  uint64_t calls = 0;
  for (const SeriesValue& series : snapshot[Metric::kCallDuration].series) {
    calls += series.histogram.count();
  }
  return static_cast<int64_t>(calls);
}

Column ByBackend(const PrometheusServer::Samples& samples) {
  Column column;
  for (const PrometheusServer::Sample& sample : samples) {
    column[sample.labels.at("backend")] = static_cast<int64_t>(sample.value);
  }
  return column;
}

// What the admin service says, as JSON.
Column AttemptsOf(const Monitor& monitor) {
  std::string json;
  admin::v1::Status status;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(
                  monitor.GetStatus(admin::v1::GetStatusRequest()), &json)
                  .ok());
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &status).ok());
  Column column;
  for (const admin::v1::Channel& channel : status.channels()) {
    for (const admin::v1::Backend& backend : channel.backends()) {
      column[backend.name()] += static_cast<int64_t>(backend.calls());
    }
  }
  return column;
}

TEST(NumbersTest, AggregatePrometheusAdminAndBackendsAgree) {
  MB_REQUIRE_PACKAGE(PrometheusServer::Installed(),
                     PrometheusServer::kHowToInstall);
  ASSERT_TRUE(Register().ok());
  const MetadataDump dump;
  auto fleet = BackendFleet::Start({dump.Record({"steady", "", {}}),
                                    dump.Record({"flapping", "", {}}),
                                    dump.Record({"killed", "", {}})});
  ASSERT_TRUE(fleet.ok()) << fleet.status();

  const auto events = std::make_shared<EventCounts>();
  const auto metrics = Metrics::Create();
  ChannelOptions options;
  MonitorOptions monitor_options;
  monitor_options.metrics = metrics;
  const auto monitor = Monitor::Create(std::move(monitor_options));
  options.sinks = {events, monitor};
  auto client = UsersClient::Make((*fleet)->StaticTarget(), std::move(options));
  ASSERT_TRUE(client.ok()) << client.status();

  const auto collectable = MakeCollectable(metrics);
  prometheus::Exposer exposer("127.0.0.1:0");
  exposer.RegisterCollectable(collectable);
  auto prometheus = PrometheusServer::Start(
      absl::StrCat("127.0.0.1:", exposer.GetListeningPorts().front()));
  ASSERT_TRUE(prometheus.ok()) << prometheus.status();

  std::atomic<int64_t> begun{0};
  std::thread load([&] {
    RunCalls(**client, kThreads, kCalls, [&](int64_t) {
      begun.fetch_add(1);
      UsersCall call;
      call.timeout = kNever;
      return call;
    });
  });
  // The flapping one changes twenty times; the killed one is away for a tenth
  // of the calls.
  bool in_time = true;
  for (int step = 1; step <= 20 && in_time; ++step) {
    in_time = WaitUntil([&] { return begun.load() >= step * kCalls / 20 - 1; },
                        kNever);
    (*fleet)->SetBehaviour(1, step % 2 == 1 ? Failing() : Succeeding());
    if (step == 9) {
      // The kill meets calls that it has begun and not answered.
      (*fleet)->SetBehaviour(2, Hanging());
      in_time &=
          WaitUntil([&] { return (*fleet)->Stats(2).in_flight() > 0; }, kNever);
      (*fleet)->server(2).Kill();
    }
    if (step == 11) {
      EXPECT_TRUE((*fleet)->server(2).Restart().ok());
    }
  }
  load.join();
  ASSERT_TRUE(in_time);
  // The last ones may be told just after the application has their answer.
  ASSERT_TRUE(WaitUntil([&] { return events->calls() >= kCalls; }))
      << events->calls();

  const Column attempts = events->attempts();
  ASSERT_EQ(attempts.size(), 3u);
  EXPECT_EQ(events->calls(), kCalls);
  const MetricsSnapshot snapshot = metrics->Collect();
  EXPECT_EQ(CallsOf(snapshot), kCalls);
  EXPECT_EQ(AttemptsOf(snapshot), attempts);
  EXPECT_EQ(AttemptsOf(*monitor), attempts);

  const auto scraped =
      (*prometheus)
          ->Await(
              "sum by (backend) (multi_backend_attempt_duration_seconds_count)",
              [&](const PrometheusServer::Samples& samples) {
                return ByBackend(samples) == attempts;
              });
  EXPECT_TRUE(scraped.ok()) << scraped.status();

  const Column answered = events->answered();
  for (size_t i = 0; i < (*fleet)->size(); ++i) {
    const std::string& backend = (*fleet)->address(i);
    const auto seen = static_cast<int64_t>(dump.Of((*fleet)->name(i)).size());
    const int64_t maybe = events->maybe(backend);
    std::printf(
        "%s: %ld attempts, %ld answered, %ld maybe, the server saw "
        "%ld\n",
        (*fleet)->name(i).c_str(), long{attempts.at(backend)},
        long{answered.at(backend)}, long{maybe}, long{seen});
    if (i == 2) {
      // It saw those that it answered, and at most those that it may have seen.
      EXPECT_GE(seen, answered.at(backend));
      EXPECT_LE(seen, answered.at(backend) + maybe);
      EXPECT_LT(answered.at(backend), attempts.at(backend))
          << "the kill hit no attempt";
      continue;
    }
    EXPECT_EQ(seen, answered.at(backend));
    EXPECT_EQ((*fleet)->CallsOf(i), answered.at(backend));
    EXPECT_EQ(maybe, 0);
  }
}

}  // namespace
}  // namespace multi_backend
