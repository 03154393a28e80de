// The users service and the control service of one demonstration backend.
//
// Both only translate between gRPC and BackendModel.  Thread-safe.
#ifndef MULTI_BACKEND_EXAMPLES_USERS_SERVICE_H_
#define MULTI_BACKEND_EXAMPLES_USERS_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "absl/strings/string_view.h"
#include "multi_backend/examples/backend_model.h"
#include "multi_backend/examples/users.grpc.pb.h"

namespace examples {

class UsersService final : public users::v1::Users::Service {
 public:
  // `model` is not owned and must outlive the service.
  explicit UsersService(BackendModel* model) : model_(model) {}

  grpc::Status CreateUser(grpc::ServerContext* context,
                          const users::v1::CreateUserRequest* request,
                          users::v1::UserReply* reply) override;
  grpc::Status UpdateUser(grpc::ServerContext* context,
                          const users::v1::UpdateUserRequest* request,
                          users::v1::UserReply* reply) override;
  grpc::Status DeleteUser(grpc::ServerContext* context,
                          const users::v1::DeleteUserRequest* request,
                          users::v1::UserReply* reply) override;
  grpc::Status FindUser(grpc::ServerContext* context,
                        const users::v1::FindUserRequest* request,
                        users::v1::UserReply* reply) override;
  grpc::Status GetUser(grpc::ServerContext* context,
                       const users::v1::GetUserRequest* request,
                       users::v1::UserReply* reply) override;
  grpc::Status ListUsers(
      grpc::ServerContext* context, const users::v1::ListUsersRequest* request,
      grpc::ServerWriter<users::v1::UserReply>* writer) override;
  grpc::Status WatchUsers(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<users::v1::UserReply,
                               users::v1::WatchUsersRequest>* stream) override;

 private:
  grpc::Status AnswerUnary(grpc::ServerContext* context,
                           absl::string_view method, absl::string_view id,
                           absl::string_view name, users::v1::UserReply* reply);

  BackendModel* const model_;
};

class BackendControlService final : public users::v1::BackendControl::Service {
 public:
  // `model` is not owned and must outlive the service.
  explicit BackendControlService(BackendModel* model) : model_(model) {}

  grpc::Status GetStats(grpc::ServerContext* context,
                        const users::v1::GetStatsRequest* request,
                        users::v1::BackendStats* reply) override;
  grpc::Status SetBehaviour(grpc::ServerContext* context,
                            const users::v1::Behaviour* request,
                            users::v1::SetBehaviourReply* reply) override;

 private:
  BackendModel* const model_;
};

}  // namespace examples

#endif  // MULTI_BACKEND_EXAMPLES_USERS_SERVICE_H_
