// ChannelBackend: one backend of one channel, with its connections and its
// lease in the pool.
//
// Threads: everything runs in the channel's work serializer.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_CHANNEL_BACKEND_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_CHANNEL_BACKEND_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "multi_backend/call/backend_labels.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/grpc/backend_connection.h"
#include "multi_backend/lb_policy/plan/entry.h"
#include "multi_backend/port/core.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

class ChannelBackend final : private BackendConnection::Owner {
 public:
  // The interface of the policy to its backends.
  class Owner {
   public:
    virtual ~Owner() = default;
    // `became_ready` says that the backend was not READY and now is.
    virtual void OnConnectionChangeLocked(bool became_ready) = 0;
    virtual void OnConnectionLostLocked() = 0;
    // Makes a connection to `address`.  Different numbers make different
    // connections.
    virtual BackendConnection::Subchannel MakeConnectionLocked(
        const core::Address& address, int number) = 0;
    // Asks for a call of Reconnect() at `at`, on the clock of NowNanos().
    virtual void ReconnectAtLocked(int64_t at) = 0;
    virtual ReconnectBackoff reconnect_backoff() const = 0;
    // Whether core watches the health of its connections (healthCheckConfig).
    virtual bool WatchesHealth() const = 0;
    virtual grpc_pollset_set* InterestedParties() = 0;
    virtual int64_t NowNanos() const = 0;
    // A random number from 0 to 1.
    virtual double Uniform() = 0;
    // Returns a reference that keeps the owner alive.
    virtual grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy>
    KeepAlive() = 0;
  };

  ChannelBackend(Owner* owner, core::Address address,
                 std::shared_ptr<BackendPool::Lease> lease,
                 std::shared_ptr<const Endpoint> endpoint);

  const core::Address& address() const { return address_; }
  // `address` may differ from the present one only in its attributes.
  void SetAddress(core::Address address) { address_ = std::move(address); }
  BackendPool::Lease& lease() const { return *lease_; }
  const std::shared_ptr<const Endpoint>& endpoint() const { return endpoint_; }
  void SetEndpoint(std::shared_ptr<const Endpoint> endpoint);
  PlanEntry MakePlanEntry() const;
  // For the records of calls; made when it is first asked for.
  const std::shared_ptr<const BackendLabels>& labels();
  // Ends core's waits after failed attempts.
  void ResetBackoff();
  // Ends all waits before the next attempt to connect.
  void ConnectNow();
  // Does so if the backend has failed, and there has been reason to try again
  // (Backend::reconnect_requests) since the last call.
  void OnReconnectRequests();
  // As BackendConnection::Reconnect(), for all connections.
  int64_t Reconnect(int64_t now);

  // The next Resize() follows it.
  void SetPoolConfig(const ConnectionPoolConfig& config) {
    pool_config_ = config;
  }
  const ConnectionPoolConfig& pool_config() const { return pool_config_; }
  // Opens and closes connections as the pool's configuration and the load ask
  // for; the first call opens the first connections.  Returns the time at which
  // to call it again, on the clock of `now_nanos`, or INT64_MAX.
  int64_t Resize(int64_t now_nanos);
  size_t connections() const { return connections_.size(); }
  bool has_failed() const { return state_ == LinkState::kFailed; }
  // Whether Resize() may open another connection while the present ones keep
  // their states.
  bool MayGrow() const;
  // Whether a call that finds all connections full should wait (sizing.h).
  bool ExpectsConnection() const;
  // Returns the READY connections, the oldest first.
  absl::InlinedVector<const BackendConnection*, 4> Ready() const;

 private:
  struct Numbered {
    std::unique_ptr<BackendConnection> connection;
    int number = 0;
    // Seen by the last Resize(), to measure the time without streams.
    uint32_t begun = 0;
    bool busy = false;  // There were streams.
    int64_t idle_since_nanos = 0;
  };

  // BackendConnection::Owner:
  void OnConnectionStateLocked(bool failed, bool lost) override;
  void ReconnectAtLocked(int64_t at) override { owner_->ReconnectAtLocked(at); }
  int64_t NowNanos() const override { return owner_->NowNanos(); }
  double Uniform() override { return owner_->Uniform(); }
  bool WatchesHealth() const override { return owner_->WatchesHealth(); }
  grpc_pollset_set* InterestedParties() override;
  grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy> KeepAlive() override;

  void Open(int64_t now_nanos);
  void RecomputeState();

  Owner* const owner_;
  core::Address address_;
  const std::shared_ptr<BackendPool::Lease> lease_;
  std::shared_ptr<const Endpoint> endpoint_;
  std::shared_ptr<const BackendLabels> labels_;  // Null: not made yet.
  ConnectionPoolConfig pool_config_;
  absl::InlinedVector<Numbered, 1> connections_;  // The oldest first.
  LinkState state_ = LinkState::kConnecting;
  bool was_ready_ = false;  // Whether it has ever been READY.
  std::string error_;       // The newest error, if the state is kFailed.
  uint32_t seen_reconnect_requests_ = 0;
  // No additional connection is opened before this time; set when one fails.
  int64_t grow_not_before_nanos_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_CHANNEL_BACKEND_H_
