#include "multi_backend/observability/metrics/status_series.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/observability/metrics/label_text.h"
#include "multi_backend/observability/metrics/label_values.h"
#include "multi_backend/observability/metrics/metric_table.h"

namespace multi_backend {
namespace {

using absl::string_view;

// The values of the label `state`.  A backend may drain in every other state.
constexpr string_view kStates[] = {"ALIVE", "OVERLOADED", "DOWN", "DOWN_RETRY"};
constexpr string_view kDraining = "DRAINING";

enum class Merge { kAdd, kMax };

class Samples {
 public:
  Samples(size_t max_series, MetricsSnapshot* snapshot)
      : free_(max_series), snapshot_(*snapshot) {}

  void Add(Metric metric, const std::vector<string_view>& labels, Merge merge,
           double value) {
    std::vector<std::string> values;
    values.reserve(labels.size());
    for (string_view label : labels) values.push_back(LabelText(label));
    auto& index = index_[static_cast<size_t>(metric)];
    auto found = index.find(values);
    if (found == index.end() && free_ == 0) {
      ++overflows_;
      const auto names = SpecOf(metric).labels;
      for (size_t i = 0; i < values.size(); ++i) {
        if (!HasFewValues(names[i])) values[i] = std::string(kOtherLabel);
      }
      // What is many things at once is counted.
      merge = Merge::kAdd;
      found = index.find(values);
    } else if (found == index.end()) {
      --free_;
    }
    std::vector<SeriesValue>& series = snapshot_[metric].series;
    if (found == index.end()) {
      SeriesValue added;
      added.labels = std::make_shared<const std::vector<std::string>>(values);
      added.value = value;
      index.emplace(std::move(values), series.size());
      series.push_back(std::move(added));
      return;
    }
    double& present = series[found->second].value;
    present = merge == Merge::kAdd ? present + value : std::max(present, value);
  }

  uint64_t overflows() const { return overflows_; }

 private:
  size_t free_;
  MetricsSnapshot& snapshot_;
  uint64_t overflows_ = 0;
  absl::flat_hash_map<std::vector<std::string>, size_t> index_[kMetrics];
};

// `shared` = another channel has told the counters of this backend.
void AddBackend(string_view target, const BackendStatus& backend, bool shared,
                Samples* samples) {
  const string_view name = backend.name;
  auto in_flight = [&] {
    if (!shared) {
      samples->Add(Metric::kInFlight, {target, name}, Merge::kAdd,
                   static_cast<double>(backend.in_flight));
    }
  };
  if (backend.absent) {
    // It has left, but its last calls may be long ones.
    if (backend.in_flight > 0) in_flight();
    return;
  }
  for (string_view state : kStates) {
    samples->Add(Metric::kBackendState, {target, name, state}, Merge::kMax,
                 backend.state == state);
  }
  samples->Add(Metric::kBackendState, {target, name, kDraining}, Merge::kMax,
               backend.draining);
  in_flight();
  samples->Add(Metric::kEffectiveWeight, {target, name}, Merge::kMax,
               backend.effective_weight);
  samples->Add(Metric::kConnections, {target, name}, Merge::kAdd,
               backend.connections);
  if (shared || backend.probes_passed + backend.probes_failed == 0) return;
  samples->Add(Metric::kProbes, {target, name, "passed"}, Merge::kAdd,
               static_cast<double>(backend.probes_passed));
  samples->Add(Metric::kProbes, {target, name, "failed"}, Merge::kAdd,
               static_cast<double>(backend.probes_failed));
}

void AddChannel(const ChannelStatus& status, Samples* samples) {
  const string_view target = status.target;
  for (const BalancerStatus& balancer : status.balancers) {
    samples->Add(Metric::kPanic, {target, balancer.path}, Merge::kMax,
                 balancer.panic);
    if (!balancer.has_backlog) continue;
    samples->Add(Metric::kBacklogCalls, {target, balancer.path}, Merge::kAdd,
                 static_cast<double>(balancer.waiting));
  }
  for (const RouteStatus& route : status.routes) {
    samples->Add(Metric::kRouteMatches, {target, route.name}, Merge::kAdd,
                 static_cast<double>(route.matches));
  }
  const ResolverStatus& resolver = status.resolver;
  samples->Add(Metric::kResolverUpdates, {target, "list"}, Merge::kAdd,
               static_cast<double>(resolver.updates));
  samples->Add(Metric::kResolverUpdates, {target, "error"}, Merge::kAdd,
               static_cast<double>(resolver.errors));
  samples->Add(Metric::kResolverEndpoints, {target}, Merge::kMax,
               static_cast<double>(resolver.endpoints));
  if (resolver.last_success != absl::InfinitePast()) {
    samples->Add(
        Metric::kResolverLastSuccess, {target}, Merge::kMax,
        absl::ToDoubleSeconds(resolver.last_success - absl::UnixEpoch()));
  }
}

}  // namespace

std::vector<ChannelReading> ReadingsOf(const LiveChannels& channels) {
  std::vector<ChannelReading> readings;
  for (const LiveChannels::Channel& channel : channels.Get()) {
    readings.push_back(
        {channel.source->Status(), channel.source->pool().get()});
  }
  return readings;
}

uint64_t AddStatusSeries(const std::vector<ChannelReading>& channels,
                         size_t max_series, MetricsSnapshot* snapshot) {
  Samples samples(max_series, snapshot);
  // The few samples of channels come first, so that many backends do not crowd
  // them out.
  for (const ChannelReading& channel : channels) {
    AddChannel(channel.status, &samples);
  }
  using PoolBackend = std::tuple<const void*, string_view, string_view>;
  absl::flat_hash_set<PoolBackend> told;
  for (const ChannelReading& channel : channels) {
    const ChannelStatus& status = channel.status;
    for (const BackendStatus& backend : status.backends) {
      const bool first =
          told.insert({channel.pool, status.target, backend.address}).second;
      AddBackend(status.target, backend, !first, &samples);
    }
  }
  return samples.overflows();
}

}  // namespace multi_backend
