#include "multi_backend/resolver/grpc/etcd/session.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "multi_backend/port/deadline.h"
#include "multi_backend/resolver/etcd/target.h"
#include "multi_backend/resolver/source/regular_file.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

using etcd::AuthenticateRequest;
using etcd::AuthenticateResponse;
using etcd::LeaseGrantResponse;
using etcd::LeaseRevokeResponse;
using etcd::PutResponse;
using etcd::RangeResponse;
using etcd::WatchResponse;
using grpc::internal::RpcMethod;

constexpr size_t kMaxServerText = 200;
constexpr size_t kMaxAuthFile = 4096;
constexpr size_t kMaxToken = 4096;

// For a channel argument; INT_MAX there means "never".
int Millis(absl::Duration duration) {
  return static_cast<int>(std::min<int64_t>(absl::ToInt64Milliseconds(duration),
                                            std::numeric_limits<int>::max()));
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& server,
                                           const EtcdOptions& options) {
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName("pick_first");
  args.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Core's retry filter ends the process when a server ends a call without a
  // grpc-status.  This library retries by itself.
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // A connection of its own, so that gRPC's backoff (up to 120 s) after an
  // earlier failure does not add to this library's.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Millis(options.keepalive_time));
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Millis(options.keepalive_timeout));
  // gRPC 1.83.0 never starts the timer of that, but this one's.
  args.SetInt("grpc.http2.ping_timeout_ms", Millis(options.keepalive_timeout));
  // A watch may be silent for days.
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // The scheme is written out, because a host may have the name of another
  // scheme ("etcd").
  return grpc::CreateCustomChannel(
      "dns:///" + absl::StrReplaceAll(server, {{"[", "%5B"}, {"]", "%5D"}}),
      options.credentials == nullptr ? grpc::InsecureChannelCredentials()
                                     : options.credentials,
      args);
}

// gRPC ends the process when metadata is not printable.
bool IsToken(absl::string_view text) {
  return text.size() <= kMaxToken &&
         std::all_of(text.begin(), text.end(), absl::ascii_isgraph);
}

// An empty name means that there is no user.
absl::StatusOr<AuthenticateRequest> UserOf(const EtcdOptions& options) {
  AuthenticateRequest user;
  user.set_name(options.user);
  user.set_password(options.password);
  if (!options.user.empty()) return user;
  std::string path = options.credentials_file;
  if (path.empty()) {
    const char* variable = std::getenv(kEtcdAuthFileVariable);
    if (variable != nullptr) path = variable;
  }
  if (path.empty()) return user;
  const auto file = ReadRegularFile(path, kMaxAuthFile);
  if (!file.ok()) {
    return absl::Status(
        file.status().code(),
        absl::StrCat("credentials file ", path, ": ", file.status().message()));
  }
  const absl::string_view line = absl::StripAsciiWhitespace(file->text);
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos || colon == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "credentials file ", path, ": write user:password in its one line"));
  }
  user.set_name(std::string(line.substr(0, colon)));
  user.set_password(std::string(line.substr(colon + 1)));
  return user;
}

// Makes the call as a generated stub does.  `method` must be a string literal.
template <typename Request, typename Response>
std::unique_ptr<grpc::ClientAsyncReaderWriter<Request, Response>> StartStream(
    grpc::ChannelInterface& channel, const char* method,
    grpc::ClientContext* context, grpc::CompletionQueue* queue, void* tag) {
  return std::unique_ptr<grpc::ClientAsyncReaderWriter<Request, Response>>(
      grpc::internal::ClientAsyncReaderWriterFactory<Request, Response>::Create(
          &channel, queue, RpcMethod(method, RpcMethod::BIDI_STREAMING),
          context, /*start=*/true, tag));
}

// The reason why a watch has ended, if it has.
absl::Status StatusOfWatch(const WatchResponse& response) {
  if (response.compact_revision() != 0) {
    return absl::OutOfRangeError(absl::StrCat("changes before revision ",
                                              response.compact_revision(),
                                              " are compacted away"));
  }
  if (!response.canceled()) return absl::OkStatus();
  return FromServer(
      grpc::Status(grpc::StatusCode::UNAVAILABLE,
                   absl::StrCat("watch canceled: ", response.cancel_reason())));
}

}  // namespace

absl::Status FromServer(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      Excerpt(status.error_message(), kMaxServerText));
}

EtcdSession::EtcdSession(const Endpoint& server, EtcdOptions options,
                         StoppableCalls& calls)
    : server_(server.address()),
      options_(std::move(options)),
      calls_(calls),
      channel_(MakeChannel(server_, options_)) {}

void EtcdSession::Prepare(grpc::ClientContext& context) const {
  // Without this, a server that has lost contact with the other members would
  // stay silent without end.
  context.AddMetadata("hasleader", "true");
  if (!token_.empty()) context.AddMetadata("token", token_);
}

absl::Status EtcdSession::Named(const absl::Status& status) const {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(server_, ": ", status.message()));
}

template <typename Response, typename Request>
absl::StatusOr<Response> EtcdSession::Unary(const char* method,
                                            const Request& request) {
  grpc::ClientContext context;
  Prepare(context);
  context.set_deadline(DeadlineAfter(options_.call_timeout));
  Response response;
  grpc::Status status;
  const std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> call(
      grpc::internal::ClientAsyncResponseReaderHelper::Create<Response>(
          channel_.get(), calls_.queue(),
          RpcMethod(method, RpcMethod::NORMAL_RPC), &context, request));
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  calls_.Finish(context);
  if (!status.ok()) return Named(FromServer(status));
  return response;
}

absl::Status EtcdSession::Authenticate() {
  const auto user = UserOf(options_);
  if (!user.ok()) return user.status();
  if (user->name().empty()) return absl::OkStatus();
  auto answer =
      Unary<AuthenticateResponse>("/etcdserverpb.Auth/Authenticate", *user);
  if (absl::IsFailedPrecondition(answer.status())) {
    return absl::OkStatus();  // The server has no users.
  }
  if (!answer.ok()) return answer.status();
  if (!IsToken(answer->token())) {
    return Named(absl::InternalError("the user's token is not printable"));
  }
  token_ = std::move(*answer->mutable_token());
  return absl::OkStatus();
}

absl::StatusOr<RangeResponse> EtcdSession::Range(
    const etcd::RangeRequest& request) {
  return Unary<RangeResponse>("/etcdserverpb.KV/Range", request);
}

absl::StatusOr<PutResponse> EtcdSession::Put(const etcd::PutRequest& request) {
  return Unary<PutResponse>("/etcdserverpb.KV/Put", request);
}

absl::StatusOr<LeaseGrantResponse> EtcdSession::LeaseGrant(
    const etcd::LeaseGrantRequest& request) {
  return Unary<LeaseGrantResponse>("/etcdserverpb.Lease/LeaseGrant", request);
}

absl::StatusOr<LeaseRevokeResponse> EtcdSession::LeaseRevoke(
    const etcd::LeaseRevokeRequest& request) {
  return Unary<LeaseRevokeResponse>("/etcdserverpb.Lease/LeaseRevoke", request);
}

absl::Status EtcdSession::Watch(absl::string_view prefix, int64_t revision) {
  watch_ = std::make_unique<WatchStream>(calls_);
  Prepare(watch_->context());
  absl::Status status = watch_->Start(
      [this](auto* context, auto* queue, void* tag) {
        return StartStream<etcd::WatchRequest, WatchResponse>(
            *channel_, "/etcdserverpb.Watch/Watch", context, queue, tag);
      },
      options_.call_timeout);
  if (!status.ok()) return Named(status);
  etcd::WatchRequest request;
  etcd::WatchCreateRequest* const create = request.mutable_create_request();
  create->set_key(std::string(prefix));
  create->set_range_end(EndOfPrefix(prefix));
  create->set_start_revision(revision);
  create->set_fragment(true);
  status = watch_->Write(request, options_.call_timeout);
  if (!status.ok()) return Named(status);
  const auto created = NextEvents(options_.call_timeout);
  if (!created.ok()) return created.status();
  if (!created->has_value() || !(*created)->created()) {
    return Named(absl::DeadlineExceededError("no watch in time"));
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::optional<WatchResponse>> EtcdSession::NextEvents(
    absl::Duration timeout) {
  auto response = watch_->Read(timeout);
  if (!response.ok()) return Named(response.status());
  if (response->has_value()) {
    const absl::Status status = StatusOfWatch(**response);
    if (!status.ok()) return Named(status);
  }
  return response;
}

absl::StatusOr<absl::Duration> EtcdSession::KeepAlive(int64_t lease) {
  absl::Status status;
  if (keep_alive_ == nullptr) {
    keep_alive_ = std::make_unique<LeaseStream>(calls_);
    Prepare(keep_alive_->context());
    status = keep_alive_->Start(
        [this](auto* context, auto* queue, void* tag) {
          return StartStream<etcd::LeaseKeepAliveRequest,
                             etcd::LeaseKeepAliveResponse>(
              *channel_, "/etcdserverpb.Lease/LeaseKeepAlive", context, queue,
              tag);
        },
        options_.call_timeout);
    if (!status.ok()) return Named(status);
  }
  etcd::LeaseKeepAliveRequest request;
  request.set_id(lease);
  status = keep_alive_->Write(request, options_.call_timeout);
  if (!status.ok()) return Named(status);
  const auto answer = keep_alive_->Read(options_.call_timeout);
  if (!answer.ok()) return Named(answer.status());
  if (!answer->has_value()) {
    return Named(absl::DeadlineExceededError("no answer in time"));
  }
  return absl::Seconds((*answer)->ttl());
}

}  // namespace multi_backend
