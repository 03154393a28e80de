// Metrics: the MetricsSink that counts, and tells its counts to exporters.
//
//   std::shared_ptr<multi_backend::Metrics> metrics =
//       multi_backend::Metrics::Create();
//   multi_backend::ChannelOptions options;
//   options.sinks.push_back(metrics);  // One Metrics may serve all channels.
//   ...
//   multi_backend::MetricsSnapshot now = metrics->Collect();
//
// docs/metrics.md describes the metrics, and metric_table.h lists them.
//
// Bounds: at most MetricsOptions::max_series label sets exist.  Above that, new
// ones are counted with `other` as the value of target, service, method,
// backend, role, route and balancer, while status, outcome, where, reason, to,
// state and result keep their values.  multi_backend_series_overflows_total
// says how many events and samples that were.  Events have three quarters of
// the bound; the rest and what they do not use is for the samples of the
// channels' states.  A series ends `series_lifetime` after its backend, or the
// last channel of its target, has left, at the next Collect().
//
// A proxy passes on whatever names its clients make up, so at most
// MetricsOptions::max_methods methods have series.  The events of further ones
// have `other` as service and method, and count as overflows, too.
//
// Cost: less than 200 instructions for an attempt and its call, no lock and no
// allocation unless a label set is new.  Memory: 256 bytes and its labels for
// each series, 256 bytes for each method, and half a megabyte for the lookup
// table at the default bound.
//
// Threads: every method may be called from any thread.  Collect() holds no lock
// that a call waits for.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_METRICS_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_METRICS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/clock/steady_now.h"
#include "multi_backend/observability/channel_source.h"
#include "multi_backend/observability/live_channels.h"
#include "multi_backend/observability/metrics/metric_table.h"
#include "multi_backend/observability/metrics/snapshot.h"
#include "multi_backend/observability/metrics_sink.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class Presence;                     // presence.h
class Series;                       // series_table.h
class SeriesKey;                    // series_key.h
class SeriesTable;                  // series_table.h
enum class RetryOutcome : uint8_t;  // label_values.h
enum class WaitedIn : uint8_t;      // label_values.h
struct ChannelReading;              // status_series.h
struct SeriesIdentity;              // series_table.h

struct MetricsOptions {
  // Label sets of all metrics together.  Less than 512 count as 512, because
  // some are reserved for what does not fit.
  size_t max_series = 10'000;
  // Methods that have series of their own, each counted once for each target.
  // A method's place is free again when the series of its target have ended.
  size_t max_methods = 500;
  // How long a series outlives its backend.
  absl::Duration series_lifetime = absl::Minutes(10);
};

class Metrics final : public MetricsSink {
 public:
  static std::shared_ptr<Metrics> Create(MetricsOptions options = {});
  ~Metrics() override;

  // All metrics as they are at `now`, which never decreases from one call to
  // the next.
  MetricsSnapshot Collect(absl::Time now = SteadyNow())
      ABSL_LOCKS_EXCLUDED(collect_mutex_);

  // The label sets for which memory is held; it never shrinks.
  size_t allocated_series() const;

  void OnAttemptEnded(const AttemptEnded& attempt) override;
  void OnCallEnded(const CallEnded& call) override;
  void OnStateChanged(const StateChanged& change) override;
  void OnChannel(const std::weak_ptr<ChannelSource>& channel) override;

 private:
  explicit Metrics(const MetricsOptions& options);

  // The series of `key`, which is added if it is new.  When there is no place
  // for it, the one of `overflow_key`, in which `other` stands for all names.
  template <typename Identity>
  Series* Get(SeriesKey key, SeriesKey overflow_key, const Identity& identity);
  // The same for a metric that has the label `method`.  `key` makes the key,
  // and `identity` what is new, from the method as which it is counted.
  template <typename Key, typename Identity>
  Series* GetForMethod(const Label& target, const Label& method, Key key,
                       SeriesKey overflow_key, Identity identity);
  Series* AddOrOverflow(uint64_t key, uint64_t overflow_key,
                        absl::FunctionRef<SeriesIdentity()> identity);

  // `method`, or `other` when it has no place among max_methods.
  Label Admit(const Label& target, const Label& method);
  void CountRetry(const Label& target, const Label& method,
                  RetryOutcome outcome);
  void RecordWait(const Label& target, WaitedIn where, int64_t nanos);
  void CountChange(Metric metric, const StateChanged& change,
                   absl::string_view what);

  // The parts of Collect().  CollectSeries() ends the series of what is gone,
  // and returns how many are left.
  void NotePresence(const std::vector<ChannelReading>& channels, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(collect_mutex_);
  size_t CollectSeries(absl::Time now, MetricsSnapshot* snapshot)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(collect_mutex_);

  const size_t max_series_;
  const std::unique_ptr<SeriesTable> table_;
  // By target and method; nothing is counted in it.
  const std::unique_ptr<SeriesTable> methods_;
  std::atomic<uint64_t> overflows_{0};

  LiveChannels channels_;

  // One collection after the other.
  Mutex collect_mutex_;
  const std::unique_ptr<Presence> presence_ ABSL_PT_GUARDED_BY(collect_mutex_);
  uint64_t sample_overflows_ ABSL_GUARDED_BY(collect_mutex_) = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_METRICS_H_
