#include "multi_backend/tests/testing/users_client.h"

#include <algorithm>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/backend_pool.h"

namespace multi_backend {
namespace {

using examples::users::v1::UserReply;
using examples::users::v1::Users;

constexpr absl::Duration kPollInterval = absl::Milliseconds(1);

std::string NextCallId() {
  static std::atomic<int64_t> next{1};
  return absl::StrCat("call-", next.fetch_add(1));
}

grpc::Status Send(Users::Stub& stub, grpc::ClientContext* context,
                  const UsersCall& call, UserReply* reply) {
  if (call.method == "GetUser") {
    examples::users::v1::GetUserRequest request;
    request.set_user_id(call.user_id);
    return stub.GetUser(context, request, reply);
  }
  if (call.method == "FindUser") {
    examples::users::v1::FindUserRequest request;
    request.set_name(call.user_id);
    return stub.FindUser(context, request, reply);
  }
  if (call.method == "CreateUser") {
    examples::users::v1::CreateUserRequest request;
    request.mutable_user()->set_id(call.user_id);
    return stub.CreateUser(context, request, reply);
  }
  if (call.method == "UpdateUser") {
    examples::users::v1::UpdateUserRequest request;
    request.mutable_user()->set_id(call.user_id);
    return stub.UpdateUser(context, request, reply);
  }
  if (call.method == "DeleteUser") {
    examples::users::v1::DeleteUserRequest request;
    request.set_user_id(call.user_id);
    return stub.DeleteUser(context, request, reply);
  }
  std::cerr << "no unary method " << call.method << std::endl;
  abort();
}

}  // namespace

bool WaitUntil(absl::FunctionRef<bool()> condition, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(kPollInterval);
  }
  return true;
}

size_t ListedBackends(const BackendPool& pool) {
  size_t listed = 0;
  for (const BackendSnapshot& backend : pool.GetAllBackends()) {
    listed += !backend.absent;
  }
  return listed;
}

std::string ServiceConfig(absl::string_view policy, absl::string_view routing) {
  return absl::StrCat(R"({"loadBalancingConfig":[{"multi_backend":{)", policy,
                      R"(}}],"multiBackend":{)", routing, "}}");
}

std::string CallOutcome::ToString() const {
  return absl::StrCat(id, ": code ", status.error_code(), " \"",
                      status.error_message(), "\", answered by \"", answered_by,
                      "\" after ", absl::FormatDuration(took));
}

absl::StatusOr<std::unique_ptr<UsersClient>> UsersClient::Make(
    const std::string& target, ChannelOptions options) {
  if (options.pool == nullptr) options.pool = BackendPool::Create();
  std::shared_ptr<BackendPool> pool = options.pool;
  auto channel = CreateChannel(target, grpc::InsecureChannelCredentials(),
                               std::move(options));
  if (!channel.ok()) return channel.status();
  return std::unique_ptr<UsersClient>(
      new UsersClient(*channel, std::move(pool)));
}

absl::StatusOr<std::unique_ptr<UsersClient>> UsersClient::Make(
    const std::string& target, std::string service_config) {
  ChannelOptions options;
  options.service_config_json = std::move(service_config);
  return Make(target, std::move(options));
}

UsersClient::UsersClient(const std::shared_ptr<grpc::Channel>& channel,
                         std::shared_ptr<BackendPool> pool)
    : stub_(Users::NewStub(channel)), pool_(std::move(pool)) {}

CallOutcome UsersClient::Call(const UsersCall& call) {
  grpc::ClientContext context;
  return Call(call, context);
}

CallOutcome UsersClient::Call(const UsersCall& call,
                              grpc::ClientContext& context) {
  CallOutcome outcome;
  outcome.id = NextCallId();
  const absl::Time start = absl::Now();
  context.set_deadline(absl::ToChronoTime(start + call.timeout));
  context.set_wait_for_ready(call.wait_for_ready);
  context.AddMetadata(kCallIdKey, outcome.id);
  for (const auto& entry : call.metadata) {
    context.AddMetadata(entry.first, entry.second);
  }
  UserReply reply;
  outcome.status = Send(*stub_, &context, call, &reply);
  outcome.took = absl::Now() - start;
  outcome.served_by = reply.served_by();
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto answered_by = trailers.find("served-by");
  if (answered_by != trailers.end()) {
    outcome.answered_by.assign(answered_by->second.data(),
                               answered_by->second.size());
  }
  return outcome;
}

bool UsersClient::ConnectTo(const std::vector<std::string>& addresses) {
  int key = 0;
  return WaitUntil([this, &addresses, &key]() {
    UsersCall call;
    call.wait_for_ready = true;
    call.metadata = {{"x-key", absl::StrCat("connect-", ++key)}};
    Call(call);
    return std::all_of(addresses.begin(), addresses.end(),
                       [this](const std::string& address) {
                         return Backend(address).calls > 0;
                       });
  });
}

bool UsersClient::AwaitHealth(absl::string_view address, bool healthy) {
  return WaitUntil([this, address, healthy]() {
    if (Backend(address).healthy == healthy) return true;
    UsersCall call;
    call.timeout = absl::Seconds(1);
    Call(call);
    return false;
  });
}

BackendSnapshot UsersClient::Backend(absl::string_view address) const {
  for (BackendSnapshot& backend : pool_->GetAllBackends()) {
    if (backend.address == address) return std::move(backend);
  }
  return BackendSnapshot();
}

int64_t UsersClient::InFlight() const {
  int64_t in_flight = 0;
  for (const BackendSnapshot& backend : pool_->GetAllBackends()) {
    in_flight += backend.in_flight;
  }
  return in_flight;
}

uint64_t UsersClient::Attempts() const {
  uint64_t attempts = 0;
  for (const BackendSnapshot& backend : pool_->GetAllBackends()) {
    attempts += backend.calls;
  }
  return attempts;
}

PendingCall::PendingCall(UsersClient& client, UsersCall call) {
  thread_ = std::thread([this, &client, call = std::move(call)]() {
    outcome_ = client.Call(call, context_);
    done_.store(true);
  });
}

PendingCall::~PendingCall() {
  Cancel();
  Wait();
}

const CallOutcome& PendingCall::Wait() {
  if (thread_.joinable()) thread_.join();
  return outcome_;
}

}  // namespace multi_backend
