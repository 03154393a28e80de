// StreamReport: what became of the HTTP/2 stream of one attempt, seen from
// directly above the transport.  It tells apart who made the attempt's status:
// the server, the connection, or this process.
//
// Trivially destructible, because it lives in a call's arena.
//
// Threads: core serialises all that touches one attempt.
#ifndef MULTI_BACKEND_CALL_STREAM_REPORT_H_
#define MULTI_BACKEND_CALL_STREAM_REPORT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/optional.h"

namespace multi_backend {

struct StreamReport {
  // False when nobody watches the stream.  Then the other members mean nothing.
  bool watched = false;
  // This process cancelled the stream while the transport was still at it.
  bool cancelled = false;
  // With `cancelled`: because the attempt ran into perTryTimeout.
  bool timed_out = false;
  // The status with which the transport ended the stream; nullopt until then,
  // and for an attempt that never reached the transport.
  absl::optional<absl::StatusCode> ended_with;
  // With `ended_with`: the server sent that status.
  bool from_server = false;
  // With `ended_with`: the request's headers were written to the connection.
  bool sent = false;
  // With `ended_with`: the server had begun to send a message.
  bool got_message = false;
  // With `ended_with`: what the transport knows of the request.  Core replays
  // an attempt that was never written each time, and one that the server has
  // not seen once, without asking whether to retry.
  enum class Reached : uint8_t { kMaybe, kNotWritten, kNotSeen };
  Reached reached = Reached::kMaybe;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_STREAM_REPORT_H_
