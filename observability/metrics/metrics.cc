#include "multi_backend/observability/metrics/metrics.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/observability/build_info.h"
#include "multi_backend/observability/metrics/label_text.h"
#include "multi_backend/observability/metrics/label_values.h"
#include "multi_backend/observability/metrics/merge_equal_series.h"
#include "multi_backend/observability/metrics/presence.h"
#include "multi_backend/observability/metrics/series_key.h"
#include "multi_backend/observability/metrics/series_table.h"
#include "multi_backend/observability/metrics/status_series.h"

namespace multi_backend {
namespace {

using absl::string_view;

constexpr size_t kMinSeries = 512;

// A thread would have to be stopped for that long in the middle of a few
// instructions to count something in the wrong series (series_table.h).
constexpr absl::Duration kGrace = absl::Minutes(1);

// For keys of owners; those of series begin with a Metric.
constexpr uint64_t kTargetKind = kMetrics;
constexpr uint64_t kBackendKind = kMetrics + 1;
constexpr uint64_t kMethodKind = kMetrics + 2;

constexpr SeriesKey KeyOf(Metric metric) {
  return SeriesKey(static_cast<uint64_t>(metric));
}

uint64_t TargetOwner(uint64_t target_hash) {
  return SeriesKey(kTargetKind).With(target_hash).value();
}

uint64_t BackendOwner(uint64_t target_hash, uint64_t backend_hash) {
  return SeriesKey(kBackendKind).With(target_hash).With(backend_hash).value();
}

SeriesIdentity MakeIdentity(Metric metric, uint64_t owner,
                            std::initializer_list<string_view> labels) {
  auto values = std::make_shared<LabelValues>();
  bool ambiguous = false;
  for (string_view label : labels) {
    values->push_back(LabelText(label));
    ambiguous |= values->back() != label || label == kOtherLabel;
  }
  return {metric, std::move(values), ambiguous, owner};
}

// Of what does not fit.  A label set that has the same values because its own
// are `other` is ambiguous itself.
SeriesIdentity OverflowOf(const SeriesIdentity& identity) {
  auto values = std::make_shared<LabelValues>(*identity.labels);
  const auto names = SpecOf(identity.metric).labels;
  for (size_t i = 0; i < values->size(); ++i) {
    if (!HasFewValues(names[i])) (*values)[i] = std::string(kOtherLabel);
  }
  SeriesIdentity overflow;
  overflow.metric = identity.metric;
  overflow.labels = std::move(values);
  return overflow;
}

// A number that no list of codes has would be the key of further series.
absl::StatusCode KnownCode(absl::StatusCode code) {
  const int value = static_cast<int>(code);
  return value >= 0 && value <= 16 ? code : absl::StatusCode::kUnknown;
}

uint64_t HashOfCode(absl::StatusCode code) {
  return static_cast<uint64_t>(code) + 1;
}

}  // namespace

std::shared_ptr<Metrics> Metrics::Create(MetricsOptions options) {
  return std::shared_ptr<Metrics>(new Metrics(options));
}

Metrics::Metrics(const MetricsOptions& options)
    : max_series_(std::max(options.max_series, kMinSeries)),
      table_(std::make_unique<SeriesTable>(max_series_ / 4 * 3, kGrace)),
      methods_(std::make_unique<SeriesTable>(
          options.max_methods + SeriesTable::kReserved, kGrace)),
      presence_(std::make_unique<Presence>(options.series_lifetime)) {}

Metrics::~Metrics() = default;

size_t Metrics::allocated_series() const { return table_->allocated(); }

template <typename Identity>
Series* Metrics::Get(SeriesKey key, SeriesKey overflow_key,
                     const Identity& identity) {
  if (Series* series = table_->Find(key.value())) return series;
  return AddOrOverflow(key.value(), overflow_key.value(), identity);
}

template <typename Key, typename Identity>
Series* Metrics::GetForMethod(const Label& target, const Label& method, Key key,
                              SeriesKey overflow_key, Identity identity) {
  // A method that has a series has been admitted.
  if (Series* series = table_->Find(key(method).value())) return series;
  const Label admitted = Admit(target, method);
  return Get(key(admitted), overflow_key,
             [&] { return identity(MethodLabelsOf(admitted.text)); });
}

Series* Metrics::AddOrOverflow(uint64_t key, uint64_t overflow_key,
                               absl::FunctionRef<SeriesIdentity()> identity) {
  // While the table is full, Add() would make every call wait for a lock.
  if (!table_->full()) {
    Series* series =
        table_->Add(key, SeriesTable::Priority::kOrdinary, identity);
    if (series != nullptr) return series;
  }
  overflows_.fetch_add(1, std::memory_order_relaxed);
  if (Series* series = table_->Find(overflow_key)) return series;
  return table_->Add(overflow_key, SeriesTable::Priority::kReserved,
                     [&identity] { return OverflowOf(identity()); });
}

Label Metrics::Admit(const Label& target, const Label& method) {
  const uint64_t key =
      SeriesKey(kMethodKind).With(target.hash).With(method.hash).value();
  if (methods_->Find(key) != nullptr) return method;
  // What is no path gets `other` in any case, and needs no place.
  if (MethodLabelsOf(method.text).service == kOtherLabel) return method;
  if (!methods_->full() &&
      methods_->Add(key, SeriesTable::Priority::kOrdinary, [&] {
        SeriesIdentity identity;
        identity.owner = TargetOwner(target.hash);
        return identity;
      }) != nullptr) {
    return method;
  }
  overflows_.fetch_add(1, std::memory_order_relaxed);
  return Label(kOtherLabel);
}

void Metrics::OnAttemptEnded(const AttemptEnded& attempt) {
  constexpr Metric kMetric = Metric::kAttemptDuration;
  const absl::StatusCode code = KnownCode(attempt.status);
  const auto key = [&](const Label& method) {
    return KeyOf(kMetric)
        .With(attempt.target.hash)
        .With(method.hash)
        .With(attempt.backend.hash)
        .With(attempt.role.hash)
        .With(HashOfCode(code));
  };
  Series* series = GetForMethod(
      attempt.target, attempt.method, key,
      KeyOf(kMetric).With(HashOfCode(code)), [&](const MethodLabels& name) {
        return MakeIdentity(
            kMetric, BackendOwner(attempt.target.hash, attempt.backend.hash),
            {attempt.target.text, name.service, name.method,
             attempt.backend.text, attempt.role.text,
             absl::StatusCodeToString(code)});
      });
  if (series != nullptr) series->Record(attempt.latency_nanos);
  if (const auto outcome = RetryOutcomeOf(attempt); outcome.has_value()) {
    CountRetry(attempt.target, attempt.method, *outcome);
  }
}

void Metrics::OnCallEnded(const CallEnded& call) {
  constexpr Metric kMetric = Metric::kCallDuration;
  const absl::StatusCode code = KnownCode(call.status);
  const auto key = [&](const Label& method) {
    return KeyOf(kMetric)
        .With(call.target.hash)
        .With(method.hash)
        .With(HashOfCode(code))
        .With(call.route.hash);
  };
  Series* series = GetForMethod(
      call.target, call.method, key, KeyOf(kMetric).With(HashOfCode(code)),
      [&](const MethodLabels& name) {
        return MakeIdentity(kMetric, TargetOwner(call.target.hash),
                            {call.target.text, name.service, name.method,
                             absl::StatusCodeToString(code), call.route.text});
      });
  if (series != nullptr) series->Record(call.latency_nanos);
  if (call.waited_in_pick_nanos > 0) {
    RecordWait(call.target, WaitedIn::kPick, call.waited_in_pick_nanos);
  }
  if (call.waited_in_backlog_nanos > 0) {
    RecordWait(call.target, WaitedIn::kBacklog, call.waited_in_backlog_nanos);
  }
  if (const auto outcome = RetryOutcomeOf(call); outcome.has_value()) {
    CountRetry(call.target, call.method, *outcome);
  }
}

void Metrics::CountRetry(const Label& target, const Label& method,
                         RetryOutcome outcome) {
  constexpr Metric kMetric = Metric::kRetries;
  const uint64_t outcome_hash = static_cast<uint64_t>(outcome) + 1;
  const auto key = [&](const Label& label) {
    return KeyOf(kMetric).With(target.hash).With(label.hash).With(outcome_hash);
  };
  Series* series = GetForMethod(
      target, method, key, KeyOf(kMetric).With(outcome_hash),
      [&](const MethodLabels& name) {
        return MakeIdentity(
            kMetric, TargetOwner(target.hash),
            {target.text, name.service, name.method, NameOf(outcome)});
      });
  if (series != nullptr) series->Increment();
}

void Metrics::RecordWait(const Label& target, WaitedIn where, int64_t nanos) {
  constexpr Metric kMetric = Metric::kWaited;
  const uint64_t where_hash = static_cast<uint64_t>(where) + 1;
  Series* series = Get(KeyOf(kMetric).With(target.hash).With(where_hash),
                       KeyOf(kMetric).With(where_hash), [&] {
                         return MakeIdentity(kMetric, TargetOwner(target.hash),
                                             {target.text, NameOf(where)});
                       });
  if (series != nullptr) series->Record(nanos);
}

void Metrics::OnStateChanged(const StateChanged& change) {
  if (change.kind != StateChanged::Kind::kBackend) return;
  CountChange(Metric::kTransitions, change, change.to);
  if (change.ejection != Ejection::kNone) {
    CountChange(Metric::kEjections, change, NameOf(change.ejection));
  }
}

void Metrics::CountChange(Metric metric, const StateChanged& change,
                          string_view what) {
  const uint64_t what_hash = absl::HashOf(what);
  Series* series =
      Get(KeyOf(metric)
              .With(change.target.hash)
              .With(change.backend.hash)
              .With(what_hash),
          KeyOf(metric).With(what_hash), [&] {
            return MakeIdentity(
                metric, BackendOwner(change.target.hash, change.backend.hash),
                {change.target.text, change.backend.text, what});
          });
  if (series != nullptr) series->Increment();
}

void Metrics::OnChannel(const std::weak_ptr<ChannelSource>& channel) {
  channels_.Add(channel);
}

void Metrics::NotePresence(const std::vector<ChannelReading>& channels,
                           absl::Time now) {
  for (const ChannelReading& channel : channels) {
    const uint64_t target = Label(channel.status.target).hash;
    presence_->Seen(TargetOwner(target), now);
    for (const BackendStatus& backend : channel.status.backends) {
      if (backend.absent) continue;
      presence_->Seen(BackendOwner(target, Label(backend.name).hash), now);
    }
  }
}

size_t Metrics::CollectSeries(absl::Time now, MetricsSnapshot* snapshot) {
  size_t live = 0;
  bool ambiguous[kMetrics] = {};
  table_->ForEach([&](Series& series) ABSL_EXCLUSIVE_LOCKS_REQUIRED(
                      collect_mutex_) {
    const SeriesIdentity& identity = series.identity();
    if (identity.owner != 0 && presence_->Ended(identity.owner, now)) {
      table_->Retire(series, now);
      return;
    }
    ++live;
    ambiguous[static_cast<size_t>(identity.metric)] |= identity.ambiguous;
    std::vector<SeriesValue>& values = (*snapshot)[identity.metric].series;
    SeriesValue& value = values.emplace_back();
    value.labels = identity.labels;
    if (SpecOf(identity.metric).kind != MetricKind::kHistogram) {
      value.value = static_cast<double>(series.count(0));
      return;
    }
    for (size_t i = 0; i < kBuckets; ++i) {
      value.histogram.counts[i] = series.count(i);
    }
    value.histogram.sum_seconds = static_cast<double>(series.sum_nanos()) / 1e9;
  });
  for (size_t i = 0; i < kMetrics; ++i) {
    if (ambiguous[i]) MergeEqualSeries(&snapshot->families[i]);
  }
  methods_->ForEach([&](Series& method)
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(collect_mutex_) {
                          if (presence_->Ended(method.identity().owner, now)) {
                            methods_->Retire(method, now);
                          }
                        });
  presence_->Forget(now);
  table_->Recycle(now);
  methods_->Recycle(now);
  return live;
}

MetricsSnapshot Metrics::Collect(absl::Time now) {
  const std::vector<ChannelReading> channels = ReadingsOf(channels_);
  MetricsSnapshot snapshot;
  MutexLock lock(&collect_mutex_);
  NotePresence(channels, now);
  const size_t live = CollectSeries(now, &snapshot);
  const size_t left = max_series_ - live - SeriesTable::kReserved;
  sample_overflows_ += AddStatusSeries(channels, left, &snapshot);
  const auto add = [&](Metric metric, LabelValues labels, double number) {
    SeriesValue& value = snapshot[metric].series.emplace_back();
    value.labels = std::make_shared<const LabelValues>(std::move(labels));
    value.value = number;
  };
  add(Metric::kBuildInfo, {kLibraryVersion, kGrpcVersion}, 1);
  add(Metric::kSeriesOverflows, {},
      static_cast<double>(overflows_.load(std::memory_order_relaxed) +
                          sample_overflows_));
  return snapshot;
}

}  // namespace multi_backend
