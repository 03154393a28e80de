// FakeChannelSource: a ChannelSource whose status a test sets.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_TESTING_FAKE_CHANNEL_SOURCE_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_TESTING_FAKE_CHANNEL_SOURCE_H_

#include <memory>
#include <string>
#include <utility>

#include "multi_backend/observability/channel_source.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {
namespace testing {

class FakeChannelSource : public ChannelSource {
 public:
  explicit FakeChannelSource(ChannelStatus status,
                             std::shared_ptr<BackendPool> pool = nullptr)
      : target_(status.target),
        pool_(std::move(pool)),
        status_(std::move(status)) {}

  void Set(ChannelStatus status) {
    MutexLock lock(&mutex_);
    status_ = std::move(status);
  }

  const std::string& target() const override { return target_; }
  ChannelStatus Status() const override {
    MutexLock lock(&mutex_);
    return status_;
  }
  std::shared_ptr<BackendPool> pool() const override { return pool_; }

 private:
  const std::string target_;
  const std::shared_ptr<BackendPool> pool_;
  mutable Mutex mutex_;
  ChannelStatus status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace testing
}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_TESTING_FAKE_CHANNEL_SOURCE_H_
