// ClosedLoad: callers that call again as soon as they are answered, each on a
// thread of its own that blocks, and what their calls took.
#ifndef MULTI_BACKEND_BENCH_PEERS_CLIENT_CLOSED_LOAD_H_
#define MULTI_BACKEND_BENCH_PEERS_CLIENT_CLOSED_LOAD_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/bench/peers/report/figures.h"
#include "multi_backend/examples/users.grpc.pb.h"

namespace multi_backend {

using UserStubs =
    std::vector<std::unique_ptr<examples::users::v1::Users::Stub>>;

enum class CallKind {
  kSmall,   // Unary, a request of about 32 bytes.
  kLarge,   // Unary, 64 KiB each way.
  kStream,  // A stream of 100 messages from the server.
};

// "small", "large" or "stream".
absl::StatusOr<CallKind> ParseCallKind(absl::string_view name);

// Runs `callers` callers for `time`; caller i uses stub i, in turns.  Returns
//   calls, lost      calls that succeeded and that failed
//   rate             calls per second
//   cpu_us           CPU of this process for one call
//   p50_us, p99_us   how long calls took
//   waited           the time that threads waited for locks of the library,
//                    over the CPU time used
//   share.NAME       the share of the calls that backend NAME answered
Figures RunClosedLoad(const UserStubs& stubs, int callers, CallKind kind,
                      absl::Duration time);

// Makes one call that waits for a backend.  Returns its name, or "" if the call
// failed.
std::string CallOnce(examples::users::v1::Users::Stub& stub);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PEERS_CLIENT_CLOSED_LOAD_H_
