#include "multi_backend/lb_policy/grpc/call_attempts.h"

#include <memory>

#include "multi_backend/lb_policy/grpc/retry_policy.h"

namespace multi_backend {

void CallAttempts::OnCommit() {
  if (!ticket.Leave()) return;
  const std::shared_ptr<RetryPolicy> state = RetryPolicy::Of(context);
  if (state != nullptr) state->OnTicketReturned();
}

}  // namespace multi_backend
