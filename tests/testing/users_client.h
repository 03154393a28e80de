// UsersClient: a channel of the library to the users service.  It makes single
// calls, and waits for what the channel's pool shows.
//
//   auto client = UsersClient::Make(fleet->StaticTarget(), std::move(options));
//   ASSERT_TRUE((*client)->ConnectTo(fleet->addresses()));
//   CallOutcome outcome = (*client)->Call();
//
// Every call carries the metadata entry kCallIdKey with an id of its own.  All
// attempts of the call have the same id; see metadata_dump.h.
//
// Threads: calls may be made, and the pool viewed, from any thread.
#ifndef MULTI_BACKEND_TESTS_TESTING_USERS_CLIENT_H_
#define MULTI_BACKEND_TESTS_TESTING_USERS_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstddef>
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

// Longer than anything takes, even on a machine that is busy with other tests.
constexpr absl::Duration kTestTimeout = absl::Seconds(30);

// Sorts before every metadata key that gRPC itself sends.
constexpr char kCallIdKey[] = "a-call-id";

// Polls until `condition` holds.  Returns false if it does not hold in time.
bool WaitUntil(absl::FunctionRef<bool()> condition,
               absl::Duration timeout = kTestTimeout);

// The number of backends that channels of the pool list now.
size_t ListedBackends(const BackendPool& pool);

// Makes a service config.  `policy` has the members of the JSON object
// multi_backend, and `routing` those of multiBackend.
std::string ServiceConfig(absl::string_view policy,
                          absl::string_view routing = "");

// For `policy`: failed calls take no backend out, so that each call finds all
// of them.
constexpr char kFailedCallsDoNotCount[] =
    R"("health":{"passive":{"enabled":false}})";

struct UsersCall {
  std::string method = "GetUser";  // A unary method.
  std::string user_id;
  absl::Duration timeout = kTestTimeout;
  bool wait_for_ready = false;
  std::vector<std::pair<std::string, std::string>> metadata;
};

struct CallOutcome {
  std::string id;  // The value of the metadata entry kCallIdKey.
  grpc::Status status;
  // The backend that answered: served_by is from the reply ("" = the call
  // failed), answered_by from the trailing metadata, which failures have too
  // ("" = no backend answered).
  std::string served_by;
  std::string answered_by;
  absl::Duration took;

  bool ok() const { return status.ok(); }
  std::string ToString() const;
};

class UsersClient {
 public:
  // If `options.pool` is null, the client makes a pool.
  static absl::StatusOr<std::unique_ptr<UsersClient>> Make(
      const std::string& target, ChannelOptions options = {});
  static absl::StatusOr<std::unique_ptr<UsersClient>> Make(
      const std::string& target, std::string service_config);

  CallOutcome Call(const UsersCall& call = {});
  // Uses the caller's context.  The caller sets the deadline.
  CallOutcome Call(const UsersCall& call, grpc::ClientContext& context);

  // Makes calls, each with a different key under "x-key", until each of these
  // backends has had one and so is connected.  False if that does not happen in
  // time.
  bool ConnectTo(const std::vector<std::string>& addresses);

  // Makes calls until the pool shows the backend as `healthy`.  False if that
  // does not happen in time.  The calls are needed because gRPC otherwise looks
  // at a connection only every few seconds.
  bool AwaitHealth(absl::string_view address, bool healthy);

  examples::users::v1::Users::Stub& stub() { return *stub_; }
  BackendPool& pool() { return *pool_; }

  // What the pool shows.  Returns an empty snapshot for a backend that the pool
  // does not have.
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

// A call that runs on a thread of its own.
class PendingCall {
 public:
  PendingCall(UsersClient& client, UsersCall call);
  ~PendingCall();  // Cancels the call and waits for its end.

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
