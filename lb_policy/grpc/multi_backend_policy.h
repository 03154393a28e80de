// MultiBackendPolicy: the LB policy that core calls.  It turns address lists
// into backends with subchannels, follows their connections, and publishes pick
// plans.
//
// Threads: everything runs in the channel's work serializer, except the pool's
// watch, which only schedules work there.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_MULTI_BACKEND_POLICY_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_MULTI_BACKEND_POLICY_H_

#include <memory>
#include <string>
#include <utility>

#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/grpc/backend_address.h"
#include "multi_backend/lb_policy/grpc/channel_backend.h"
#include "multi_backend/lb_policy/grpc/channel_backends.h"
#include "multi_backend/lb_policy/grpc/picker.h"
#include "multi_backend/lb_policy/grpc/policy_mailbox.h"
#include "multi_backend/lb_policy/grpc/policy_timer.h"
#include "multi_backend/lb_policy/grpc/pool_watch.h"
#include "multi_backend/lb_policy/grpc/queued_call_wakeups.h"
#include "multi_backend/lb_policy/grpc/retry_policy.h"
#include "multi_backend/lb_policy/plan/failure_watch.h"
#include "multi_backend/lb_policy/plan/latest_plan.h"
#include "multi_backend/lb_policy/plan/plan_pace.h"
#include "multi_backend/lb_policy/status/event_reporter.h"
#include "multi_backend/observability/channel/channel_record.h"
#include "multi_backend/port/core.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/backend_overrides.h"

namespace multi_backend {

class MultiBackendPolicyConfig final
    : public grpc_core::LoadBalancingPolicy::Config {
 public:
  explicit MultiBackendPolicyConfig(std::shared_ptr<const PolicyConfig> config)
      : config_(std::move(config)) {}
  absl::string_view name() const override { return kPolicyName; }
  const std::shared_ptr<const PolicyConfig>& config() const { return config_; }

 private:
  const std::shared_ptr<const PolicyConfig> config_;
};

class MultiBackendPolicy final : public grpc_core::LoadBalancingPolicy,
                                 private ChannelBackend::Owner,
                                 private PolicyMailbox::Receiver {
 public:
  explicit MultiBackendPolicy(Args args);

  absl::string_view name() const override { return kPolicyName; }
  absl::Status UpdateLocked(UpdateArgs args) override;
  void ResetBackoffLocked() override;

 private:
  ~MultiBackendPolicy() override;
  void ShutdownLocked() override;

  // ChannelBackend::Owner:
  void OnConnectionChangeLocked(bool became_ready) override;
  void OnConnectionLostLocked() override;
  BackendConnection::Subchannel MakeConnectionLocked(
      const core::Address& address, int number) override;
  void ReconnectAtLocked(int64_t at) override;
  ReconnectBackoff reconnect_backoff() const override {
    return reconnect_backoff_;
  }
  double Uniform() override;
  bool WatchesHealth() const override {
    return HaveHealthWatch(subchannel_args_);
  }
  grpc_pollset_set* InterestedParties() override {
    return interested_parties();
  }
  int64_t NowNanos() const override { return time_.NowNanos(); }

  // Whether the channel tells sinks about its calls.
  bool IsObserved() const {
    return retry_state_ != nullptr && retry_state_->observer() != nullptr;
  }

  // PolicyMailbox::Receiver:
  void OnRequestsLocked(uint32_t requests) override;
  std::shared_ptr<grpc_core::WorkSerializer> Serializer() override;

  // ChannelBackend::Owner and PolicyMailbox::Receiver:
  grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy> KeepAlive() override;

  bool ApplyConfigLocked(const MultiBackendPolicyConfig& config);
  absl::Status KeepLastListLocked(const absl::Status& error,
                                  absl::string_view note);
  bool ApplyAddressesLocked(core::AddressList addresses);
  void OpenConnectionsLocked();
  std::unique_ptr<ChannelBackend> MakeBackendLocked(
      core::Address address, std::shared_ptr<const Endpoint> endpoint,
      const ChannelBackend* renamed);
  void ConfigureBackendLocked(ChannelBackend& backend);
  bool ResizeConnectionsLocked();
  void SchedulePublishLocked();
  void PublishLocked();
  void RepickLocked();
  void WarnOfHotKeysLocked();
  void TraceEventsLocked();
  // Gives the observers what the policy knows now; `state` is as in PlanStatus.
  void RecordLocked(std::string state);
  void OnTimeLocked();
  void ArmTimerLocked();

  const std::shared_ptr<BackendPool> pool_;
  const PoolTime& time_;  // Owned by pool_.
  const std::shared_ptr<const AttemptClassifier> classifier_;
  const std::shared_ptr<ChannelRecord> record_;  // Null without sinks.
  const ReconnectBackoff reconnect_backoff_;
  const std::shared_ptr<LatestPlan> latest_plan_ =
      std::make_shared<LatestPlan>();
  // Null if the channel's resolver belongs to another library.
  grpc_core::RefCountedPtr<ChannelRetryState> retry_state_;
  const std::shared_ptr<PolicyMailbox> mailbox_;
  const std::shared_ptr<QueuedCallWakeups> wakeups_;
  PolicyTimer timer_;
  EventReporter reporter_;
  std::unique_ptr<const PoolWatch> watch_;  // Set by the first update.

  std::shared_ptr<const PolicyConfig> config_;
  BackendPoolConfigs backend_pools_;  // Of config_.
  grpc_core::ChannelArgs subchannel_args_;
  std::shared_ptr<RetryPolicy> retry_policy_;
  ChannelBackends backends_;
  std::shared_ptr<const PickPlan> plan_;
  // The args of the newest plan's pickers, and the state published with them.
  std::shared_ptr<const Picker::Args> picker_args_;
  grpc_connectivity_state published_state_ = GRPC_CHANNEL_CONNECTING;
  absl::Status published_status_;
  PlanPace pace_;
  FailureWatch failures_;
  // Monotonic nanoseconds; INT64_MAX if nothing is due.
  int64_t resize_at_ = INT64_MAX;
  int64_t sample_at_ = INT64_MAX;
  int64_t reconnect_at_ = INT64_MAX;
  bool opening_ = false;  // OpenConnectionsLocked() will run again.
  bool publish_scheduled_ = false;
  bool shutdown_ = false;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_MULTI_BACKEND_POLICY_H_
