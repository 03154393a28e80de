// UsersClient: a channel of the library to the users service, single calls on
// it, and waits for what the channel's pool shows.
//
//   auto client = UsersClient::Make(fleet->StaticTarget(), std::move(options));
//   ASSERT_TRUE((*client)->ConnectTo(fleet->addresses()));
//   CallOutcome outcome = (*client)->Call();
//
// Every call carries a metadata entry kCallIdKey with an id of its own, the
// same on each of its attempts; see metadata_dump.h.
//
// Threads: calls and pool views from any thread.
#ifndef MULTI_BACKEND_TESTS_TESTING_USERS_CLIENT_H_
#define MULTI_BACKEND_TESTS_TESTING_USERS_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"

namespace multi_backend {

// Longer than anything takes on a machine that is busy with other tests.
constexpr absl::Duration kTestTimeout = absl::Seconds(30);

// Sorts before every metadata key that gRPC itself sends.
constexpr char kCallIdKey[] = "a-call-id";

// Looks again and again until `condition` holds; false when it does not in
// time.
bool WaitUntil(absl::FunctionRef<bool()> condition,
               absl::Duration timeout = kTestTimeout);

// A service config; both are the members of a JSON object: `policy` of ours,
// `routing` of multiBackend.
std::string ServiceConfig(absl::string_view policy,
                          absl::string_view routing = "");

struct UsersCall {
  std::string method = "GetUser";  // One of the unary ones.
  std::string user_id;
  absl::Duration timeout = kTestTimeout;
  bool wait_for_ready = false;
  std::vector<std::pair<std::string, std::string>> metadata;
};

struct CallOutcome {
  std::string id;  // As in metadata kCallIdKey.
  grpc::Status status;
  // Both say which backend's answer this is: the reply ("" = failed), and the
  // trailing metadata, of failures too ("" = no backend's answer).
  std::string served_by;
  std::string answered_by;
  absl::Duration took;

  bool ok() const { return status.ok(); }
  std::string ToString() const;
};

class UsersClient {
 public:
  // `options.pool` may be null: the client makes one.
  static absl::StatusOr<std::unique_ptr<UsersClient>> Make(
      const std::string& target, ChannelOptions options = {});
  static absl::StatusOr<std::unique_ptr<UsersClient>> Make(
      const std::string& target, std::string service_config);

  CallOutcome Call(const UsersCall& call = {});
  // The same with a context of the caller's, which sets the deadline.
  CallOutcome Call(const UsersCall& call, grpc::ClientContext& context);

  // Calls (with a key for each, under "x-key") until each of these addresses
  // has had one, so each is connected; false when that does not happen in time.
  bool ConnectTo(const std::vector<std::string>& addresses);

  // Makes calls until the pool shows the backend as healthy or not; false when
  // it does not in time.  (gRPC looks at a connection every few seconds only,
  // unless somebody waits for a call.)
  bool AwaitHealth(absl::string_view address, bool healthy);

  examples::users::v1::Users::Stub& stub() { return *stub_; }
  BackendPool& pool() { return *pool_; }

  // What the pool shows; a backend that it does not have has no calls.
  BackendSnapshot Backend(absl::string_view address) const;
  int64_t InFlight() const;
  uint64_t Attempts() const;
  bool IsIdle() const { return InFlight() == 0; }

 private:
  UsersClient(const std::shared_ptr<grpc::Channel>& channel,
              std::shared_ptr<BackendPool> pool);

  const std::unique_ptr<examples::users::v1::Users::Stub> stub_;
  const std::shared_ptr<BackendPool> pool_;
};

// One call in a thread of its own.
class PendingCall {
 public:
  PendingCall(UsersClient& client, UsersCall call);
  ~PendingCall();  // Cancels and waits.

  void Cancel() { context_.TryCancel(); }
  bool done() const { return done_.load(); }
  const CallOutcome& Wait();

 private:
  grpc::ClientContext context_;
  CallOutcome outcome_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_USERS_CLIENT_H_
