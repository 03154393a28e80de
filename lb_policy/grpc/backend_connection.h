// BackendConnection: one connection to a backend, made of a subchannel and the
// watch on it.
//
// Threads: everything runs in the channel's work serializer.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_CONNECTION_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/connections/load.h"
#include "multi_backend/lb_policy/connections/reconnect.h"
#include "multi_backend/lb_policy/link_state.h"
#include "multi_backend/lb_policy/plan/entry.h"
#include "multi_backend/port/core.h"

namespace multi_backend {

class BackendConnection {
 public:
  using Subchannel = grpc_core::RefCountedPtr<grpc_core::SubchannelInterface>;

  class Owner {
   public:
    virtual ~Owner() = default;
    // Called when state() and error() have changed.  `failed` says that an
    // attempt to connect has failed, or that the next one has to wait.  `lost`
    // says that the connection has gone IDLE or failed, and that this is not
    // the first notification.
    virtual void OnConnectionStateLocked(bool failed, bool lost) = 0;
    // Asks for a call of Reconnect() at `at`, on the clock of NowNanos().
    virtual void ReconnectAtLocked(int64_t at) = 0;
    virtual int64_t NowNanos() const = 0;
    // A random number from 0 to 1.
    virtual double Uniform() = 0;
    // Whether core watches the health of its connections (healthCheckConfig).
    virtual bool WatchesHealth() const = 0;
    virtual grpc_pollset_set* InterestedParties() = 0;
    // Returns a reference to the policy, which must outlive the watch.
    virtual grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy>
    KeepAlive() = 0;
  };

  // The waits that the application has set for core's attempts to connect,
  // which hold for this library's, too.
  static ReconnectBackoff BackoffOf(const grpc_core::ChannelArgs& args);

  BackendConnection(BackendRef backend, ReconnectBackoff backoff)
      : pace_(backoff), load_(new ConnectionLoad(std::move(backend))) {}
  ~BackendConnection();
  BackendConnection(const BackendConnection&) = delete;
  BackendConnection& operator=(const BackendConnection&) = delete;

  // Starts to watch and connect `subchannel`.  If it is null, because core
  // refused to make one, the connection stays failed.
  void Start(Owner* owner, Subchannel subchannel);

  // A failed connection stays failed until it is READY again, as in gRPC's own
  // policies, so that calls do not wait for attempts that are likely to fail.
  LinkState state() const { return state_; }
  const std::string& error() const { return error_; }
  // Returns null unless the connection is READY.
  Subchannel ReadySubchannel() const {
    return state_ == LinkState::kReady ? subchannel_ : nullptr;
  }
  ConnectionLoad* load() const { return load_; }
  // Ends core's wait after a failed attempt, but not the one after connections
  // that ended too soon.
  void ResetBackoff() {
    if (subchannel_ != nullptr) subchannel_->ResetBackoff();
  }
  // Connects if the wait after connections that ended too soon is over at
  // `now`.  Returns the time at which to call it again, or INT64_MAX.
  int64_t Reconnect(int64_t now);

 private:
  class Watcher;
  void OnStateLocked(grpc_connectivity_state state, const absl::Status& status);
  void OnIdleLocked();
  void Connect();

  Owner* owner_ = nullptr;
  Subchannel subchannel_;
  Watcher* watcher_ = nullptr;  // Owned by the subchannel.
  bool seen_state_ = false;
  bool connecting_ = false;  // What core has said last, or will say next.
  LinkState state_ = LinkState::kConnecting;
  std::string error_;
  ReconnectPace pace_;
  int64_t reconnect_at_ = INT64_MAX;  // INT64_MAX: it does not wait.
  ConnectionLoad* const load_;        // This is one of its owners.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_CONNECTION_H_
