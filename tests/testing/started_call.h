// StartedCall: a unary call whose pick has been made when the constructor
// returns.  So calls begin in the order in which they are constructed.
//
//   StartedCall first(client), second(client);
//   client.pool().MarkHealthy(address);
//   EXPECT_TRUE(first.Wait().ok());
//
// This requires a channel that has been connected before.  The destructor
// cancels a call that still runs.
//
// Threads: done() may be called from any thread, everything else from one.
#ifndef MULTI_BACKEND_TESTS_TESTING_STARTED_CALL_H_
#define MULTI_BACKEND_TESTS_TESTING_STARTED_CALL_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/tests/testing/event.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {

class StartedCall {
 public:
  struct Options {
    std::string id = "started";
    bool write = false;  // CreateUser instead of GetUser.
    absl::Duration timeout = kTestTimeout;
    bool wait_for_ready = false;
    // Called with the context before the call begins, if set.
    std::function<void(grpc::ClientContext*)> prepare;
  };

  StartedCall(examples::users::v1::Users::Stub& stub, const Options& options) {
    context_.set_deadline(absl::ToChronoTime(start_ + options.timeout));
    context_.set_wait_for_ready(options.wait_for_ready);
    context_.AddMetadata(kCallIdKey, options.id);
    if (options.prepare) options.prepare(&context_);
    auto done = [this](grpc::Status status) {
      took_ = absl::Now() - start_;
      status_ = std::move(status);
      done_.store(true);
      ended_.Set();
    };
    if (options.write) {
      stub.async()->CreateUser(&context_, &create_, &reply_, done);
    } else {
      stub.async()->GetUser(&context_, &get_, &reply_, done);
    }
  }
  explicit StartedCall(UsersClient& client) : StartedCall(client, Options()) {}
  StartedCall(UsersClient& client, const Options& options)
      : StartedCall(client.stub(), options) {}
  ~StartedCall() {
    Cancel();
    Wait();
  }
  StartedCall(const StartedCall&) = delete;
  StartedCall& operator=(const StartedCall&) = delete;

  void Cancel() { context_.TryCancel(); }
  bool done() const { return done_.load(); }
  const grpc::Status& Wait() {
    // The deadline of the call bounds this loop.
    while (!ended_.Await(kTestTimeout)) {
    }
    return status_;
  }
  // After Wait():
  absl::Duration took() const { return took_; }
  const std::string& served_by() const { return reply_.served_by(); }

 private:
  const absl::Time start_ = absl::Now();
  grpc::ClientContext context_;
  examples::users::v1::GetUserRequest get_;
  examples::users::v1::CreateUserRequest create_;
  examples::users::v1::UserReply reply_;
  grpc::Status status_;
  absl::Duration took_;
  std::atomic<bool> done_{false};
  Event ended_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_STARTED_CALL_H_
