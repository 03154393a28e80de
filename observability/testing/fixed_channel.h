// FixedChannel: a ChannelSource that says what the test has set.
//
// Thread-safe.
#ifndef MULTI_BACKEND_OBSERVABILITY_TESTING_FIXED_CHANNEL_H_
#define MULTI_BACKEND_OBSERVABILITY_TESTING_FIXED_CHANNEL_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "multi_backend/observability/channel_source.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class FixedChannel final : public ChannelSource {
 public:
  explicit FixedChannel(std::string target) : target_(std::move(target)) {
    status_.target = target_;
  }
  explicit FixedChannel(ChannelStatus status)
      : target_(status.target), status_(std::move(status)) {}
  FixedChannel(ChannelStatus status, std::shared_ptr<BackendPool> pool)
      : FixedChannel(std::move(status)) {
    SharePool(std::move(pool));
  }

  // Lists backends that are alive, with these names.
  void List(const std::vector<std::string>& names) {
    MutexLock lock(&mutex_);
    status_.backends.clear();
    for (const std::string& name : names) {
      BackendStatus backend;
      backend.name = backend.address = name;
      backend.state = "ALIVE";
      backend.weight = 1;
      backend.effective_weight = 1;
      status_.backends.push_back(std::move(backend));
    }
  }
  void Set(ChannelStatus status) {
    MutexLock lock(&mutex_);
    status_ = std::move(status);
  }
  // Two channels may share what the test says is their pool.
  void SharePool(std::shared_ptr<BackendPool> pool) { pool_ = std::move(pool); }

  const std::string& target() const override { return target_; }
  ChannelStatus Status() const override {
    MutexLock lock(&mutex_);
    return status_;
  }
  std::shared_ptr<BackendPool> pool() const override { return pool_; }

 private:
  const std::string target_;
  // Not a pool: an address that no other channel has.
  std::shared_ptr<BackendPool> pool_{std::shared_ptr<void>(),
                                     reinterpret_cast<BackendPool*>(this)};
  mutable Mutex mutex_;
  ChannelStatus status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_TESTING_FIXED_CHANNEL_H_
