#include "multi_backend/tools/mb/press/press.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "multi_backend/sync/mutex.h"
#include "multi_backend/tools/mb/press/tally.h"

namespace multi_backend {
namespace mb {
namespace {

using Clock = std::chrono::steady_clock;

absl::Duration Since(Clock::time_point start) {
  return absl::FromChrono(Clock::now() - start);
}

class Load {
 public:
  Load(const std::shared_ptr<grpc::Channel>& channel,
       const PressOptions& options)
      : options_(options), stub_(channel) {
    const grpc::Slice slice(options.payload);
    request_ = grpc::ByteBuffer(&slice, 1);
  }

  // Starts calls until `end`.
  void RunUntil(Clock::time_point end) ABSL_LOCKS_EXCLUDED(mutex_) {
    while (Clock::now() < end && !AllStarted()) {
      const Clock::time_point due = NextDue();
      bool start = false;
      {
        MutexLock lock(&mutex_);
        while (!start && Clock::now() < end) {
          const bool is_due = Clock::now() >= due;
          start = is_due && in_flight_ < options_.concurrency;
          if (start) break;
          changed_.WaitUntil(&mutex_, is_due ? end : std::min(due, end));
        }
        if (start) ++in_flight_;
      }
      if (start) Start();
    }
  }

  // Of the thread that starts calls, as RunUntil().
  bool AllStarted() const {
    return options_.calls > 0 && started_ >= options_.calls;
  }

  // Every call has a deadline.
  void AwaitAll() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (in_flight_ > 0) changed_.Wait(&mutex_);
  }

  // What has been counted since the last call.
  PressTally Take() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return std::exchange(tally_, PressTally());
  }

 private:
  struct Call {
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    Clock::time_point start;
  };

  Clock::time_point NextDue() const {
    if (options_.qps <= 0) return begin_;
    return begin_ + std::chrono::nanoseconds(static_cast<int64_t>(
                        1e9 * static_cast<double>(started_) / options_.qps));
  }

  void Start() {
    ++started_;
    auto call = std::make_unique<Call>();
    for (const auto& [key, value] : options_.metadata) {
      call->context.AddMetadata(key, value);
    }
    call->context.set_deadline(
        absl::ToChronoTime(absl::Now() + options_.timeout));
    call->start = Clock::now();
    Call& started = *call.release();
    stub_.UnaryCall(&started.context, options_.method, {}, &request_,
                    &started.response,
                    [this, &started](const grpc::Status& status) {
                      const std::unique_ptr<Call> ended(&started);
                      OnEnd(*ended, status);
                    });
  }

  void OnEnd(const Call& call, const grpc::Status& status)
      ABSL_LOCKS_EXCLUDED(mutex_) {
    const absl::Duration latency = Since(call.start);
    const std::string backend = BackendOfPeer(call.context.peer());
    MutexLock lock(&mutex_);
    tally_.Add(backend, static_cast<absl::StatusCode>(status.error_code()),
               latency);
    --in_flight_;
    // With the lock: the last call lets the other thread destroy this object.
    changed_.SignalAll();
  }

  const PressOptions& options_;
  grpc::GenericStub stub_;
  grpc::ByteBuffer request_;
  const Clock::time_point begin_ = Clock::now();
  int64_t started_ = 0;  // Of the thread that starts calls.
  Mutex mutex_;
  CondVar changed_;
  int in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  PressTally tally_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

v1::PressReport Press(const std::shared_ptr<grpc::Channel>& channel,
                      const PressOptions& options,
                      const std::function<void(const v1::PressReport&)>& report,
                      const std::function<bool()>& stop) {
  constexpr auto kStep = std::chrono::milliseconds(100);
  constexpr auto kSecond = std::chrono::seconds(1);
  Load load(channel, options);
  PressTally total;
  const Clock::time_point begin = Clock::now();
  const Clock::time_point end =
      begin + absl::ToChronoNanoseconds(options.duration);
  Clock::time_point reported = begin;
  while (Clock::now() < end && !load.AllStarted() && !stop()) {
    load.RunUntil(std::min({end, reported + kSecond, Clock::now() + kStep}));
    if (Clock::now() < reported + kSecond) continue;
    const PressTally second = load.Take();
    report(second.Report(absl::ToDoubleSeconds(Since(reported)), false));
    reported = Clock::now();
    total.Merge(second);
  }
  load.AwaitAll();
  total.Merge(load.Take());
  return total.Report(absl::ToDoubleSeconds(Since(begin)), true);
}

}  // namespace mb
}  // namespace multi_backend
