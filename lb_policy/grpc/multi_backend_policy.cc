#include "multi_backend/lb_policy/grpc/multi_backend_policy.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/lb_policy/grpc/picker.h"
#include "multi_backend/lb_policy/steady_clock.h"
#include "multi_backend/port/channel_extension.h"
#include "multi_backend/port/endpoint_attribute.h"
#include "multi_backend/resolver/overlay.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;
using grpc_core::ServerAddress;
using grpc_core::ServerAddressList;

// The whole target string is kept in every subchannel's args, so a long one (a
// literal list) would cost memory quadratically.
constexpr size_t kMaxTargetInSubchannelArgs = 256;

std::shared_ptr<BackendPool> PoolFrom(const ChannelArgs& args) {
  auto* extension = args.GetObject<ChannelExtension>();
  if (extension != nullptr && extension->pool != nullptr) {
    return extension->pool;
  }
  return BackendPool::Create();
}

std::shared_ptr<const AttemptClassifier> ClassifierFrom(
    const ChannelArgs& args) {
  auto* extension = args.GetObject<ChannelExtension>();
  return extension == nullptr ? nullptr : extension->classifier;
}

// What differs between channels of equal settings is taken off, so that they
// share connections.
ChannelArgs SubchannelArgs(const ChannelArgs& args) {
  ChannelArgs stripped = args.Remove(ChannelExtension::ChannelArgName())
                             .Remove(kServiceConfigArg)
                             .Remove(kForeignServiceConfigArg)
                             .Remove(kTrackAttemptsArg)
                             .Remove(RetryGate::ChannelArgName());
  const auto target = stripped.GetString(GRPC_ARG_SERVER_URI);
  if (target.has_value() && target->size() > kMaxTargetInSubchannelArgs) {
    stripped = stripped.Set(GRPC_ARG_SERVER_URI, "static:///");
  }
  return stripped;
}

std::string AddressText(const grpc_resolved_address& address) {
  auto text = grpc_sockaddr_to_string(&address, /*normalize=*/true);
  return text.ok() ? *text : "unprintable address";
}

const EndpointAttribute* AttributeOf(const ServerAddress& address) {
  return static_cast<const EndpointAttribute*>(
      address.GetAttribute(EndpointAttribute::Key()));
}

// What can be known of an address from somebody else's resolver.
Endpoint EndpointOfForeign(const ServerAddress& address) {
  const std::string text = AddressText(address.address());
  auto parsed = Endpoint::Parse(text);
  Endpoint endpoint = parsed.ok() ? *std::move(parsed) : Endpoint::Of(text, 0);
  const auto* weight =
      static_cast<const grpc_core::ServerAddressWeightAttribute*>(
          address.GetAttribute(grpc_core::ServerAddressWeightAttribute::
                                   kServerAddressWeightAttributeKey));
  if (weight != nullptr) endpoint.weight = weight->weight();
  return endpoint;
}

// Identity of a backend within the channel: its address and configured name.
std::string KeyOf(const ServerAddress& address) {
  const grpc_resolved_address& raw = address.address();
  std::string key(raw.addr, raw.len);
  const EndpointAttribute* attribute = AttributeOf(address);
  if (attribute != nullptr) {
    absl::StrAppend(&key, "|", attribute->endpoint()->host, ":",
                    attribute->endpoint()->port);
  }
  return key;
}

}  // namespace

// Brings the pool's changes, from whatever thread, into the work serializer.
class MultiBackendPolicy::PoolWatch {
 public:
  explicit PoolWatch(MultiBackendPolicy* policy) : policy_(policy) {}

  void Stop() {
    absl::MutexLock lock(&mutex_);
    policy_ = nullptr;
  }

  void OnChange() {
    std::shared_ptr<void> keep_alive;
    MultiBackendPolicy* policy;
    {
      absl::MutexLock lock(&mutex_);
      if (policy_ == nullptr) return;
      policy = policy_;
      keep_alive = policy->KeepAlive();
    }
    grpc_core::ApplicationCallbackExecCtx callback_exec_ctx;
    grpc_core::ExecCtx exec_ctx;
    policy->work_serializer()->Run(
        [policy, keep_alive = std::move(keep_alive)]() {
          policy->SchedulePublishLocked();
        },
        DEBUG_LOCATION);
  }

 private:
  absl::Mutex mutex_;
  MultiBackendPolicy* policy_ ABSL_GUARDED_BY(mutex_);
};

MultiBackendPolicy::MultiBackendPolicy(Args args)
    : LoadBalancingPolicy(std::move(args)),
      pool_(PoolFrom(channel_args())),
      classifier_(ClassifierFrom(channel_args())),
      track_attempts_(channel_args().GetInt(kTrackAttemptsArg).value_or(1) !=
                      0),
      pool_watch_(std::make_shared<PoolWatch>(this)) {
  pool_watch_id_ =
      pool_->events()->AddWatch([watch = pool_watch_]() { watch->OnChange(); });
}

MultiBackendPolicy::~MultiBackendPolicy() = default;

void MultiBackendPolicy::ShutdownLocked() {
  shutdown_ = true;
  pool_watch_->Stop();
  pool_->events()->RemoveWatch(pool_watch_id_);
  // What they hold keeps backends in the pool.
  plans_->Set(nullptr);
  plan_ = nullptr;
  slots_.clear();
}

void MultiBackendPolicy::ResetBackoffLocked() {
  for (const auto& slot : slots_) slot->ResetBackoff();
}

grpc_pollset_set* MultiBackendPolicy::InterestedParties() {
  return interested_parties();
}

std::shared_ptr<void> MultiBackendPolicy::KeepAlive() {
  Ref().release();
  return std::shared_ptr<void>(this, [](void* self) {
    static_cast<MultiBackendPolicy*>(self)->Unref();
  });
}

absl::Status MultiBackendPolicy::UpdateLocked(UpdateArgs args) {
  auto gate = args.args.GetObjectRef<RetryGate>();
  bool changed = (gate == nullptr) != (gate_ == nullptr);
  gate_ = std::move(gate);
  changed |= ApplyConfigLocked(
      *static_cast<const MultiBackendPolicyConfig*>(args.config.get()));
  if (gate_ != nullptr) gate_->Set(state_);
  absl::Status status;
  if (!args.addresses.ok() || args.addresses->empty()) {
    status = KeepLastListLocked(args);
    changed |= plan_ == nullptr && slots_.empty();
  } else {
    changed |= ApplyAddressesLocked(*std::move(args.addresses),
                                    SubchannelArgs(args.args));
  }
  if (slots_.empty()) {
    const absl::Status failure = absl::UnavailableError(
        absl::StrCat("multi_backend: no endpoints, the call was not sent: ",
                     status.message()));
    plan_ = nullptr;
    channel_control_helper()->UpdateState(
        GRPC_CHANNEL_TRANSIENT_FAILURE, failure,
        std::make_unique<TransientFailurePicker>(failure));
    return status;
  }
  if (changed) SchedulePublishLocked();
  return status;
}

bool MultiBackendPolicy::ApplyConfigLocked(
    const MultiBackendPolicyConfig& config) {
  if (config_ != nullptr && *config_ == *config.config()) return false;
  if (config_ == nullptr || !(config_->failover == config.config()->failover)) {
    state_ = std::make_shared<ChannelState>(config.config()->failover,
                                            classifier_, plans_);
  }
  config_ = config.config();
  return true;
}

// An empty or failed resolution changes nothing but says so.
absl::Status MultiBackendPolicy::KeepLastListLocked(const UpdateArgs& args) {
  const absl::Status status =
      args.addresses.ok() ? absl::UnavailableError(absl::StrCat(
                                "empty address list: ", args.resolution_note))
                          : args.addresses.status();
  if (!slots_.empty()) {
    channel_control_helper()->AddTraceEvent(
        ChannelControlHelper::TRACE_WARNING,
        absl::StrCat("multi_backend: keeping the last good list of ",
                     slots_.size(), " backends: ", status.message()));
  }
  return status;
}

bool MultiBackendPolicy::SameAddressesLocked(
    const ServerAddressList& addresses) const {
  if (addresses.size() != slots_.size()) return false;
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (!(addresses[i] == slots_[i]->address())) return false;
  }
  return true;
}

std::vector<std::shared_ptr<const Endpoint>> MultiBackendPolicy::EndpointsOf(
    const ServerAddressList& addresses) const {
  std::vector<std::shared_ptr<const Endpoint>> endpoints;
  endpoints.reserve(addresses.size());
  for (const ServerAddress& address : addresses) {
    const EndpointAttribute* attribute = AttributeOf(address);
    endpoints.push_back(attribute != nullptr ? attribute->endpoint()
                                             : std::make_shared<const Endpoint>(
                                                   EndpointOfForeign(address)));
  }
  if (config_->backends.empty()) return endpoints;
  EndpointList plain;
  plain.reserve(endpoints.size());
  for (const auto& endpoint : endpoints) plain.push_back(*endpoint);
  plain = ApplyBackendConfigs(std::move(plain), config_->backends);
  for (size_t i = 0; i < plain.size(); ++i) {
    if (plain[i] != *endpoints[i]) {
      endpoints[i] = std::make_shared<const Endpoint>(std::move(plain[i]));
    }
  }
  return endpoints;
}

bool MultiBackendPolicy::ApplyAddressesLocked(ServerAddressList addresses,
                                              const ChannelArgs& args) {
  const std::vector<std::shared_ptr<const Endpoint>> endpoints =
      EndpointsOf(addresses);
  bool changed = false;
  auto apply_endpoint = [&changed](BackendSlot& slot,
                                   const std::shared_ptr<const Endpoint>& to) {
    if (slot.endpoint() == to || *slot.endpoint() == *to) return;
    slot.SetEndpoint(to);
    changed = true;
  };
  if (SameAddressesLocked(addresses)) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      apply_endpoint(*slots_[i], endpoints[i]);
    }
    return changed;
  }
  absl::flat_hash_map<std::string, std::unique_ptr<BackendSlot>> old_slots;
  old_slots.reserve(slots_.size());
  std::vector<const BackendSlot*> old_order;
  old_order.reserve(slots_.size());
  for (auto& slot : slots_) {
    old_order.push_back(slot.get());
    std::string key = KeyOf(slot->address());
    old_slots.emplace(std::move(key), std::move(slot));
  }
  slots_.clear();
  slots_.reserve(addresses.size());
  for (size_t i = 0; i < addresses.size(); ++i) {
    auto inserted = old_slots.try_emplace(KeyOf(addresses[i]), nullptr);
    std::unique_ptr<BackendSlot>& old = inserted.first->second;
    // A second one of the same key in this list: its slot is already taken.
    if (!inserted.second && old == nullptr) continue;
    if (old != nullptr && old->address().args() == addresses[i].args()) {
      apply_endpoint(*old, endpoints[i]);
      old->SetAddress(std::move(addresses[i]));
      slots_.push_back(std::move(old));
      continue;
    }
    old.reset();
    changed = true;
    slots_.push_back(
        MakeSlotLocked(std::move(addresses[i]), endpoints[i], args));
  }
  // Those that are left have gone.
  return changed ||
         !std::equal(
             slots_.begin(), slots_.end(), old_order.begin(), old_order.end(),
             [](const std::unique_ptr<BackendSlot>& now,
                const BackendSlot* before) { return now.get() == before; });
}

std::unique_ptr<BackendSlot> MultiBackendPolicy::MakeSlotLocked(
    ServerAddress address, std::shared_ptr<const Endpoint> endpoint,
    const ChannelArgs& subchannel_args) {
  const std::string text = AddressText(address.address());
  const bool ours = AttributeOf(address) != nullptr;
  std::shared_ptr<BackendPool::Lease> lease =
      pool_->Acquire(text, ours ? endpoint->address() : text);
  BackendSlot::Owner* const owner = this;
  auto slot = std::make_unique<BackendSlot>(owner, address, std::move(lease),
                                            std::move(endpoint));
  slot->Start(channel_control_helper()->CreateSubchannel(std::move(address),
                                                         subchannel_args));
  return slot;
}

void MultiBackendPolicy::OnConnectionLostLocked() {
  channel_control_helper()->RequestReresolution();
}

void MultiBackendPolicy::OnConnectionChangeLocked(bool became_ready) {
  if (shutdown_) return;
  // The first backend that is READY lets waiting calls go at once.
  if (became_ready && (plan_ == nullptr || !plan_->any_ready())) {
    PublishLocked();
    return;
  }
  SchedulePublishLocked();
}

// Whatever else is in the serializer's queue now is done first, so that one
// plan serves all of it.
void MultiBackendPolicy::SchedulePublishLocked() {
  if (publish_scheduled_ || shutdown_) return;
  publish_scheduled_ = true;
  work_serializer()->Run(
      [this, keep_alive = KeepAlive()]() {
        if (publish_scheduled_) PublishLocked();
      },
      DEBUG_LOCATION);
}

void MultiBackendPolicy::PublishLocked() {
  publish_scheduled_ = false;
  if (shutdown_ || slots_.empty()) return;
  PickPlan::Args args;
  args.config = config_;
  args.previous = plan_.get();
  args.clock = &SteadyClock::Get();
  args.seed = absl::Uniform<uint64_t>(absl::BitGen());
  args.entries.reserve(slots_.size());
  Picker::Args picker_args;
  picker_args.targets.reserve(slots_.size());
  for (const auto& slot : slots_) {
    args.entries.push_back(slot->MakePlanEntry());
    picker_args.targets.push_back(
        {slot->ReadySubchannel(), &args.entries.back().backend()});
  }
  plan_ = PickPlan::Make(std::move(args));
  plans_->Set(plan_);
  picker_args.plan = plan_;
  picker_args.state = state_;
  picker_args.marked = std::shared_ptr<const std::atomic<uint32_t>>(
      pool_->events(), &pool_->events()->flagged);
  picker_args.has_context = gate_ != nullptr;
  picker_args.track_attempts = track_attempts_;
  auto picker = std::make_unique<Picker>(std::move(picker_args));
  if (plan_->any_ready()) {
    channel_control_helper()->UpdateState(GRPC_CHANNEL_READY, absl::OkStatus(),
                                          std::move(picker));
  } else if (plan_->any_connecting()) {
    channel_control_helper()->UpdateState(GRPC_CHANNEL_CONNECTING,
                                          absl::OkStatus(), std::move(picker));
  } else {
    channel_control_helper()->UpdateState(
        GRPC_CHANNEL_TRANSIENT_FAILURE,
        absl::UnavailableError(plan_->DescribeFailure(CallLabel())),
        std::move(picker));
  }
}

}  // namespace multi_backend
