#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/observability/admin/admin.grpc.pb.h"
#include "multi_backend/tools/mb/admin/admin_client.h"
#include "multi_backend/tools/mb/admin/messages.h"

namespace multi_backend {
namespace mb {
namespace {

using admin::v1::Admin;
using grpc::ClientContext;

constexpr absl::Duration kTimeout = absl::Seconds(10);
constexpr int kMaxAnswerBytes = 16 << 20;

class GrpcAdminClient final : public AdminClient {
 public:
  explicit GrpcAdminClient(const AdminAddress& address)
      : address_(address.address), token_(address.token) {
    std::shared_ptr<grpc::ChannelCredentials> credentials =
        grpc::InsecureChannelCredentials();
    if (address.tls || !address.ca_pem.empty()) {
      grpc::SslCredentialsOptions tls;
      tls.pem_root_certs = address.ca_pem;
      credentials = grpc::SslCredentials(tls);
    }
    grpc::ChannelArguments args;
    // A proxy of the environment is not meant for an operator's question.
    args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    args.SetMaxReceiveMessageSize(kMaxAnswerBytes);
    stub_ = Admin::NewStub(
        grpc::CreateCustomChannel(address.address, credentials, args));
  }

  absl::StatusOr<admin::v1::Status> GetStatus(
      const std::string& target) override {
    admin::v1::GetStatusRequest request;
    request.set_target(target);
    return Ask<admin::v1::Status>(&Admin::Stub::GetStatus, request);
  }

  absl::StatusOr<admin::v1::Calls> GetCalls(
      const admin::v1::GetCallsRequest& request) override {
    return Ask<admin::v1::Calls>(&Admin::Stub::GetCalls, request);
  }

  absl::Status WatchEvents(
      const admin::v1::WatchEventsRequest& request,
      const std::function<void(const admin::v1::Event&)>& on_event) override {
    ClientContext context;
    Prepare(context);
    if (!request.kept_only()) {
      context.set_deadline(std::chrono::system_clock::time_point::max());
    }
    const auto reader = stub_->WatchEvents(&context, request);
    admin::v1::Event event;
    while (reader->Read(&event)) on_event(event);
    return Explained(reader->Finish());
  }

  absl::StatusOr<admin::v1::ActionResult> Act(const Action& action) override {
    using Result = admin::v1::ActionResult;
    switch (action.kind) {
      case ActionKind::kMarkUnhealthy:
        return Ask<Result>(&Admin::Stub::MarkUnhealthy,
                           BackendRequestOf(action));
      case ActionKind::kMarkHealthy:
        return Ask<Result>(&Admin::Stub::MarkHealthy, BackendRequestOf(action));
      case ActionKind::kDrain:
        return Ask<Result>(&Admin::Stub::Drain, DrainRequestOf(action));
      case ActionKind::kUndrain:
        return Ask<Result>(&Admin::Stub::Undrain, BackendRequestOf(action));
      case ActionKind::kSetWeight:
        return Ask<Result>(&Admin::Stub::SetWeight, SetWeightRequestOf(action));
      case ActionKind::kResetWeight:
        return Ask<Result>(&Admin::Stub::ResetWeight, BackendRequestOf(action));
      case ActionKind::kResetBackoff:
        return Ask<Result>(&Admin::Stub::ResetBackoff,
                           BackendRequestOf(action));
    }
    return absl::InternalError("unknown action");
  }

 private:
  template <typename Answer, typename Method, typename Request>
  absl::StatusOr<Answer> Ask(Method method, const Request& request) {
    ClientContext context;
    Prepare(context);
    Answer answer;
    const absl::Status status =
        Explained(((*stub_).*method)(&context, request, &answer));
    if (!status.ok()) return status;
    return answer;
  }

  void Prepare(ClientContext& context) const {
    context.set_deadline(absl::ToChronoTime(absl::Now() + kTimeout));
    if (!token_.empty()) {
      context.AddMetadata("authorization", absl::StrCat("Bearer ", token_));
    }
  }

  absl::Status Explained(const grpc::Status& status) const {
    if (status.ok()) return absl::OkStatus();
    const auto code = static_cast<absl::StatusCode>(status.error_code());
    if (code == absl::StatusCode::kUnimplemented) {
      return absl::UnimplementedError(absl::StrCat(
          address_,
          ": the server has no admin service: register MakeAdminService() "
          "with it, or ask its status page, http://host:port"));
    }
    return absl::Status(
        code, absl::StrCat(address_, ": ", absl::StatusCodeToString(code), ": ",
                           status.error_message()));
  }

  const std::string address_;
  const std::string token_;
  std::unique_ptr<Admin::Stub> stub_;
};

}  // namespace

std::unique_ptr<AdminClient> MakeGrpcAdminClient(const AdminAddress& address) {
  return std::make_unique<GrpcAdminClient>(address);
}

}  // namespace mb
}  // namespace multi_backend
