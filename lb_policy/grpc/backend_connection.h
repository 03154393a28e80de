// BackendConnection: one connection to a backend: a subchannel and the watch on
// it.
//
// Everything runs in the channel's work serializer.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_CONNECTION_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_CONNECTION_H_

#include <memory>
#include <string>

#include "multi_backend/lb_policy/connections/load.h"
#include "multi_backend/lb_policy/link_state.h"
#include "multi_backend/lb_policy/plan/entry.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class BackendConnection {
 public:
  using Subchannel = grpc_core::RefCountedPtr<grpc_core::SubchannelInterface>;

  class Owner {
   public:
    virtual ~Owner() = default;
    // state() and error() are up to date.  `failed`: an attempt to connect has
    // failed.  `lost`: it went IDLE or failed, and is not heard of for the
    // first time.
    virtual void OnConnectionStateLocked(bool failed, bool lost) = 0;
    virtual grpc_pollset_set* InterestedParties() = 0;
    // A count on what must outlive the watch.
    virtual grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy>
    KeepAlive() = 0;
  };

  BackendConnection() = default;
  ~BackendConnection();
  BackendConnection(const BackendConnection&) = delete;
  BackendConnection& operator=(const BackendConnection&) = delete;

  // Starts watching `subchannel` and connecting it; null (core refused to make
  // one) leaves it failed for good.
  void Start(Owner* owner, Subchannel subchannel);

  // One that has failed stays so until it is READY again (as in gRPC's own
  // policies), so that calls are not held up by hopeless attempts.
  LinkState state() const { return state_; }
  const std::string& error() const { return error_; }
  // Null unless READY.
  Subchannel ReadySubchannel() const {
    return state_ == LinkState::kReady ? subchannel_ : nullptr;
  }
  ConnectionLoad* load() const { return load_; }
  void ResetBackoff() {
    if (subchannel_ != nullptr) subchannel_->ResetBackoff();
  }

 private:
  class Watcher;
  void OnStateLocked(grpc_connectivity_state state, const absl::Status& status);

  Owner* owner_ = nullptr;
  Subchannel subchannel_;
  Watcher* watcher_ = nullptr;  // Owned by the subchannel.
  bool seen_state_ = false;
  LinkState state_ = LinkState::kConnecting;
  std::string error_;
  ConnectionLoad* const load_ = new ConnectionLoad();
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_CONNECTION_H_
