#include "multi_backend/examples/traffic.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace examples {
namespace {

using users::v1::UserReply;

constexpr size_t kErrorsKept = 5;

}  // namespace

Traffic::Traffic(const std::shared_ptr<grpc::Channel>& channel, Options options)
    : options_(std::move(options)),
      stub_(users::v1::Users::NewStub(channel)),
      begin_(absl::Now()) {
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back(&Traffic::Loop, this);
  }
}

void Traffic::Stop() {
  stopped_ = true;
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

Traffic::Totals Traffic::totals() const {
  absl::MutexLock lock(&mutex_);
  return totals_;
}

void Traffic::Loop() {
  while (!stopped_) {
    const int64_t number = next_.fetch_add(1);
    absl::SleepFor(begin_ + absl::Seconds(number / options_.calls_per_second) -
                   absl::Now());
    if (stopped_) return;
    const absl::Time start = absl::Now();
    const Outcome outcome = MakeCall(number);
    Record(outcome, number, absl::Now() - start);
  }
}

Traffic::Outcome Traffic::MakeCall(int64_t number) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + options_.call_timeout));
  UserReply reply;
  Outcome outcome;
  const int kind = number % 10;
  outcome.is_write = kind == 0 || kind == 3 || kind == 6;
  outcome.status = outcome.is_write ? Write(kind, number, &context, &reply)
                                    : Read(kind, number, &context, &reply);
  outcome.served_by = reply.served_by();
  return outcome;
}

grpc::Status Traffic::Write(int kind, int64_t number,
                            grpc::ClientContext* context, UserReply* reply) {
  const std::string id = absl::StrCat(number);
  if (kind == 0) {
    users::v1::CreateUserRequest request;
    request.mutable_user()->set_id(id);
    return stub_->CreateUser(context, request, reply);
  }
  if (kind == 3) {
    users::v1::UpdateUserRequest request;
    request.mutable_user()->set_id(id);
    return stub_->UpdateUser(context, request, reply);
  }
  users::v1::DeleteUserRequest request;
  request.set_user_id(id);
  return stub_->DeleteUser(context, request, reply);
}

grpc::Status Traffic::Read(int kind, int64_t number,
                           grpc::ClientContext* context, UserReply* reply) {
  const std::string id = absl::StrCat(number);
  if (kind == 9) {
    auto reader = stub_->ListUsers(context, users::v1::ListUsersRequest());
    while (reader->Read(reply)) {
    }
    return reader->Finish();
  }
  if (kind % 2 == 0) {
    users::v1::FindUserRequest request;
    request.set_name(id);
    return stub_->FindUser(context, request, reply);
  }
  users::v1::GetUserRequest request;
  request.set_user_id(id);
  return stub_->GetUser(context, request, reply);
}

void Traffic::Record(const Outcome& outcome, int64_t number,
                     absl::Duration latency) {
  absl::MutexLock lock(&mutex_);
  ++totals_.calls;
  totals_.latencies.push_back(latency);
  if (outcome.is_write) ++totals_.writes;
  if (!outcome.status.ok()) {
    ++totals_.failed;
    if (totals_.first_errors.size() < kErrorsKept) {
      totals_.first_errors.push_back(absl::StrCat(
          outcome.is_write ? "write " : "read ", number, ": ",
          absl::StatusCodeToString(
              static_cast<absl::StatusCode>(outcome.status.error_code())),
          ": ", outcome.status.error_message()));
    }
  } else if (outcome.is_write &&
             outcome.served_by != options_.writes_served_by) {
    ++totals_.misplaced_writes;
  }
}

}  // namespace examples
