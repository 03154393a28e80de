// AttemptTrail: which backends one call tried, and why, for the application
// that makes the call.
//
//   grpc::ClientContext context;
//   multi_backend::AttemptTrail trail(&context);
//   grpc::Status status = stub->GetUser(&context, request, &reply);
//   if (!status.ok()) Log(trail.ToString());
//
// It works with each API of gRPC (synchronous, completion queue, callback) and
// for streams.  On a channel that is not multi_backend's it stays empty, and
// nothing is sent.  It also stays empty if the call ends before it was routed,
// as when the channel's resolver never finds a list.
#ifndef MULTI_BACKEND_OBSERVABILITY_TRAIL_GRPC_ATTEMPT_TRAIL_H_
#define MULTI_BACKEND_OBSERVABILITY_TRAIL_GRPC_ATTEMPT_TRAIL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "multi_backend/observability/trail/call_trail.h"

namespace grpc {
class ClientContext;
}  // namespace grpc

namespace multi_backend {

class TrailSlot;

// May be destroyed at any time, also while the call runs.  The functions may be
// called from any thread, and show the trail as soon as the application knows
// that the call has ended.
class AttemptTrail {
 public:
  // Construct it before the call begins.  `context` is not kept.
  explicit AttemptTrail(grpc::ClientContext* context);
  ~AttemptTrail();

  AttemptTrail(const AttemptTrail&) = delete;
  AttemptTrail& operator=(const AttemptTrail&) = delete;

  // The attempts in order; empty until the call has ended.
  std::vector<TrailAttempt> attempts() const { return trail().attempts; }
  // The whole trail, with how the call ended.
  CallTrail trail() const;
  // Whether the trail of a call is there.
  bool has_ended() const;

  // FAILED_PRECONDITION when there is no trail because Register() has not
  // succeeded, the context has had a call before, two calls have had this
  // trail, or the context has two trails.
  absl::Status status() const;

  // One line for people, as CallTrail::ToString(); or why there is no trail.
  std::string ToString() const;

 private:
  const std::shared_ptr<TrailSlot> slot_;
  uint64_t number_ = 0;  // Of the slot; 0 = the call cannot reach it.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_TRAIL_GRPC_ATTEMPT_TRAIL_H_
