#include "multi_backend/examples/users_service.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace examples {
namespace {

using grpc::ServerContext;
using grpc::Status;
using users::v1::UserReply;

constexpr int kDefaultListCount = 3;

UserReply MakeReply(absl::string_view id, absl::string_view name,
                    absl::string_view served_by) {
  UserReply reply;
  reply.mutable_user()->set_id(std::string(id));
  reply.mutable_user()->set_name(std::string(name));
  reply.set_served_by(std::string(served_by));
  return reply;
}

std::string NameOfUser(absl::string_view id) {
  return absl::StrCat("user ", id);
}

}  // namespace

Status UsersService::AnswerUnary(ServerContext* context,
                                 absl::string_view method, absl::string_view id,
                                 absl::string_view name, UserReply* reply) {
  BackendModel::Call call(model_, method, context);
  Status admitted = call.Admit();
  if (!admitted.ok()) return admitted;
  // A unary call has one response, so both moments are the same.
  Status after = call.AfterFirstResponse();
  if (!after.ok()) return after;
  *reply = MakeReply(id, name, model_->name());
  return Status::OK;
}

Status UsersService::CreateUser(ServerContext* context,
                                const users::v1::CreateUserRequest* request,
                                UserReply* reply) {
  return AnswerUnary(context, "CreateUser", request->user().id(),
                     request->user().name(), reply);
}

Status UsersService::UpdateUser(ServerContext* context,
                                const users::v1::UpdateUserRequest* request,
                                UserReply* reply) {
  return AnswerUnary(context, "UpdateUser", request->user().id(),
                     request->user().name(), reply);
}

Status UsersService::DeleteUser(ServerContext* context,
                                const users::v1::DeleteUserRequest* request,
                                UserReply* reply) {
  return AnswerUnary(context, "DeleteUser", request->user_id(), "", reply);
}

Status UsersService::FindUser(ServerContext* context,
                              const users::v1::FindUserRequest* request,
                              UserReply* reply) {
  return AnswerUnary(context, "FindUser", "1", request->name(), reply);
}

Status UsersService::GetUser(ServerContext* context,
                             const users::v1::GetUserRequest* request,
                             UserReply* reply) {
  return AnswerUnary(context, "GetUser", request->user_id(),
                     NameOfUser(request->user_id()), reply);
}

Status UsersService::ListUsers(ServerContext* context,
                               const users::v1::ListUsersRequest* request,
                               grpc::ServerWriter<UserReply>* writer) {
  BackendModel::Call call(model_, "ListUsers", context);
  Status admitted = call.Admit();
  if (!admitted.ok()) return admitted;
  const int count =
      request->count() == 0 ? kDefaultListCount : request->count();
  for (int i = 1; i <= count; ++i) {
    const std::string id = absl::StrCat(i);
    if (!writer->Write(MakeReply(id, NameOfUser(id), model_->name()))) {
      return Status::CANCELLED;
    }
    if (i > 1) continue;
    Status after = call.AfterFirstResponse();
    if (!after.ok()) return after;
  }
  return Status::OK;
}

Status UsersService::WatchUsers(
    ServerContext* context,
    grpc::ServerReaderWriter<UserReply, users::v1::WatchUsersRequest>* stream) {
  BackendModel::Call call(model_, "WatchUsers", context);
  Status admitted = call.Admit();
  if (!admitted.ok()) return admitted;
  users::v1::WatchUsersRequest request;
  for (bool first = true; stream->Read(&request); first = false) {
    const std::string& id = request.user_id();
    if (!stream->Write(MakeReply(id, NameOfUser(id), model_->name()))) {
      return Status::CANCELLED;
    }
    if (!first) continue;
    Status after = call.AfterFirstResponse();
    if (!after.ok()) return after;
  }
  return Status::OK;
}

Status BackendControlService::GetStats(
    ServerContext* /*context*/, const users::v1::GetStatsRequest* request,
    users::v1::BackendStats* reply) {
  *reply = model_->GetStats(request->reset());
  return Status::OK;
}

Status BackendControlService::SetBehaviour(
    ServerContext* /*context*/, const users::v1::Behaviour* request,
    users::v1::SetBehaviourReply* /*reply*/) {
  const absl::Status status = model_->SetBehaviour(*request);
  return Status(static_cast<grpc::StatusCode>(status.code()),
                std::string(status.message()));
}

}  // namespace examples
