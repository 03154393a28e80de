#include "multi_backend/lb_policy/grpc/testing/policy_harness.h"

#include <grpc/grpc.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/health/state/backend_state.h"
#include "multi_backend/lb_policy/grpc/policy_factory.h"

namespace multi_backend {
namespace {

std::string Json(absl::string_view config) {
  return absl::StrCat(R"([{"multi_backend":)", config, "}]");
}

grpc_core::ChannelArgs ArgsOf(
    const std::shared_ptr<BackendPool>& pool,
    const grpc_core::RefCountedPtr<FakeRetryState>& retry_state,
    const grpc_core::ChannelArgs& further) {
  ChannelObjects objects;
  objects.pool = pool;
  auto args = further.SetObject(
      grpc_core::MakeRefCounted<ChannelExtension>(std::move(objects)));
  if (retry_state == nullptr) return args;
  return args.SetObject(
      grpc_core::RefCountedPtr<ChannelRetryState>(retry_state));
}

PolicyHarness::Options WithConfig(absl::string_view config) {
  PolicyHarness::Options options;
  options.config = std::string(config);
  return options;
}

}  // namespace

PolicyHarness::PolicyHarness(absl::string_view config)
    : PolicyHarness(WithConfig(config)) {}

PolicyHarness::Options PolicyHarness::Options::WithSharedPool(
    std::string config) {
  Options options;
  options.config = std::move(config);
  options.time = std::make_shared<VirtualTime>();
  options.pool = BackendPool::Create(options.time->ForPool());
  return options;
}

PolicyHarness::PolicyHarness(Options options)
    : owns_time_(options.time == nullptr),
      time_(options.time != nullptr ? std::move(options.time)
                                    : std::make_shared<VirtualTime>()),
      pool_(options.pool != nullptr ? std::move(options.pool)
                                    : BackendPool::Create(time_->ForPool())),
      retry_state_(options.with_context
                       ? grpc_core::MakeRefCounted<FakeRetryState>()
                       : nullptr),
      channel_(time_.get()) {
  time_->RunInCore([&]() {
    driver_ = std::make_unique<PolicyDriver>(
        Json(options.config), ArgsOf(pool_, retry_state_, options.args),
        channel_.serializer(), channel_.MakeControl(),
        [this]() { time_->Settle(); });
  });
  channel_.OnPolicyMade();
}

PolicyHarness::~PolicyHarness() {
  time_->RunInCore([this]() { calls_.clear(); });
  channel_.ReleaseNotifications();
  ShutDown();
  driver_ = nullptr;
}

PolicyHarness::GrpcInitialised::GrpcInitialised() {
  // This has no effect if the part is registered already.
  if (!RegisterWithCore({RegisterPolicy}).ok()) abort();
  grpc_init();
}

PolicyHarness::GrpcInitialised::~GrpcInitialised() { grpc_shutdown(); }

absl::Status PolicyHarness::Drive(absl::StatusOr<core::AddressList> addresses,
                                  absl::string_view note) {
  absl::Status status;
  time_->RunInCore([&]() {
    status = driver_->Update(std::move(addresses), std::string(note));
  });
  return status;
}

absl::Status PolicyHarness::Update(const std::vector<std::string>& records) {
  return UpdateAddresses(PolicyDriver::Endpoints(records));
}

absl::Status PolicyHarness::UpdateAddresses(core::AddressList addresses) {
  addresses_ = addresses;
  return Drive(std::move(addresses));
}

absl::Status PolicyHarness::UpdateConfig(absl::string_view config) {
  driver_->SetConfig(Json(config));
  return Drive(addresses_);
}

absl::Status PolicyHarness::FailResolution(const absl::Status& status) {
  return Drive(status);
}

absl::Status PolicyHarness::FailResolutionWithConfig(const absl::Status& status,
                                                     absl::string_view config) {
  driver_->SetConfig(Json(config));
  return Drive(status);
}

absl::Status PolicyHarness::EmptyResolution(absl::string_view note) {
  return Drive(core::AddressList(), note);
}

FakeSubchannel& PolicyHarness::Connection(absl::string_view address,
                                          size_t index) {
  const std::vector<FakeSubchannel*> watched = channel_.Watched(address);
  if (index >= watched.size()) abort();
  return *watched[index];
}

size_t PolicyHarness::connections(absl::string_view address) const {
  return channel_.Watched(address).size();
}

void PolicyHarness::Connect(absl::string_view address, size_t index) {
  time_->RunInCore([&]() { Connection(address, index).BecomeReady(); });
}

void PolicyHarness::Refuse(absl::string_view address, absl::string_view why,
                           size_t index) {
  time_->RunInCore([&]() {
    Connection(address, index).FailToConnect(absl::UnavailableError(why));
  });
}

void PolicyHarness::Lose(absl::string_view address, size_t index) {
  time_->RunInCore([&]() { Connection(address, index).LoseConnection(); });
}

void PolicyHarness::EndBackoff(absl::string_view address, size_t index) {
  time_->RunInCore([&]() { Connection(address, index).EndBackoff(); });
}

void PolicyHarness::MarkHealthy(absl::string_view address) {
  time_->RunOutsideCore([&]() { pool_->MarkHealthy(address); });
}

void PolicyHarness::MarkUnhealthy(absl::string_view address) {
  time_->RunOutsideCore([&]() { pool_->MarkUnhealthy(address); });
}

void PolicyHarness::Probe(absl::string_view address, bool healthy,
                          absl::string_view detail) {
  const BackendRef backend = pool_->Acquire(address, address)->backend();
  time_->RunOutsideCore([&]() { (void)backend->OnProbe(healthy, detail); });
}

std::string PolicyHarness::StateOf(absl::string_view address) const {
  for (const BackendSnapshot& backend : pool_->GetAllBackends()) {
    if (backend.address == address && !backend.absent) {
      return std::string(StateName(backend.state));
    }
  }
  return "unknown";
}

std::vector<std::string> PolicyHarness::TakeEvents() {
  std::vector<std::string> texts;
  for (const PoolEvent& event : pool_->GetEvents(seen_event_)) {
    seen_event_ = event.sequence;
    texts.push_back(event.ToString());
  }
  return texts;
}

FakeCall& PolicyHarness::AddCall(const FakeCallOptions& options) {
  calls_.push_back(std::make_unique<FakeCall>(options, retry_state_.get()));
  return *calls_.back();
}

FakeCall& PolicyHarness::Call(const FakeCallOptions& options) {
  FakeCall& call = AddCall(options);
  time_->RunInCore([&]() { channel_.Pick(&call); });
  return call;
}

std::vector<FakeCall*> PolicyHarness::CallTogether(
    size_t count,
    const std::function<void(const std::vector<FakeCall*>&)>& then) {
  std::vector<FakeCall*> calls;
  time_->RunInCore([&]() {
    while (calls.size() < count) {
      calls.push_back(&AddCall(FakeCallOptions()));
      channel_.Pick(calls.back());
    }
    if (then != nullptr) then(calls);
  });
  return calls;
}

FakeCall& PolicyHarness::PatientCall() {
  FakeCallOptions options;
  options.wait_for_ready = true;
  return Call(options);
}

std::string PolicyHarness::RoundTrip(const FakeCallOptions& options,
                                     const absl::Status& end) {
  FakeCall& call = Call(options);
  std::string outcome = call.Outcome();
  if (call.sent()) Finish(call, end);
  End(call);
  calls_.pop_back();
  return outcome;
}

void PolicyHarness::Finish(FakeCall& call, const absl::Status& status,
                           std::map<std::string, std::string> trailers) {
  time_->RunInCore([&]() { call.Finish(status, std::move(trailers)); });
}

void PolicyHarness::FinishByServer(FakeCall& call, const absl::Status& status) {
  time_->RunInCore([&]() { call.FinishByServer(status); });
}

void PolicyHarness::FinishUnseen(FakeCall& call,
                                 StreamReport::Reached reached) {
  time_->RunInCore([&]() { call.FinishUnseen(reached); });
}

void PolicyHarness::FinishUnwrittenAtTimeout(FakeCall& call) {
  time_->RunInCore([&]() { call.FinishUnwrittenAtTimeout(); });
}

bool PolicyHarness::Retry(FakeCall& call) {
  bool allowed = false;
  time_->RunInCore([&]() {
    allowed = call.AllowsRetry();
    if (allowed) channel_.Pick(&call);
  });
  return allowed;
}

void PolicyHarness::Replay(FakeCall& call) {
  time_->RunInCore([&]() { channel_.Pick(&call); });
}

void PolicyHarness::End(FakeCall& call) {
  time_->RunInCore([&]() {
    channel_.Forget(&call);
    call.End();
  });
}

void PolicyHarness::ResetBackoff() {
  time_->RunInCore([this]() { driver_->ResetBackoff(); });
}

void PolicyHarness::ExitIdle() {
  time_->RunInCore([this]() { driver_->ExitIdle(); });
}

void PolicyHarness::ShutDown() {
  time_->RunInCore([this]() {
    driver_->ShutDown([this]() { channel_.OnPolicyShutDown(); });
  });
  // If policies share the time, another one may still use the engine.
  if (owns_time_) time_->Close();
}

}  // namespace multi_backend
