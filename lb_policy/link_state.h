// LinkState: the state of a connection to a backend, or of a channel's best
// connection to it.
#ifndef MULTI_BACKEND_LB_POLICY_LINK_STATE_H_
#define MULTI_BACKEND_LB_POLICY_LINK_STATE_H_

namespace multi_backend {

enum class LinkState {
  kConnecting,  // No attempt has failed since the last success.
  kReady,       // Takes calls.
  // The newest attempt failed, or connections ended too soon.  The next attempt
  // follows after a wait.
  kFailed,
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_LINK_STATE_H_
