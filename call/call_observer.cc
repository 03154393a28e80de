#include "multi_backend/call/call_observer.h"

#include <utility>

namespace multi_backend {
namespace {

// The finalizer of SplitMix64 (Steele, Lea, Flood: "Fast splittable
// pseudorandom number generators", 2014).
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

CallObserver::CallObserver(std::string target,
                           std::vector<std::shared_ptr<MetricsSink>> sinks)
    : target_text_(std::move(target)),
      target_(target_text_),
      sinks_(std::move(sinks)) {
  for (const auto& sink : sinks_) {
    const TrailSampling sampling = sink->trail_sampling();
    failed_and_retried_ |= sampling.failed_and_retried;
    if (sampling.one_in > 0) one_in_.push_back(sampling.one_in);
  }
}

bool CallObserver::SamplesCall(uint64_t number) const {
  const uint64_t hash = Mix(number);
  for (const uint32_t one_in : one_in_) {
    if (hash % one_in == 0) return true;
  }
  return false;
}

}  // namespace multi_backend
