// PolicyHarness: runs a real MultiBackendPolicy, made by its factory, over
// strict fakes of everything that core gives it, in virtual time.
//
//   PolicyHarness harness(R"({"strategy":"LEAST_BUSY"})");
//   harness.Update({"10.0.0.1:80", "10.0.0.2:80 weight=2000"});
//   harness.Connect("10.0.0.1:80");
//   EXPECT_EQ(harness.RoundTrip(), "10.0.0.1:80");
//   harness.MarkUnhealthy("10.0.0.1:80");
//   EXPECT_EQ(harness.channel().TakeUpdates(), "READY READY");
//
// Each function returns when everything that it causes at the present virtual
// time has run.  If the policy does what it must not do, the test fails at once
// (fake_channel.h, fake_subchannel.h, virtual_time.h).  The destructor shuts
// the policy down and fails the test if the policy leaves anything behind.
//
// Threads: the test's only.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_POLICY_HARNESS_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_POLICY_HARNESS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/grpc/testing/fake_call.h"
#include "multi_backend/lb_policy/grpc/testing/fake_channel.h"
#include "multi_backend/lb_policy/grpc/testing/policy_driver.h"
#include "multi_backend/lb_policy/grpc/testing/virtual_time.h"

namespace multi_backend {

class PolicyHarness {
 public:
  struct Options {
    std::string config = "{}";  // The value of "multi_backend".
    // Whether calls have a CallContext, as with this library's resolvers.
    bool with_context = true;
    grpc_core::ChannelArgs args;        // Further ones.
    std::shared_ptr<VirtualTime> time;  // Null: the harness makes its own.
    std::shared_ptr<BackendPool> pool;  // Null: the harness makes its own.

    // For several harnesses, which share one pool and its time.
    static Options WithSharedPool(std::string config = "{}");
  };
  explicit PolicyHarness(Options options);
  explicit PolicyHarness(absl::string_view config = "{}");
  ~PolicyHarness();
  PolicyHarness(const PolicyHarness&) = delete;
  PolicyHarness& operator=(const PolicyHarness&) = delete;

  // --- The resolver ----------------------------------------------------------

  // Sends a list of text records, "1.2.3.4:80 weight=2000 role=primary".
  absl::Status Update(const std::vector<std::string>& records);
  absl::Status UpdateAddresses(core::AddressList addresses);
  // Sends the last list again with another configuration.
  absl::Status UpdateConfig(absl::string_view config);
  absl::Status FailResolution(const absl::Status& status);
  absl::Status FailResolutionWithConfig(const absl::Status& status,
                                        absl::string_view config);
  absl::Status EmptyResolution(absl::string_view note);

  // --- The connections -------------------------------------------------------

  // Returns the index'th watched connection.  The program ends if there is
  // none.
  FakeSubchannel& Connection(absl::string_view address, size_t index = 0);
  size_t connections(absl::string_view address) const;
  void Connect(absl::string_view address, size_t index = 0);
  void Refuse(absl::string_view address, absl::string_view why = "refused",
              size_t index = 0);
  void Lose(absl::string_view address, size_t index = 0);
  // Ends the backoff, so that core starts another attempt.
  void EndBackoff(absl::string_view address, size_t index = 0);

  // --- Health ----------------------------------------------------------------

  BackendPool& pool() { return *pool_; }
  void MarkHealthy(absl::string_view address);
  void MarkUnhealthy(absl::string_view address);
  // Ends a probe of the backend.
  void Probe(absl::string_view address, bool healthy,
             absl::string_view detail = "probe failed");
  // "unknown" for a backend that no channel lists.
  std::string StateOf(absl::string_view address) const;
  // Returns the events since the last call, each as
  // "10.0.0.1:80: ALIVE -> DOWN: refused".
  std::vector<std::string> TakeEvents();

  // --- Calls -----------------------------------------------------------------

  // Makes a call that picks once.  It lives as long as the harness.
  FakeCall& Call(const FakeCallOptions& options = {});
  // Makes `count` calls and then runs `then`, all before the policy can act on
  // any of the picks.
  std::vector<FakeCall*> CallTogether(
      size_t count,
      const std::function<void(const std::vector<FakeCall*>&)>& then = nullptr);
  // Makes a call that waits for a backend (wait_for_ready).
  FakeCall& PatientCall();
  // Makes a call and ends it with `end`.  Returns the outcome of its pick.
  std::string RoundTrip(const FakeCallOptions& options = {},
                        const absl::Status& end = absl::OkStatus());
  void Finish(FakeCall& call, const absl::Status& status = absl::OkStatus(),
              std::map<std::string, std::string> trailers = {});
  // Ends an attempt with a status that its server has sent.
  void FinishByServer(FakeCall& call, const absl::Status& status);
  // Ends an attempt that has not reached its server.
  void FinishUnseen(FakeCall& call, StreamReport::Reached reached);
  void FinishUnwrittenAtTimeout(FakeCall& call);
  // Acts as core's retry filter after a failed attempt.  Returns whether it
  // retries; the call has then picked again.
  bool Retry(FakeCall& call);
  // Makes another attempt without asking, as core does if an attempt reached no
  // server, and core 1.83 also after perTryTimeout.
  void Replay(FakeCall& call);
  void End(FakeCall& call);

  // --- The rest --------------------------------------------------------------

  void Advance(absl::Duration by) { time_->Advance(by); }
  void ResetBackoff();
  void ExitIdle();
  // Idempotent.
  void ShutDown();
  FakeChannel& channel() { return channel_; }
  VirtualTime& time() { return *time_; }

 private:
  // Keeps gRPC initialised.
  struct GrpcInitialised {
    GrpcInitialised();
    ~GrpcInitialised();
  };

  FakeCall& AddCall(const FakeCallOptions& options);
  absl::Status Drive(absl::StatusOr<core::AddressList> addresses,
                     absl::string_view note = "");

  const GrpcInitialised grpc_initialised_;
  const bool owns_time_;
  const std::shared_ptr<VirtualTime> time_;
  const std::shared_ptr<BackendPool> pool_;
  // Null if calls have no context.
  const grpc_core::RefCountedPtr<FakeRetryState> retry_state_;
  FakeChannel channel_;
  std::unique_ptr<PolicyDriver> driver_;
  core::AddressList addresses_;  // The newest list.
  std::vector<std::unique_ptr<FakeCall>> calls_;
  uint64_t seen_event_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_POLICY_HARNESS_H_
