// LiveChannels: the channels that report to a sink and still exist.
//
// Ended channels are forgotten now and then, so that the memory follows the
// number of those that exist.
//
// Threads: any.
#ifndef MULTI_BACKEND_OBSERVABILITY_LIVE_CHANNELS_H_
#define MULTI_BACKEND_OBSERVABILITY_LIVE_CHANNELS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "multi_backend/observability/channel_source.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class LiveChannels {
 public:
  struct Channel {
    uint64_t id = 0;  // From 1, in the order of Add().
    std::shared_ptr<ChannelSource> source;
  };

  void Add(std::weak_ptr<ChannelSource> source) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    if (known_.size() >= forget_at_) {
      known_.erase(std::remove_if(known_.begin(), known_.end(),
                                  [](const auto& channel) {
                                    return channel.second.expired();
                                  }),
                   known_.end());
      forget_at_ = std::max(kForgetAt, 2 * known_.size());
    }
    known_.emplace_back(++last_id_, std::move(source));
  }

  // Oldest first, without null.
  std::vector<Channel> Get() const ABSL_LOCKS_EXCLUDED(mutex_) {
    // The caller drops the references, which may be the last ones, without the
    // lock.
    std::vector<Channel> live;
    MutexLock lock(&mutex_);
    live.reserve(known_.size());
    for (const auto& [id, weak] : known_) {
      std::shared_ptr<ChannelSource> source = weak.lock();
      if (source != nullptr) live.push_back({id, std::move(source)});
    }
    return live;
  }

  // How many are remembered, ended ones included.
  size_t known() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return known_.size();
  }

 private:
  static constexpr size_t kForgetAt = 32;

  mutable Mutex mutex_;
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t forget_at_ ABSL_GUARDED_BY(mutex_) = kForgetAt;
  std::vector<std::pair<uint64_t, std::weak_ptr<ChannelSource>>> known_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_LIVE_CHANNELS_H_
