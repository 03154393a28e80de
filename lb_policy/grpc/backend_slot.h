// BackendSlot: one backend of one channel: its subchannel, the watch on it, and
// its lease in the pool.
//
// Everything runs in the channel's work serializer.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_SLOT_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_SLOT_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "multi_backend/lb_policy/backend_pool.h"
#include "multi_backend/lb_policy/plan_entry.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class BackendSlot {
 public:
  // What a slot needs of its policy.
  class Owner {
   public:
    virtual ~Owner() = default;
    // `became_ready`: it was not READY and is now.
    virtual void OnConnectionChangeLocked(bool became_ready) = 0;
    virtual void OnConnectionLostLocked() = 0;
    virtual grpc_pollset_set* InterestedParties() = 0;
    // A count on the owner for as long as the result lives.
    virtual std::shared_ptr<void> KeepAlive() = 0;
  };

  BackendSlot(Owner* owner, grpc_core::ServerAddress address,
              std::shared_ptr<BackendPool::Lease> lease,
              std::shared_ptr<const Endpoint> endpoint);
  ~BackendSlot();
  BackendSlot(const BackendSlot&) = delete;
  BackendSlot& operator=(const BackendSlot&) = delete;

  // Starts watching `subchannel` and connecting it; null (core refused to make
  // one) leaves the slot failed for good.
  void Start(
      grpc_core::RefCountedPtr<grpc_core::SubchannelInterface> subchannel);

  const grpc_core::ServerAddress& address() const { return address_; }
  // The same place and args with other attributes.
  void SetAddress(grpc_core::ServerAddress address) {
    address_ = std::move(address);
  }
  const std::shared_ptr<const Endpoint>& endpoint() const { return endpoint_; }
  void SetEndpoint(std::shared_ptr<const Endpoint> endpoint);
  PlanEntry MakePlanEntry() const;
  // Null unless READY.
  grpc_core::RefCountedPtr<grpc_core::SubchannelInterface> ReadySubchannel()
      const;
  void ResetBackoff();

 private:
  class Watcher;
  void OnStateLocked(grpc_connectivity_state state, const absl::Status& status);

  Owner* const owner_;
  grpc_core::ServerAddress address_;
  const std::shared_ptr<BackendPool::Lease> lease_;
  std::shared_ptr<const Endpoint> endpoint_;
  grpc_core::RefCountedPtr<grpc_core::SubchannelInterface> subchannel_;
  Watcher* watcher_ = nullptr;  // Owned by the subchannel.
  bool seen_state_ = false;
  Connection connection_ = Connection::kConnecting;
  std::string error_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_SLOT_H_
