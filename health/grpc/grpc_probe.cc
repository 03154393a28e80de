#include "multi_backend/health/grpc/grpc_probe.h"

#include <grpc/support/time.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "multi_backend/health/grpc/call_thread.h"
#include "multi_backend/health/grpc/health_check.pb.h"
#include "multi_backend/health/probes/callback_gate.h"
#include "multi_backend/port/deadline.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {
namespace {

using health::v1::HealthCheckRequest;
using health::v1::HealthCheckResponse;

constexpr char kMethod[] = "/grpc.health.v1.Health/Check";
// The real answer has 2 bytes.
constexpr int kMaxResponseBytes = 4096;

bool IsPast(gpr_timespec time) {
  return gpr_time_cmp(gpr_now(GPR_CLOCK_MONOTONIC), time) >= 0;
}

// Whether the status is an answer of the server, which shows that the
// connection works.
bool IsAnswer(const grpc::Status& status) {
  return status.ok() ||
         status.error_code() == grpc::StatusCode::UNIMPLEMENTED ||
         status.error_code() == grpc::StatusCode::NOT_FOUND;
}

ProbeResult Judge(const ActiveHealthConfig& config, absl::Duration timeout,
                  const grpc::Status& status,
                  const HealthCheckResponse& response) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK: {
      std::string name =
          HealthCheckResponse::ServingStatus_Name(response.status());
      if (name.empty()) name = absl::StrCat(response.status());
      return {response.status() == HealthCheckResponse::SERVING,
              absl::StrCat("status ", name)};
    }
    case grpc::StatusCode::UNIMPLEMENTED:
      return {config.unimplemented_is_healthy,
              "the server has no grpc.health.v1 service (UNIMPLEMENTED)",
              /*unimplemented=*/true};
    case grpc::StatusCode::NOT_FOUND:
      return {false, absl::StrCat("the server's health service knows no \"",
                                  config.service, "\" (NOT_FOUND)")};
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return {false,
              absl::StrCat("no answer in ", absl::FormatDuration(timeout))};
    default:
      return {false, absl::StrCat(
                         absl::StatusCodeToString(static_cast<absl::StatusCode>(
                             status.error_code())),
                         ": ", status.error_message())};
  }
}

// The state that a probe shares with its call under way.
class Asker : public std::enable_shared_from_this<Asker> {
 public:
  Asker(const ActiveHealthConfig& config, ConnectFunction connect)
      : config_(config), connect_(std::move(connect)) {}

  void Start(CallThread& thread, absl::Duration timeout, Probe::Done done);
  void Cancel();

 private:
  class Call;

  // Makes a call on the present channel, or on a new one if there is none.
  // Returns null when cancelled.
  std::shared_ptr<Call> MakeCall();
  bool OnFinished(const Call& call);

  const ActiveHealthConfig config_;
  const ConnectFunction connect_;
  CallbackGate gate_;

  // Used by the steps of one probe only, which run one after the other, so no
  // lock is needed.
  absl::Duration timeout_;
  gpr_timespec deadline_;
  Probe::Done done_;
  bool answered_ = false;  // Whether `channel_` has ever brought an answer.

  Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<Call> call_ ABSL_GUARDED_BY(mu_);
};

class Asker::Call final : public CallThread::Call {
 public:
  Call(std::shared_ptr<Asker> asker, std::shared_ptr<grpc::Channel> channel)
      : asker_(std::move(asker)), stub_(std::move(channel)) {
    context_.set_deadline(asker_->deadline_);
    request_.set_service(asker_->config_.service);
  }

  void Start(std::shared_ptr<Call> self, grpc::CompletionQueue* queue) {
    self_ = std::move(self);
    queue_ = queue;
    reader_ = stub_.PrepareUnaryCall(&context_, kMethod, request_, queue);
    reader_->StartCall();
    reader_->Finish(&response_, &status_, static_cast<CallThread::Call*>(this));
  }

  void Cancel() { context_.TryCancel(); }

  bool OnFinished() override {
    const std::shared_ptr<Call> self = std::move(self_);
    return asker_->OnFinished(*this);
  }

  const grpc::Status& status() const { return status_; }
  const HealthCheckResponse& response() const { return response_; }
  grpc::CompletionQueue* queue() const { return queue_; }

 private:
  const std::shared_ptr<Asker> asker_;
  grpc::TemplatedGenericStub<HealthCheckRequest, HealthCheckResponse> stub_;
  grpc::ClientContext context_;
  HealthCheckRequest request_;
  HealthCheckResponse response_;
  grpc::Status status_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<HealthCheckResponse>> reader_;
  grpc::CompletionQueue* queue_ = nullptr;
  std::shared_ptr<Call> self_;  // Set while gRPC holds the tag.
};

void Asker::Start(CallThread& thread, absl::Duration timeout,
                  Probe::Done done) {
  timeout_ = timeout;
  deadline_ = DeadlineAfter(timeout);
  done_ = std::move(done);
  const std::shared_ptr<Call> call = MakeCall();
  if (call != nullptr) call->Start(call, thread.Begin());
}

std::shared_ptr<Asker::Call> Asker::MakeCall() {
  std::shared_ptr<grpc::Channel> channel;
  {
    MutexLock lock(&mu_);
    if (cancelled_) return nullptr;
    channel = channel_;
  }
  if (channel == nullptr) channel = connect_();
  auto call = std::make_shared<Call>(shared_from_this(), channel);
  MutexLock lock(&mu_);
  if (cancelled_) return nullptr;
  channel_ = std::move(channel);
  call_ = call;
  return call;
}

bool Asker::OnFinished(const Call& call) {
  const bool answered = IsAnswer(call.status());
  std::shared_ptr<grpc::Channel> dropped;  // Destroyed after unlocking.
  std::shared_ptr<Call> finished;
  {
    MutexLock lock(&mu_);
    finished = std::move(call_);
    call_ = nullptr;
    if (!answered) dropped = std::move(channel_);
  }
  // A healthy server may have closed the connection since the last probe, so
  // ask once more on a new one.
  const bool was_old = answered_;
  answered_ = answered;
  if (!answered && was_old && !IsPast(deadline_)) {
    const std::shared_ptr<Call> next = MakeCall();
    if (next != nullptr) {
      next->Start(next, call.queue());
      return true;
    }
  }
  const Probe::Done done = std::move(done_);
  gate_.Run(
      [&] { done(Judge(config_, timeout_, call.status(), call.response())); });
  return false;
}

void Asker::Cancel() {
  std::shared_ptr<Call> call;
  std::shared_ptr<grpc::Channel> channel;  // Destroyed after unlocking.
  {
    MutexLock lock(&mu_);
    cancelled_ = true;
    call = std::move(call_);
    channel = std::move(channel_);
  }
  if (call != nullptr) call->Cancel();
  gate_.Close();
}

class GrpcProbe final : public Probe {
 public:
  GrpcProbe(const ActiveHealthConfig& config, ConnectFunction connect,
            ProbeIdentity identity)
      : identity_(std::move(identity)),
        thread_(CallThread::Shared()),
        asker_(std::make_shared<Asker>(config, std::move(connect))) {}

  ~GrpcProbe() override { asker_->Cancel(); }

  void Start(absl::Duration timeout, Done done) override {
    // Copies, because `done` may destroy this probe before Start() returns.
    const std::shared_ptr<CallThread> thread = thread_;
    const std::shared_ptr<Asker> asker = asker_;
    asker->Start(*thread, timeout, std::move(done));
  }

  ProbeIdentity identity() const override { return identity_; }

 private:
  const ProbeIdentity identity_;
  const std::shared_ptr<CallThread> thread_;
  const std::shared_ptr<Asker> asker_;
};

class GrpcProbeFactory final : public ProbeFactory {
 public:
  GrpcProbeFactory(std::shared_ptr<grpc::ChannelCredentials> creds,
                   ActiveHealthConfig config, GrpcProbeOptions options)
      : creds_(std::move(creds)),
        config_(std::move(config)),
        options_(std::move(options)) {
    SetProbeArguments(&options_.args);
  }

  std::unique_ptr<Probe> Make(const Endpoint& endpoint,
                              absl::string_view address) const override {
    grpc::ChannelArguments args = options_.args;
    args.SetString(GRPC_ARG_DEFAULT_AUTHORITY, options_.authority.empty()
                                                   ? endpoint.address()
                                                   : options_.authority);
    return MakeGrpcProbe(
        config_, [creds = creds_, args, target = ProbeTarget(address)] {
          return grpc::CreateCustomChannel(target, creds, args);
        });
  }

 private:
  const std::shared_ptr<grpc::ChannelCredentials> creds_;
  const ActiveHealthConfig config_;
  GrpcProbeOptions options_;
};

}  // namespace

std::unique_ptr<ProbeFactory> MakeGrpcProbeFactory(
    std::shared_ptr<grpc::ChannelCredentials> creds, ActiveHealthConfig config,
    GrpcProbeOptions options) {
  return std::make_unique<GrpcProbeFactory>(std::move(creds), std::move(config),
                                            std::move(options));
}

std::unique_ptr<Probe> MakeGrpcProbe(const ActiveHealthConfig& config,
                                     ConnectFunction connect,
                                     ProbeIdentity identity) {
  return std::make_unique<GrpcProbe>(config, std::move(connect),
                                     std::move(identity));
}

std::string ProbeTarget(absl::string_view address) {
  for (const absl::string_view scheme :
       {"ipv4:", "ipv6:", "unix:", "unix-abstract:", "vsock:", "dns:"}) {
    if (absl::StartsWith(address, scheme)) return std::string(address);
  }
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(address);
  if (!endpoint.ok() || !endpoint->is_ip()) {
    return absl::StrCat("dns:///", address);
  }
  if (!absl::StartsWith(address, "[")) return absl::StrCat("ipv4:", address);
  // Core's URI parser requires that brackets, and the % of a scope, are
  // encoded.
  return absl::StrCat(
      "ipv6:",
      absl::StrReplaceAll(address, {{"%", "%25"}, {"[", "%5B"}, {"]", "%5D"}}));
}

void SetProbeArguments(grpc::ChannelArguments* args) {
  // Probes need a connection of their own, because the connection of the
  // application's calls may be full or dead.
  args->SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  args->SetLoadBalancingPolicyName("pick_first");
  args->SetServiceConfigJSON("{}");
  args->SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  args->SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  args->SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  args->SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  args->SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  args->SetMaxReceiveMessageSize(kMaxResponseBytes);
}

}  // namespace multi_backend
