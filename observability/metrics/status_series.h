// AddStatusSeries(): the metrics that tell the present state of channels.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_STATUS_SERIES_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_STATUS_SERIES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "multi_backend/observability/channel_source.h"
#include "multi_backend/observability/live_channels.h"
#include "multi_backend/observability/metrics/snapshot.h"

namespace multi_backend {

// What one channel said.
struct ChannelReading {
  ChannelStatus status;
  // Tells the pools of channels apart: channels that share a pool share the
  // counters and the calls in flight of its backends.
  const void* pool = nullptr;
};

std::vector<ChannelReading> ReadingsOf(const LiveChannels& channels);

// Adds the samples of `channels` to `snapshot`.  Samples with equal labels,
// which channels with the same target and addresses with the same name have,
// become one: counts are added, states and weights are the highest.  At most
// `max_series` label sets are added, and a few for what does not fit: there the
// names become `other`.  Returns the number of samples that did not fit.
uint64_t AddStatusSeries(const std::vector<ChannelReading>& channels,
                         size_t max_series, MetricsSnapshot* snapshot);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_STATUS_SERIES_H_
