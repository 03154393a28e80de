#include "multi_backend/observability/admin/grpc/admin_service.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multi_backend/observability/admin/act.h"
#include "multi_backend/observability/admin/action.h"
#include "multi_backend/observability/admin/admin.grpc.pb.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/observability/admin/asked_for.h"
#include "multi_backend/observability/admin/event_log.h"

namespace multi_backend {
namespace {

using admin::v1::ActionResult;
using admin::v1::BackendRequest;

// How soon a watcher notices that its caller has gone.
constexpr absl::Duration kWatchPause = absl::Milliseconds(200);

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message()));
}

// "ipv4:10.0.0.9:40312", with the name by which the caller has proved who it
// is.
std::string CallerOf(const grpc::ServerContext& context) {
  std::string caller = absl::StrCat(context.peer(), " over gRPC");
  const auto auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return caller;
  for (const grpc::string_ref& name : auth->GetPeerIdentity()) {
    return absl::StrCat(std::string(name.data(), name.size()), " at ", caller);
  }
  return caller;
}

class AdminService final : public admin::v1::Admin::Service {
 public:
  AdminService(std::shared_ptr<Monitor> monitor, const AdminOptions& options)
      : monitor_(std::move(monitor)), options_(options) {}

  grpc::Status GetStatus(grpc::ServerContext*,
                         const admin::v1::GetStatusRequest* request,
                         admin::v1::Status* status) override {
    *status = monitor_->GetStatus(*request);
    status->set_actions_enabled(options_.enable_actions);
    return grpc::Status::OK;
  }

  grpc::Status GetCalls(grpc::ServerContext*,
                        const admin::v1::GetCallsRequest* request,
                        admin::v1::Calls* calls) override {
    *calls = monitor_->GetCalls(*request);
    return grpc::Status::OK;
  }

  grpc::Status GetConfig(grpc::ServerContext*,
                         const admin::v1::GetConfigRequest* request,
                         admin::v1::Config* config) override {
    *config = monitor_->GetConfig(*request);
    return grpc::Status::OK;
  }

  grpc::Status WatchEvents(
      grpc::ServerContext* context,
      const admin::v1::WatchEventsRequest* request,
      grpc::ServerWriter<admin::v1::Event>* writer) override {
    if (watchers_.fetch_add(1) >= options_.max_watchers) {
      watchers_.fetch_sub(1);
      return {grpc::StatusCode::RESOURCE_EXHAUSTED,
              absl::StrCat("there are ", options_.max_watchers,
                           " watchers already (AdminOptions::max_watchers)")};
    }
    Watch(*context, *request, *writer);
    watchers_.fetch_sub(1);
    return grpc::Status::OK;
  }

  grpc::Status MarkUnhealthy(grpc::ServerContext* context,
                             const BackendRequest* request,
                             ActionResult* result) override {
    return Run(*context, ActionOf(ActionKind::kMarkUnhealthy, *request),
               result);
  }
  grpc::Status MarkHealthy(grpc::ServerContext* context,
                           const BackendRequest* request,
                           ActionResult* result) override {
    return Run(*context, ActionOf(ActionKind::kMarkHealthy, *request), result);
  }
  grpc::Status Drain(grpc::ServerContext* context,
                     const admin::v1::DrainRequest* request,
                     ActionResult* result) override {
    return Run(*context, ActionOf(*request), result);
  }
  grpc::Status Undrain(grpc::ServerContext* context,
                       const BackendRequest* request,
                       ActionResult* result) override {
    return Run(*context, ActionOf(ActionKind::kUndrain, *request), result);
  }
  grpc::Status SetWeight(grpc::ServerContext* context,
                         const admin::v1::SetWeightRequest* request,
                         ActionResult* result) override {
    return Run(*context, ActionOf(*request), result);
  }
  grpc::Status ResetWeight(grpc::ServerContext* context,
                           const BackendRequest* request,
                           ActionResult* result) override {
    return Run(*context, ActionOf(ActionKind::kResetWeight, *request), result);
  }
  grpc::Status ResetBackoff(grpc::ServerContext* context,
                            const BackendRequest* request,
                            ActionResult* result) override {
    return Run(*context, ActionOf(ActionKind::kResetBackoff, *request), result);
  }

 private:
  void Watch(const grpc::ServerContext& context,
             const admin::v1::WatchEventsRequest& request,
             grpc::ServerWriter<admin::v1::Event>& writer) {
    uint64_t newest = request.after();
    while (!context.IsCancelled()) {
      for (const auto& event : monitor_->events().After(newest)) {
        newest = event->sequence();
        if (IsAskedFor(*event, request) && !writer.Write(*event)) return;
      }
      if (request.kept_only()) return;
      monitor_->events().WaitAfter(newest, kWatchPause);
    }
  }

  grpc::Status Run(const grpc::ServerContext& context,
                   const absl::StatusOr<Action>& action, ActionResult* result) {
    if (!options_.enable_actions) {
      return {grpc::StatusCode::PERMISSION_DENIED,
              "actions are off: the application turns them on with "
              "AdminOptions::enable_actions"};
    }
    if (!action.ok()) return ToGrpc(action.status());
    const auto done = Act(*monitor_, *action, CallerOf(context));
    if (!done.ok()) return ToGrpc(done.status());
    *result = *done;
    return grpc::Status::OK;
  }

  const std::shared_ptr<Monitor> monitor_;
  const AdminOptions options_;
  std::atomic<int> watchers_{0};
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(
    std::shared_ptr<Monitor> monitor, AdminOptions options) {
  return std::make_unique<AdminService>(std::move(monitor), options);
}

}  // namespace multi_backend
