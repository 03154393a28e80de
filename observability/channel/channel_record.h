// ChannelRecord: the ChannelSource of one channel.  The channel's resolver and
// its LB policy write into it what they know; observers read it.
//
// Core destroys both while the channel is idle and makes new ones later.  The
// record lives as long as the channel's args, so its numbers go on.  It holds
// no object of core and no sink, so an observer that happens to have the last
// reference may drop it on any thread.
//
// Threads: any.  No call takes the lock of the record, and no lock is held
// while the parts that the writers have given are asked.
#ifndef MULTI_BACKEND_OBSERVABILITY_CHANNEL_CHANNEL_RECORD_H_
#define MULTI_BACKEND_OBSERVABILITY_CHANNEL_CHANNEL_RECORD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/observability/channel_source.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class ChannelRecord final : public ChannelSource {
 public:
  // Longer texts of resolvers are cut to this many bytes.
  static constexpr size_t kMaxErrorBytes = 500;

  // What the LB policy knows at one moment.  Thread-safe.
  class PolicyPart {
   public:
    virtual ~PolicyPart() = default;
    // Sets the backends and the balancers, and the state unless the policy has
    // shut down.
    virtual void WriteTo(ChannelStatus& status) const = 0;
  };

  // The service config in force.
  struct Configuration {
    std::string json;
    std::vector<std::string> warnings;
    // Asked at each Status().  Thread-safe; null = there are no routes.
    std::function<std::vector<RouteStatus>()> routes;
  };

  // `pool` must not be null.
  ChannelRecord(std::string target, std::shared_ptr<BackendPool> pool)
      : target_(std::move(target)), pool_(std::move(pool)) {}

  // --- For the LB policy -----------------------------------------------------

  // `policy` is the address of who sets it.  `last` says that the policy shuts
  // down; then the part of another policy stays, because core may have made a
  // successor before.
  void SetPolicyPart(const void* policy, std::shared_ptr<const PolicyPart> part,
                     bool last);

  // --- For the resolver ------------------------------------------------------

  // `newest_error` says why the newest attempt of the source failed, "" if it
  // did not; it may be null.  It is asked at each Status(), because a source
  // that keeps its list reports no result.  Thread-safe.
  void OnResolverStarted(std::function<std::string()> newest_error = nullptr);
  // The channel has gone idle, or is being destroyed.
  void OnResolverStopped();
  // The resolver has reported a list that is not empty, or an error.
  void OnList(uint64_t endpoints, absl::Time now);
  void OnResolverError(absl::string_view error);
  void SetConfiguration(Configuration configuration);

  // --- ChannelSource ---------------------------------------------------------

  const std::string& target() const override { return target_; }
  ChannelStatus Status() const override;
  std::shared_ptr<BackendPool> pool() const override { return pool_; }

 private:
  const std::string target_;
  const std::shared_ptr<BackendPool> pool_;
  mutable Mutex mutex_;
  std::shared_ptr<const PolicyPart> policy_part_ ABSL_GUARDED_BY(mutex_);
  const void* policy_ ABSL_GUARDED_BY(mutex_) = nullptr;  // Who set the part.
  std::shared_ptr<const Configuration> configuration_ ABSL_GUARDED_BY(mutex_);
  std::function<std::string()> newest_error_ ABSL_GUARDED_BY(mutex_);
  // How many resolvers run.  A new one may start before the old one has ended.
  int resolvers_ ABSL_GUARDED_BY(mutex_) = 0;
  ResolverStatus resolver_ ABSL_GUARDED_BY(mutex_);
};

// The target that the application wrote, without a user and a password, which
// do not belong there: "zookeeper://u:p@host/x" becomes
// "zookeeper://***@host/x".
std::string TargetWithoutSecrets(absl::string_view target);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_CHANNEL_CHANNEL_RECORD_H_
