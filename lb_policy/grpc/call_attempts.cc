#include "multi_backend/lb_policy/grpc/call_attempts.h"

#include <memory>

#include "multi_backend/lb_policy/grpc/channel_state.h"

namespace multi_backend {

void CallAttempts::OnCommit() {
  if (!place.Leave()) return;
  const std::shared_ptr<ChannelState> state = ChannelState::Of(context);
  if (state != nullptr) state->OnPlaceFreed();
}

}  // namespace multi_backend
