// ChannelBackend: one backend of one channel: its connections, and its lease in
// the pool.
//
// Everything runs in the channel's work serializer.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_CHANNEL_BACKEND_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_CHANNEL_BACKEND_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/grpc/backend_connection.h"
#include "multi_backend/lb_policy/plan/entry.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class ChannelBackend final : private BackendConnection::Owner {
 public:
  // What a backend needs of its policy.
  class Owner {
   public:
    virtual ~Owner() = default;
    // `became_ready`: it was not READY and is now.
    virtual void OnConnectionChangeLocked(bool became_ready) = 0;
    virtual void OnConnectionLostLocked() = 0;
    // Another connection to `address`; those with different numbers are
    // different connections.
    virtual BackendConnection::Subchannel MakeConnectionLocked(
        const grpc_core::ServerAddress& address, int number) = 0;
    virtual grpc_pollset_set* InterestedParties() = 0;
    virtual int64_t NowNanos() const = 0;
    // A count on the owner for as long as the result lives.
    virtual grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy>
    KeepAlive() = 0;
  };

  ChannelBackend(Owner* owner, grpc_core::ServerAddress address,
                 std::shared_ptr<BackendPool::Lease> lease,
                 std::shared_ptr<const Endpoint> endpoint);

  const grpc_core::ServerAddress& address() const { return address_; }
  // The same place and args with other attributes.
  void SetAddress(grpc_core::ServerAddress address) {
    address_ = std::move(address);
  }
  BackendPool::Lease& lease() const { return *lease_; }
  const std::shared_ptr<const Endpoint>& endpoint() const { return endpoint_; }
  void SetEndpoint(std::shared_ptr<const Endpoint> endpoint);
  PlanEntry MakePlanEntry() const;
  void ResetBackoff();
  // Resets the backoff if a probe has reached the backend since the last call.
  void OnProbesPassed();

  // Opens the first connections; then opens and closes as `config` and the load
  // ask for.  Returns when to call it again: a time of that clock, or
  // INT64_MAX.
  int64_t Resize(const ConnectionPoolConfig& config, int64_t now_nanos);
  size_t connections() const { return connections_.size(); }
  // Whether there can be another one before any of these changes its state.
  bool MayGrow(const ConnectionPoolConfig& config) const;
  // Those that are READY, the oldest first.
  absl::InlinedVector<const BackendConnection*, 4> Ready() const;

 private:
  struct Numbered {
    std::unique_ptr<BackendConnection> connection;
    int number = 0;
    // For the time without streams: what was seen at the last look.
    uint64_t begun = 0;
    bool busy = false;  // It had streams.
    int64_t idle_since_nanos = 0;
  };

  // BackendConnection::Owner:
  void OnConnectionStateLocked(bool failed, bool lost) override;
  grpc_pollset_set* InterestedParties() override;
  grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy> KeepAlive() override;

  void Open(int64_t now_nanos);
  void RecomputeState();

  Owner* const owner_;
  grpc_core::ServerAddress address_;
  const std::shared_ptr<BackendPool::Lease> lease_;
  std::shared_ptr<const Endpoint> endpoint_;
  absl::InlinedVector<Numbered, 1> connections_;  // By age.
  LinkState state_ = LinkState::kConnecting;
  bool was_ready_ = false;  // At any time.
  std::string error_;       // With kFailed: the newest.
  uint32_t seen_probes_passed_ = 0;
  // After one beyond the first has failed: no other before this time.
  int64_t grow_not_before_nanos_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_CHANNEL_BACKEND_H_
