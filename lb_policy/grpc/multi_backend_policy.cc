#include "multi_backend/lb_policy/grpc/multi_backend_policy.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/functional/bind_front.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/health/grpc/channel_probe.h"
#include "multi_backend/lb_policy/grpc/backend_address.h"
#include "multi_backend/lb_policy/grpc/picker.h"
#include "multi_backend/lb_policy/grpc/policy_objects.h"
#include "multi_backend/lb_policy/status/plan_status.h"
#include "multi_backend/port/log.h"
#include "multi_backend/port/run_later.h"
#include "multi_backend/resolver/endpoint/backend_overrides.h"

namespace multi_backend {

MultiBackendPolicy::MultiBackendPolicy(Args args)
    : LoadBalancingPolicy(std::move(args)),
      pool_(PoolFrom(channel_args())),
      time_(pool_->events()->time),
      classifier_(ClassifierFrom(channel_args())),
      record_(RecordOf(channel_args())),
      reconnect_backoff_(BackendConnection::BackoffOf(channel_args())),
      mailbox_(std::make_shared<PolicyMailbox>(
          static_cast<PolicyMailbox::Receiver*>(this))),
      wakeups_(std::make_shared<QueuedCallWakeups>(pool_->events(), mailbox_)),
      timer_(mailbox_),
      reporter_(pool_->events(), SinksFrom(channel_args())) {}

MultiBackendPolicy::~MultiBackendPolicy() = default;

void MultiBackendPolicy::ShutdownLocked() {
  shutdown_ = true;
  mailbox_->Stop();
  watch_ = nullptr;
  timer_.Cancel(*channel_control_helper());
  // Calls may outlive the policy, and a plan keeps its backends in the pool.
  latest_plan_->Set(nullptr);
  plan_ = nullptr;
  picker_args_ = nullptr;
  backends_.Clear();
  RecordLocked("");  // Last: an idle channel's backends are absent.
}

void MultiBackendPolicy::ResetBackoffLocked() {
  for (const auto& backend : backends_) backend->ConnectNow();
}

void MultiBackendPolicy::ReconnectAtLocked(int64_t at) {
  reconnect_at_ = std::min(reconnect_at_, at);
  ArmTimerLocked();
}

double MultiBackendPolicy::Uniform() {
  return absl::Uniform(absl::BitGen(), 0.0, 1.0);
}

grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy>
MultiBackendPolicy::KeepAlive() {
  return Ref();
}

absl::Status MultiBackendPolicy::UpdateLocked(UpdateArgs args) {
  if (watch_ == nullptr) {
    // The constructor cannot do this: core allows no call to the helper there.
    mailbox_->SetEngine(
        channel_control_helper()->GetEventEngine()->shared_from_this());
    watch_ = std::make_unique<PoolWatch>(pool_->events(), mailbox_,
                                         latest_plan_, reporter_.has_sinks());
  }
  auto retry_state = args.args.GetObjectRef<ChannelRetryState>();
  bool changed = (retry_state == nullptr) != (retry_state_ == nullptr);
  retry_state_ = std::move(retry_state);
  changed |= ApplyConfigLocked(
      *static_cast<const MultiBackendPolicyConfig*>(args.config.get()));
  if (retry_state_ != nullptr) retry_state_->Set(retry_policy_);
  absl::Status status;
  absl::StatusOr<core::AddressList> addresses = core::TakeAddresses(args);
  if (!addresses.ok() || addresses->empty()) {
    status = KeepLastListLocked(addresses.status(), args.resolution_note);
  } else {
    subchannel_args_ = SubchannelArgs(args.args);
    changed |= ApplyAddressesLocked(*std::move(addresses));
  }
  if (backends_.empty()) {
    const absl::Status failure = absl::UnavailableError(
        absl::StrCat("multi_backend: no endpoints, the call was not sent: ",
                     status.message()));
    plan_ = nullptr;
    RecordLocked("TRANSIENT_FAILURE");
    core::PublishFailure(*channel_control_helper(), failure);
    return status;
  }
  if (changed) SchedulePublishLocked();
  return status;
}

bool MultiBackendPolicy::ApplyConfigLocked(
    const MultiBackendPolicyConfig& config) {
  if (config_ != nullptr && *config_ == *config.config()) return false;
  if (config_ == nullptr || !(config_->failover == config.config()->failover)) {
    retry_policy_ =
        std::make_shared<RetryPolicy>(config.config()->failover, classifier_,
                                      latest_plan_, wakeups_, time_.clock);
  }
  config_ = config.config();
  backend_pools_ = PoolsOfBackendConfigs(config_->backends);
  for (const auto& backend : backends_) ConfigureBackendLocked(*backend);
  resize_at_ = time_.NowNanos();  // The pools may be smaller now.
  return true;
}

// Keeps the backends after an empty or failed resolution; returns its error.
absl::Status MultiBackendPolicy::KeepLastListLocked(const absl::Status& error,
                                                    absl::string_view note) {
  const absl::Status status =
      error.ok()
          ? absl::UnavailableError(absl::StrCat("empty address list: ", note))
          : error;
  if (!backends_.empty()) {
    core::Trace(
        *channel_control_helper(), core::TraceSeverity::kWarning,
        absl::StrCat("multi_backend: keeping the last good list of ",
                     backends_.size(), " backends: ", status.message()));
  }
  return status;
}

bool MultiBackendPolicy::ApplyAddressesLocked(core::AddressList addresses) {
  const std::vector<std::shared_ptr<const Endpoint>> endpoints =
      EndpointsOf(addresses, config_->backends);
  const bool changed = backends_.Update(
      std::move(addresses), endpoints,
      absl::bind_front(&MultiBackendPolicy::MakeBackendLocked, this));
  if (!opening_) OpenConnectionsLocked();
  return changed;
}

// The next part of a long list is opened from another thread, because this one
// may be the only one that polls.  With core 1.51, that also lets core begin
// the connections of this part first.
void MultiBackendPolicy::OpenConnectionsLocked() {
  if (shutdown_) return;
  const ChannelBackends::Opened opened = backends_.OpenSome(NowNanos());
  if (opened.failed) SchedulePublishLocked();
  opening_ = opened.more;
  if (!opening_) return;
  core::RunElsewhere(
      channel_control_helper()->GetEventEngine()->shared_from_this(),
      [this, keep_alive = KeepAlive()]() {
        work_serializer()->Run(
            [this, keep_alive]() { OpenConnectionsLocked(); }, DEBUG_LOCATION);
      });
}

std::unique_ptr<ChannelBackend> MultiBackendPolicy::MakeBackendLocked(
    core::Address address, std::shared_ptr<const Endpoint> endpoint,
    const ChannelBackend* renamed) {
  const std::string text = AddressText(address.address());
  const bool ours = core::AttachedTo<Endpoint>(address) != nullptr;
  std::shared_ptr<BackendPool::Lease> lease =
      pool_->Acquire(text, ours ? endpoint->address() : text,
                     renamed == nullptr ? nullptr : &renamed->lease());
  ChannelBackend::Owner* const owner = this;
  auto backend = std::make_unique<ChannelBackend>(
      owner, std::move(address), std::move(lease), std::move(endpoint));
  ConfigureBackendLocked(*backend);
  // Core shares the old backend's connection with the new one, but only while
  // the old one holds it.
  if (renamed != nullptr && renamed->connections() > 0) {
    backend->Resize(NowNanos());
  }
  return backend;
}

void MultiBackendPolicy::ConfigureBackendLocked(ChannelBackend& backend) {
  const auto own_pool = backend_pools_.empty()
                            ? backend_pools_.end()
                            : backend_pools_.find(backend.endpoint()->key());
  backend.SetPoolConfig(own_pool == backend_pools_.end() ? config_->pool
                                                         : own_pool->second);
  backend.lease().Configure(
      std::shared_ptr<const HealthConfig>(config_, &config_->health),
      config_->max_requests_per_backend, [this, &backend]() {
        return MakeChannelProbe(
            channel_args(), *config_->health.active, *backend.endpoint(),
            AddressText(backend.address().address()),
            AuthorityOf(backend.address(), channel_args(),
                        channel_control_helper()->GetAuthority()));
      });
}

BackendConnection::Subchannel MultiBackendPolicy::MakeConnectionLocked(
    const core::Address& address, int number) {
  return core::MakeSubchannel(*channel_control_helper(), address,
                              ArgsOfConnection(subchannel_args_, number));
}

void MultiBackendPolicy::OnConnectionLostLocked() {
  channel_control_helper()->RequestReresolution();
}

void MultiBackendPolicy::OnConnectionChangeLocked(bool became_ready) {
  if (shutdown_) return;
  // Publish at once for the first READY backend, so that waiting calls can go.
  if (became_ready && (plan_ == nullptr || !plan_->any_ready())) {
    // All backends may be back after an outage.  Without this reset the first
    // one would get all the calls until the others' backoff ends.
    if (plan_ != nullptr) backends_.ResetBackoff();
    PublishLocked();
    return;
  }
  if (became_ready && pace_.Defers(time_.NowNanos(), backends_.size())) {
    ArmTimerLocked();
    return;
  }
  SchedulePublishLocked();
}

void MultiBackendPolicy::OnRequestsLocked(uint32_t requests) {
  if (shutdown_ || backends_.empty()) return;
  if ((requests & PolicyMailbox::kReconnect) != 0) {
    for (const auto& backend : backends_) backend->OnReconnectRequests();
  }
  if ((requests & PolicyMailbox::kReplan) != 0) SchedulePublishLocked();
  if ((requests & PolicyMailbox::kGrow) != 0) {
    if (ResizeConnectionsLocked()) SchedulePublishLocked();
    ArmTimerLocked();
  }
  if ((requests & PolicyMailbox::kTime) != 0) OnTimeLocked();
  if ((requests & PolicyMailbox::kHotKey) != 0) WarnOfHotKeysLocked();
  if ((requests & PolicyMailbox::kEvent) != 0) TraceEventsLocked();
  if ((requests & PolicyMailbox::kRepick) != 0 && !publish_scheduled_) {
    RepickLocked();
  }
}

std::shared_ptr<grpc_core::WorkSerializer> MultiBackendPolicy::Serializer() {
  return work_serializer();
}

// Publishes after everything that is in the serializer's queue now, so that one
// plan covers all of it.
void MultiBackendPolicy::SchedulePublishLocked() {
  if (publish_scheduled_ || shutdown_) return;
  publish_scheduled_ = true;
  work_serializer()->Run(
      [this, keep_alive = KeepAlive()]() {
        if (publish_scheduled_) PublishLocked();
      },
      DEBUG_LOCATION);
}

// Returns whether the number of connections has changed.
bool MultiBackendPolicy::ResizeConnectionsLocked() {
  if (config_->pool.max == 1 && backend_pools_.empty() &&
      resize_at_ == INT64_MAX) {
    return false;
  }
  const int64_t now = time_.NowNanos();
  resize_at_ = INT64_MAX;
  bool changed = false;
  for (const auto& backend : backends_) {
    const size_t before = backend->connections();
    if (before == 0) continue;  // OpenConnectionsLocked() opens the first ones.
    resize_at_ = std::min(resize_at_, backend->Resize(now));
    const size_t after = backend->connections();
    if (after == before) continue;
    changed = true;
    reporter_.Report(PoolEvent::Kind::kConnections,
                     backend->lease().backend()->address(),
                     absl::StrCat(before), absl::StrCat(after),
                     after > before ? "all connections are full"
                                    : "idle, or could not be connected",
                     backend->lease().backend()->name());
  }
  return changed;
}

void MultiBackendPolicy::PublishLocked() {
  publish_scheduled_ = false;
  if (shutdown_ || backends_.empty()) return;
  pace_.OnPlan(time_.NowNanos());
  ResizeConnectionsLocked();
  PickPlan::Args args;
  args.config = config_;
  args.previous = plan_.get();
  args.clock = time_.clock;
  args.seed = absl::Uniform<uint64_t>(absl::BitGen());
  // A call without a context cannot keep a place in a backlog.
  if (retry_state_ != nullptr) {
    args.backlogs = retry_state_->Shared<BacklogSet>();
  }
  args.entries.reserve(backends_.size());
  for (const auto& backend : backends_) {
    args.entries.push_back(backend->MakePlanEntry());
  }
  plan_ = PickPlan::Make(std::move(args));
  latest_plan_->Set(plan_);
  plan_->ReturnExcessEjected();
  auto picker_args = std::make_shared<Picker::Args>();
  picker_args->plan = plan_;
  picker_args->retry_policy = retry_policy_;
  picker_args->retry_state = retry_state_;
  picker_args->destinations = backends_.Destinations();
  if (IsObserved()) picker_args->labels = backends_.Labels();
  picker_args_ = std::move(picker_args);
  if (plan_->any_ready()) {
    published_state_ = GRPC_CHANNEL_READY;
    published_status_ = absl::OkStatus();
  } else if (plan_->any_connecting()) {
    published_state_ = GRPC_CHANNEL_CONNECTING;
    published_status_ = absl::OkStatus();
  } else {
    published_state_ = GRPC_CHANNEL_TRANSIENT_FAILURE;
    published_status_ =
        absl::UnavailableError(plan_->DescribeFailure(CallLabel()));
  }
  RecordLocked(grpc_core::ConnectivityStateName(published_state_));
  reporter_.Report(plan_->UpdateBacklogs(time_.NowNanos()));
  reporter_.ReportPanic(plan_->Panicking(), config_->health.panic_percent);
  RepickLocked();
  ArmTimerLocked();
  TraceEventsLocked();
}

void MultiBackendPolicy::RecordLocked(std::string state) {
  if (record_ == nullptr) return;
  const auto part = std::make_shared<const PlanStatus>(PlanStatus::Args{
      pool_, std::move(state), plan_, backends_.ReadyConnections()});
  record_->SetPolicyPart(this, part, /*last=*/shutdown_);
}

void MultiBackendPolicy::TraceEventsLocked() {
  if (plan_ == nullptr) return;
  reporter_.PassOn(plan_->entries(), [this](const std::string& text, bool log) {
    core::Trace(*channel_control_helper(), core::TraceSeverity::kInfo,
                absl::StrCat("multi_backend: ", text));
    if (log) Log(LogSeverity::kInfo, text);
  });
}

// Gives core a new picker, so that the waiting calls pick again.
void MultiBackendPolicy::RepickLocked() {
  if (picker_args_ == nullptr) return;
  wakeups_->Recount([this]() { return plan_->BeginPass(); });
  wakeups_->ClearRepickDue();
  mailbox_->SetInPass(true);
  core::Publish<Picker>(*channel_control_helper(), published_state_,
                        published_status_, picker_args_);
  mailbox_->SetInPass(false);
}

void MultiBackendPolicy::WarnOfHotKeysLocked() {
  if (plan_ == nullptr) return;
  for (const BalancerNode::HotKey& hot : plan_->TakeHotKeys()) {
    Log(LogSeverity::kWarning,
        hot.ToString(channel_control_helper()->GetAuthority()));
  }
}

void MultiBackendPolicy::OnTimeLocked() {
  if (plan_ == nullptr) return;
  const int64_t now = time_.NowNanos();
  const bool repick =
      wakeups_->repick_due_at() <= now || plan_->NextBacklogDeadline() <= now;
  reporter_.Report(plan_->OnTime(now));
  if (sample_at_ <= now && config_->health.passive.has_value()) {
    failures_.Evaluate(*plan_, *config_->health.passive, time_.Now());
    sample_at_ = INT64_MAX;
  }
  if (reconnect_at_ <= now) reconnect_at_ = backends_.Reconnect(now);
  if (resize_at_ <= now && ResizeConnectionsLocked()) SchedulePublishLocked();
  if (pace_.due() <= now) SchedulePublishLocked();
  if (repick && !publish_scheduled_) RepickLocked();
  ArmTimerLocked();
  TraceEventsLocked();
}

void MultiBackendPolicy::ArmTimerLocked() {
  const int64_t now = time_.NowNanos();
  const absl::Duration interval = FailureWatch::Interval(config_->health);
  if (interval == absl::InfiniteDuration()) {
    sample_at_ = INT64_MAX;
  } else if (sample_at_ == INT64_MAX) {
    sample_at_ = now + absl::ToInt64Nanoseconds(interval);
  }
  wakeups_->SetWakeAt(INT64_MAX);
  int64_t due = std::min({resize_at_, sample_at_, reconnect_at_, pace_.due(),
                          wakeups_->repick_due_at()});
  if (plan_ != nullptr) due = std::min(due, plan_->NextBacklogDeadline());
  wakeups_->SetWakeAt(due);
  timer_.RunAt(due, now, *channel_control_helper());
}

}  // namespace multi_backend
