// TrailTest: the fixture of tests about the trails of calls.  Each call that it
// makes has an AttemptTrail, and its channel a sink and an on_call_end.  All
// three must tell the same, and nothing that the servers have not seen.
#ifndef MULTI_BACKEND_TESTS_TESTING_TRAIL_TEST_H_
#define MULTI_BACKEND_TESTS_TESTING_TRAIL_TEST_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/started_call.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {

// "b0 UNAVAILABLE answered": how an attempt ended.
inline std::string EndOf(absl::string_view backend, absl::StatusCode status,
                         Sent sent) {
  return absl::StrCat(backend, " ", absl::StatusCodeToString(status), " ",
                      Describe(sent));
}

// Keeps what the channel tells about its calls.
class CallLedger final : public MetricsSink {
 public:
  void OnAttemptEnded(const AttemptEnded& attempt) override {
    absl::MutexLock lock(&mutex_);
    attempts_.push_back(EndOf(attempt.address, attempt.status, attempt.sent));
  }
  void OnCallEnded(const CallEnded& call) override {
    EXPECT_TRUE(call.attempts.empty() || call.attempts_made > 0);
    absl::MutexLock lock(&mutex_);
    ++calls_;
  }
  // ChannelExtras::on_call_end.
  void Keep(const CallEnded& call) {
    absl::MutexLock lock(&mutex_);
    trails_.push_back(CallTrail::Of(call));
  }

  void Clear() {
    absl::MutexLock lock(&mutex_);
    attempts_.clear();
    trails_.clear();
    calls_ = 0;
  }
  std::vector<std::string> attempts() const {
    absl::MutexLock lock(&mutex_);
    return attempts_;
  }
  std::vector<CallTrail> trails() const {
    absl::MutexLock lock(&mutex_);
    return trails_;
  }
  int calls() const {
    absl::MutexLock lock(&mutex_);
    return calls_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::string> attempts_ ABSL_GUARDED_BY(mutex_);
  std::vector<CallTrail> trails_ ABSL_GUARDED_BY(mutex_);
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

class TrailTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(Register().ok()); }

  // A channel that prefers the backends in the order of the list.  `policy` has
  // further members.
  void Open(const std::string& target, const std::string& policy,
            const std::string& routing = "") {
    ChannelOptions options;
    options.pool = BackendPool::Create();
    options.service_config_json =
        ServiceConfig(absl::StrContains(policy, "health")
                          ? policy
                          : absl::StrCat(kFailedCallsDoNotCount,
                                         policy.empty() ? "" : ",", policy),
                      routing);
    options.sinks = {ledger_};
    options.on_call_end = [ledger = ledger_](const CallEnded& call) {
      ledger->Keep(call);
    };
    auto client = UsersClient::Make(target, std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    target_ = target;
  }
  void Start(const std::vector<BackendSpec>& specs, const std::string& policy,
             const std::string& routing = "") {
    auto fleet = BackendFleet::Start(specs);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    bool has_roles = false;
    for (const BackendSpec& spec : specs) has_roles |= !spec.role.empty();
    ASSERT_NO_FATAL_FAILURE(
        Open(has_roles ? "static:///" : fleet_->StaticTarget(),
             has_roles ? absl::StrCat(policy, policy.empty() ? "" : ",",
                                      fleet_->BackendsField())
                       : policy,
             routing));
    for (size_t i = 0; i < fleet_->size(); ++i) {
      ASSERT_NO_FATAL_FAILURE(Connect(fleet_->address(i), fleet_->addresses()));
    }
    Forget();
  }
  // Makes calls to `address` alone until one has arrived.
  void Connect(const std::string& address,
               const std::vector<std::string>& addresses) {
    for (const std::string& other : addresses) {
      if (other != address) client_->pool().MarkUnhealthy(other);
    }
    ASSERT_TRUE(WaitUntil([&]() {
      ledger_->Clear();
      UsersCall call;
      call.timeout = absl::Seconds(1);
      // A route may lead to one role only, so both kinds of calls are made.
      client_->Call(call);
      call.method = "CreateUser";
      client_->Call(call);
      for (const CallTrail& trail : ledger_->trails()) {
        for (const TrailAttempt& attempt : trail.attempts) {
          if (attempt.address == address && attempt.sent != Sent::kNever) {
            return true;
          }
        }
      }
      return false;
    }));
    for (const std::string& other : addresses) {
      client_->pool().MarkHealthy(other);
    }
  }
  // What has happened so far does not count.
  void Forget() {
    ASSERT_TRUE(WaitUntil([this]() { return client_->IsIdle(); }));
    if (fleet_ != nullptr) fleet_->ResetStats();
    ledger_->Clear();
  }

  // Makes a call and returns its trail.
  CallTrail Trail(const UsersCall& call = {}) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + call.timeout));
    context.set_wait_for_ready(call.wait_for_ready);
    const AttemptTrail trail(&context);
    const CallOutcome outcome = client_->Call(call, context);
    CallTrail result = WholeTrail(trail, outcome.status);
    CheckAgreement(result);
    return result;
  }

  // A call that has picked when the constructor returns.
  class Started {
   public:
    explicit Started(TrailTest& test, absl::Duration timeout = kTestTimeout)
        : test_(test) {
      StartedCall::Options options;
      options.timeout = timeout;
      options.prepare = [this](grpc::ClientContext* context) {
        trail_ = std::make_unique<AttemptTrail>(context);
      };
      call_ = std::make_unique<StartedCall>(*test.client_, options);
    }

    void Cancel() { call_->Cancel(); }
    CallTrail Wait() { return WholeTrail(*trail_, call_->Wait()); }
    // The same for the only call of the channel.
    CallTrail WaitAndCheck() {
      const CallTrail trail = Wait();
      test_.CheckAgreement(trail);
      return trail;
    }

   private:
    TrailTest& test_;
    std::unique_ptr<AttemptTrail> trail_;
    std::unique_ptr<StartedCall> call_;
  };

  // What `trail` has of a call that ended with `status`.
  static CallTrail WholeTrail(const AttemptTrail& trail,
                              const grpc::Status& status) {
    EXPECT_TRUE(trail.status().ok()) << trail.status();
    EXPECT_TRUE(trail.has_ended());
    CallTrail result = trail.trail();
    EXPECT_EQ(static_cast<int>(result.status),
              static_cast<int>(status.error_code()));
    return result;
  }

  // The sink and on_call_end have told the same.
  void CheckAgreement(const CallTrail& trail) {
    const std::vector<CallTrail> kept = ledger_->trails();
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(ledger_->calls(), 1);
    EXPECT_EQ(kept[0].ToString(), trail.ToString());
    EXPECT_EQ(kept[0].target, target_);
    EXPECT_EQ(trail.attempts_made, static_cast<int>(trail.attempts.size()));
    std::vector<std::string> attempts;
    for (const TrailAttempt& attempt : trail.attempts) {
      attempts.push_back(EndOf(attempt.address, attempt.status, attempt.sent));
      EXPECT_GE(attempt.latency, absl::ZeroDuration());
      EXPECT_GE(attempt.started_after, absl::ZeroDuration());
      EXPECT_LE(attempt.started_after + attempt.latency, trail.latency);
    }
    EXPECT_EQ(ledger_->attempts(), attempts);
    CheckServers(trail);
  }

  // A server has seen each attempt that was answered, none that was not sent,
  // and perhaps the others.
  void CheckServers(const CallTrail& trail) {
    if (fleet_ == nullptr) return;
    for (size_t i = 0; i < fleet_->size(); ++i) {
      if (!fleet_->server(i).running()) continue;
      int answered = 0;
      int maybe = 0;
      for (const TrailAttempt& attempt : trail.attempts) {
        if (attempt.address != fleet_->address(i)) continue;
        answered += attempt.sent == Sent::kAnswered;
        maybe += attempt.sent == Sent::kMaybe;
      }
      const int64_t seen = fleet_->CallsOf(i);
      EXPECT_GE(seen, answered) << fleet_->name(i);
      EXPECT_LE(seen, answered + maybe) << fleet_->name(i);
    }
  }

  // "b0 UNAVAILABLE answered, retried", …: the attempts and what came next.
  std::vector<std::string> Steps(const CallTrail& trail) const {
    std::vector<std::string> steps;
    for (const TrailAttempt& attempt : trail.attempts) {
      steps.push_back(absl::StrCat(
          EndOf(NameOf(attempt.address), attempt.status, attempt.sent), ", ",
          Describe(attempt.next)));
    }
    return steps;
  }
  std::string NameOf(const std::string& address) const {
    for (size_t i = 0; fleet_ != nullptr && i < fleet_->size(); ++i) {
      if (fleet_->address(i) == address) return fleet_->name(i);
    }
    return "other";
  }
  // "b1 down", …, of one attempt.
  std::vector<std::string> PassedOverIn(const TrailAttempt& attempt) const {
    std::vector<std::string> texts;
    for (const PassedOverBackend& passed : attempt.passed_over) {
      texts.push_back(
          absl::StrCat(NameOf(passed.backend), " ", Describe(passed.why)));
    }
    return texts;
  }

  static constexpr char kPrimary[] = R"("strategy":"PRIMARY")";
  const std::vector<BackendSpec> kOne{{"b0", "", {}}};
  const std::vector<BackendSpec> kTwo{{"b0", "", {}}, {"b1", "", {}}};
  const std::shared_ptr<CallLedger> ledger_ = std::make_shared<CallLedger>();
  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
  std::string target_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_TRAIL_TEST_H_
