#include "multi_backend/tests/testing/latency_simulation.h"

#include <cmath>
#include <utility>

#include "multi_backend/lb_policy/strategies/peak_ewma/peak_ewma.h"

namespace multi_backend {
namespace testing {
namespace {

constexpr int64_t kFailureNanos = 500000;
// The stages of a service time.  With four of them, the standard deviation is
// half of the mean.
constexpr int kServiceStages = 4;

}  // namespace

LatencySimulation::LatencySimulation(const SimulationOptions& options)
    : options_(options), random_(options.seed), backends_(options.backends) {
  for (size_t i = 0; i < options_.clients; ++i) {
    auto members = std::make_unique<StrategyMembers>(
        StrategyMembers::Equal(options_.backends));
    ListedStrategy strategy =
        members->Make(options_.config, members->Everybody(), random_.Next());
    clients_.push_back({std::move(members), std::move(strategy)});
  }
}

void LatencySimulation::SetSlowness(size_t backend, double slowness) {
  backends_[backend].slowness = slowness;
}

void LatencySimulation::SetFailing(size_t backend, bool failing) {
  backends_[backend].failing = failing;
}

SimulationCounts LatencySimulation::Run(absl::Duration duration) {
  SimulationCounts counts;
  counts.calls.resize(options_.backends);
  const int64_t end_nanos = now_nanos_ + absl::ToInt64Nanoseconds(duration);
  for (;;) {
    const bool arrival =
        ends_.empty() || next_arrival_nanos_ <= ends_.top().nanos;
    const int64_t nanos = arrival ? next_arrival_nanos_ : ends_.top().nanos;
    if (nanos >= end_nanos) break;
    now_nanos_ = nanos;
    if (arrival) {
      Arrive(counts);
      next_arrival_nanos_ += Exponential(1e9 / options_.arrival_rate);
    } else {
      const End end = ends_.top();
      ends_.pop();
      Finish(end);
    }
  }
  now_nanos_ = end_nanos;
  return counts;
}

int64_t LatencySimulation::Exponential(double mean_nanos) {
  return static_cast<int64_t>(-std::log(1 - random_.Fraction()) * mean_nanos);
}

void LatencySimulation::Arrive(SimulationCounts& counts) {
  const uint32_t client =
      random_.Below(static_cast<uint32_t>(options_.clients));
  Client& from = clients_[client];
  from.members->clock().Set(now_nanos_);
  const auto backend = static_cast<uint32_t>(from.strategy.Pick());
  ++counts.calls[backend];
  ++counts.total;
  ++(*from.members)[backend].load->in_flight;
  Backend& at = backends_[backend];
  const Call call{client, backend, now_nanos_, at.failing};
  if (at.failing) {
    ends_.push({now_nanos_ + kFailureNanos, ends_pushed_++, call});
  } else if (at.serving < options_.calls_at_a_time) {
    Serve(call);
  } else {
    at.waiting.push_back(call);
  }
}

void LatencySimulation::Serve(const Call& call) {
  Backend& at = backends_[call.backend];
  ++at.serving;
  const double mean =
      absl::ToDoubleNanoseconds(options_.mean_service) * at.slowness;
  int64_t service = 0;
  for (int i = 0; i < kServiceStages; ++i) {
    service += Exponential(mean / kServiceStages);
  }
  ends_.push({now_nanos_ + service, ends_pushed_++, call});
}

void LatencySimulation::Finish(const End& end) {
  const Call& call = end.call;
  LoadStats& load = *(*clients_[call.client].members)[call.backend].load;
  --load.in_flight;
  ObserveLatency(load, now_nanos_ - call.start_nanos, call.failed, now_nanos_,
                 options_.config.ewma_decay);
  if (call.failed) {
    ++load.failures;
    return;
  }
  Backend& at = backends_[call.backend];
  --at.serving;
  if (at.waiting.empty()) return;
  const Call next = at.waiting.front();
  at.waiting.pop_front();
  Serve(next);
}

}  // namespace testing
}  // namespace multi_backend
