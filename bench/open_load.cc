#include "multi_backend/bench/open_load.h"

#include <utility>

#include "absl/time/clock.h"

namespace multi_backend {

struct OpenLoad::Call {
  grpc::ClientContext context;
  examples::users::v1::GetUserRequest request;
  examples::users::v1::UserReply reply;
  TimedCall record;
};

OpenLoad::OpenLoad(examples::users::v1::Users::Stub& stub,
                   const Options& options)
    : stub_(stub), options_(options), thread_([this]() { Run(); }) {}

OpenLoad::~OpenLoad() { Stop(); }

void OpenLoad::Run() {
  const absl::Time begin = absl::Now();
  while (!stop_.load()) {
    const auto due = static_cast<uint64_t>(
        absl::ToDoubleSeconds(absl::Now() - begin) * options_.rate);
    while (begun_.load() < due) Begin();
    // This sets the pace of the load; it does not wait for an event.
    absl::SleepFor(absl::Milliseconds(1));
  }
}

void OpenLoad::Begin() {
  begun_.fetch_add(1);
  auto* call = new Call;
  call->record.start = absl::Now();
  call->context.set_deadline(
      absl::ToChronoTime(call->record.start + options_.deadline));
  call->context.set_wait_for_ready(options_.wait_for_ready);
  stub_.async()->GetUser(
      &call->context, &call->request, &call->reply,
      [this, call](const grpc::Status& status) { End(call, status); });
}

void OpenLoad::End(Call* call, const grpc::Status& status) {
  TimedCall record = std::move(call->record);
  record.end = absl::Now();
  record.code = status.error_code();
  record.message = status.error_message();
  record.served_by = call->reply.served_by();
  delete call;
  MutexLock lock(&mutex_);
  records_.push_back(std::move(record));
  // Notify under the lock, because the waiting thread may destroy this object
  // right after.
  ended_.SignalAll();
}

std::vector<TimedCall> OpenLoad::Stop() {
  stop_.store(true);
  if (thread_.joinable()) thread_.join();
  MutexLock lock(&mutex_);
  while (records_.size() < begun_.load()) ended_.Wait(&mutex_);
  begun_.store(0);
  return std::move(records_);
}

}  // namespace multi_backend
