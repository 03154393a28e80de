#include "multi_backend/examples/backend_model.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"

namespace examples {
namespace {

using users::v1::BackendStats;
using users::v1::Behaviour;

// How often a waiting call checks whether its client has gone; see the header.
constexpr absl::Duration kCancelPollInterval = absl::Milliseconds(20);

absl::optional<grpc::StatusCode> StatusCodeByName(absl::string_view name) {
  for (int code = grpc::CANCELLED; code <= grpc::UNAUTHENTICATED; ++code) {
    if (absl::StatusCodeToString(static_cast<absl::StatusCode>(code)) == name) {
      return static_cast<grpc::StatusCode>(code);
    }
  }
  return absl::nullopt;
}

std::string View(grpc::string_ref text) {
  return std::string(text.data(), text.size());
}

}  // namespace

BackendModel::BackendModel(const Options& options) : options_(options) {
  stats_.set_name(options_.name);
  stats_.set_role(options_.role);
  if (!options_.metadata_dump.empty()) {
    dump_.open(options_.metadata_dump, std::ios::app);
  }
}

absl::Status BackendModel::SetBehaviour(const Behaviour& behaviour) {
  if (!behaviour.fail_code().empty() &&
      !StatusCodeByName(behaviour.fail_code())) {
    return absl::InvalidArgumentError(
        absl::StrCat("fail_code must be the name of an error, as UNAVAILABLE; "
                     "it is \"",
                     absl::CHexEscape(behaviour.fail_code()), "\""));
  }
  // gRPC aborts the process on metadata that HTTP/2 cannot carry.
  if (!std::all_of(behaviour.pushback_ms().begin(),
                   behaviour.pushback_ms().end(), absl::ascii_isprint)) {
    return absl::InvalidArgumentError("pushback_ms must be printable ASCII");
  }
  if (behaviour.fail_every() < 0 || behaviour.delay_ms() < 0 ||
      behaviour.workers() < 0) {
    return absl::InvalidArgumentError(
        "fail_every, delay_ms and workers must be >= 0");
  }
  std::function<void(bool)> serving;
  {
    absl::MutexLock lock(&mutex_);
    behaviour_ = behaviour;
    admitted_ = 0;
    serving = serving_;
    changed_.SignalAll();
  }
  if (serving != nullptr) serving(!behaviour.not_serving());
  return absl::OkStatus();
}

void BackendModel::WatchServing(std::function<void(bool)> serving) {
  bool not_serving;
  {
    absl::MutexLock lock(&mutex_);
    serving_ = serving;
    not_serving = behaviour_.not_serving();
  }
  serving(!not_serving);
}

BackendStats BackendModel::GetStats(bool reset) {
  absl::MutexLock lock(&mutex_);
  BackendStats stats = stats_;
  if (reset) {
    stats_.clear_calls();
    stats_.clear_failed();
    stats_.clear_cancelled();
    stats_.set_max_in_flight(stats_.in_flight());
  }
  return stats;
}

void BackendModel::ShutDown() {
  absl::MutexLock lock(&mutex_);
  shut_down_ = true;
  changed_.SignalAll();
}

bool BackendModel::WaitLocked(absl::Time deadline,
                              const grpc::ServerContext& context) {
  changed_.WaitWithDeadline(
      &mutex_, std::min(deadline, absl::Now() + kCancelPollInterval));
  if (shut_down_) return false;
  // gRPC polls its connections for the answer.  If a hundred waiting calls did
  // that with the mutex, nobody else would get it.
  mutex_.Unlock();
  const bool cancelled = context.IsCancelled();
  mutex_.Lock();
  return !cancelled;
}

bool BackendModel::HasFreeWorkerLocked() const {
  return behaviour_.workers() == 0 || busy_workers_ < behaviour_.workers();
}

void BackendModel::DumpMetadata(absl::string_view method,
                                const grpc::ServerContext& context) {
  if (options_.metadata_dump.empty()) return;
  absl::MutexLock lock(&dump_mutex_);
  for (const auto& entry : context.client_metadata()) {
    dump_ << method << '\t' << View(entry.first) << '\t'
          << absl::CHexEscape(View(entry.second)) << '\n';
  }
  dump_.flush();
}

BackendModel::Call::Call(BackendModel* model, absl::string_view method,
                         grpc::ServerContext* context)
    : model_(model), context_(context) {
  context_->AddTrailingMetadata("served-by", model_->options_.name);
  model_->DumpMetadata(method, *context_);
  absl::MutexLock lock(&model_->mutex_);
  BackendStats& stats = model_->stats_;
  ++(*stats.mutable_calls())[std::string(method)];
  stats.set_in_flight(stats.in_flight() + 1);
  stats.set_max_in_flight(std::max(stats.max_in_flight(), stats.in_flight()));
}

BackendModel::Call::~Call() {
  const bool cancelled = context_->IsCancelled();
  absl::MutexLock lock(&model_->mutex_);
  BackendStats& stats = model_->stats_;
  stats.set_in_flight(stats.in_flight() - 1);
  if (cancelled) stats.set_cancelled(stats.cancelled() + 1);
  if (has_worker_) {
    --model_->busy_workers_;
    model_->changed_.SignalAll();
  }
}

grpc::Status BackendModel::Call::Admit() {
  const grpc::Status gone(
      grpc::StatusCode::UNAVAILABLE,
      absl::StrCat("backend ", model_->name(), " stopped waiting"));
  {
    absl::MutexLock lock(&model_->mutex_);
    while (model_->behaviour_.hang() || !model_->HasFreeWorkerLocked()) {
      if (!model_->WaitLocked(absl::InfiniteFuture(), *context_)) return gone;
    }
    ++model_->busy_workers_;
    has_worker_ = true;
    behaviour_ = model_->behaviour_;
    const int64_t number = ++model_->admitted_;
    fails_ = !behaviour_.fail_code().empty() &&
             number % std::max<int64_t>(behaviour_.fail_every(), 1) == 0;
    const absl::Time due =
        absl::Now() + absl::Milliseconds(behaviour_.delay_ms());
    while (absl::Now() < due) {
      if (!model_->WaitLocked(due, *context_)) return gone;
    }
  }
  return behaviour_.fail_when() == Behaviour::BEFORE_FIRST_RESPONSE
             ? Fail()
             : grpc::Status::OK;
}

grpc::Status BackendModel::Call::AfterFirstResponse() {
  return behaviour_.fail_when() == Behaviour::AFTER_FIRST_RESPONSE
             ? Fail()
             : grpc::Status::OK;
}

grpc::Status BackendModel::Call::Fail() {
  if (!fails_) return grpc::Status::OK;
  fails_ = false;
  if (!behaviour_.pushback_ms().empty()) {
    context_->AddTrailingMetadata("grpc-retry-pushback-ms",
                                  behaviour_.pushback_ms());
  }
  {
    absl::MutexLock lock(&model_->mutex_);
    model_->stats_.set_failed(model_->stats_.failed() + 1);
  }
  return grpc::Status(
      *StatusCodeByName(behaviour_.fail_code()),
      absl::StrCat("backend ", model_->name(), " was told to fail"),
      behaviour_.fail_details());
}

}  // namespace examples
