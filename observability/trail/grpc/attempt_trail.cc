#include "multi_backend/observability/trail/grpc/attempt_trail.h"

#include <grpcpp/client_context.h>

#include <utility>

#include "multi_backend/call/call_label.h"
#include "multi_backend/observability/trail/trail_slot.h"
#include "multi_backend/port/registration.h"

namespace multi_backend {
namespace {

absl::Status CheckContext(grpc::ClientContext* context) {
  if (context == nullptr) {
    return absl::FailedPreconditionError("AttemptTrail: the context is null");
  }
  // Nobody would take the entry off again.
  if (!IsRegisteredWithCore()) {
    return absl::FailedPreconditionError(
        "AttemptTrail: multi_backend::Register() has not succeeded, so no "
        "channel of this process can leave a trail");
  }
  if (context->c_call() != nullptr) {
    return absl::FailedPreconditionError(
        "AttemptTrail: the context has had a call before: make a context for "
        "each call, and the trail before the call");
  }
  return absl::OkStatus();
}

}  // namespace

AttemptTrail::AttemptTrail(grpc::ClientContext* context)
    : slot_(std::make_shared<TrailSlot>()) {
  absl::Status status = CheckContext(context);
  if (!status.ok()) {
    slot_->Fail(std::move(status));
    return;
  }
  number_ = TrailSlots::Get().Add(slot_);
  CallLabel label;
  label.route_decided = false;
  label.trails.first = number_;
  context->AddMetadata(
      std::string(kCallLabelKey),
      EncodeCallLabel(EncodeCallLabelPrefix(label), absl::nullopt,
                      /*key_decided=*/false, label.trails));
}

AttemptTrail::~AttemptTrail() {
  if (number_ != 0) TrailSlots::Get().Remove(number_);
}

CallTrail AttemptTrail::trail() const { return slot_->trail(); }

bool AttemptTrail::has_ended() const { return slot_->has_ended(); }

absl::Status AttemptTrail::status() const { return slot_->status(); }

std::string AttemptTrail::ToString() const {
  const absl::Status status = slot_->status();
  if (!status.ok()) return std::string(status.message());
  if (!slot_->has_ended()) {
    return "no trail: the call has not ended, or its channel is not "
           "multi_backend's, or it ended before it was routed";
  }
  return slot_->trail().ToString();
}

}  // namespace multi_backend
