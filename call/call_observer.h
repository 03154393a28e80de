// CallObserver: the sinks of one channel, and which trails they want.
//
// Immutable except for the count that spreads the samples; thread-safe.
#ifndef MULTI_BACKEND_CALL_CALL_OBSERVER_H_
#define MULTI_BACKEND_CALL_CALL_OBSERVER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

class CallObserver {
 public:
  // `sinks`: at least one, none null.
  CallObserver(std::string target,
               std::vector<std::shared_ptr<MetricsSink>> sinks);

  CallObserver(const CallObserver&) = delete;
  CallObserver& operator=(const CallObserver&) = delete;

  const Label& target() const { return target_; }

  // Whether a sink wants the attempts of each call that fails or is retried.
  bool wants_failed_and_retried() const { return failed_and_retried_; }
  // Whether a sink wants the whole trail of the next call.  Samples are chosen
  // by a hash of their number, so that calls which alternate between methods
  // are all sampled.
  bool SamplesNextCall() {
    return !one_in_.empty() &&
           SamplesCall(next_call_.fetch_add(1, std::memory_order_relaxed));
  }

  void OnAttemptEnded(const AttemptEnded& attempt) const {
    for (const auto& sink : sinks_) sink->OnAttemptEnded(attempt);
  }
  void OnCallEnded(const CallEnded& call) const {
    for (const auto& sink : sinks_) sink->OnCallEnded(call);
  }

 private:
  bool SamplesCall(uint64_t number) const;

  const std::string target_text_;
  const Label target_;
  const std::vector<std::shared_ptr<MetricsSink>> sinks_;
  bool failed_and_retried_ = false;
  std::vector<uint32_t> one_in_;  // Of the sinks that sample.
  std::atomic<uint64_t> next_call_{0};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_CALL_OBSERVER_H_
