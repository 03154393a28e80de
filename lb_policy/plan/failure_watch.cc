#include "multi_backend/lb_policy/plan/failure_watch.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "multi_backend/health/state/ejection.h"
#include "multi_backend/lb_policy/backends/flags.h"

namespace multi_backend {

absl::Duration FailureWatch::Interval(const HealthConfig& config) {
  if (!config.passive.has_value() ||
      !config.passive->failure_rate.has_value()) {
    return absl::InfiniteDuration();
  }
  return FailureRate(*config.passive->failure_rate).step();
}

void FailureWatch::Sample(const PickPlan& plan, const FailureRateConfig& config,
                          absl::Time now) {
  if (!(config == config_)) watched_.clear();
  config_ = config;
  ++round_;
  for (const PlanEntry& entry : plan.entries()) {
    const Backend& backend = entry.backend();
    Watched& watched = watched_.try_emplace(backend.id(), config).first->second;
    const int64_t in_flight = backend.load.in_flight.load();
    const auto ended = static_cast<int64_t>(backend.calls.load()) - in_flight;
    // The two counters are not read at the same moment, so `ended` may be a
    // little too small.
    watched.finished = std::max(
        watched.finished, static_cast<uint64_t>(std::max<int64_t>(ended, 0)));
    // Calls before the backend was taken out say nothing about it now.
    const uint32_t returns = backend.health.returns();
    if (std::exchange(watched.returns, returns) != returns) {
      watched.rate.Restart();
    }
    watched.rate.Sample(watched.finished, backend.failures.load(), now);
    watched.round = round_;
  }
  absl::erase_if(watched_, [this](const auto& item) {
    return item.second.round != round_;
  });
}

void FailureWatch::Evaluate(const PickPlan& plan,
                            const PassiveHealthConfig& config, absl::Time now) {
  if (!config.failure_rate.has_value()) return;
  Sample(plan, *config.failure_rate, now);
  // For each entry: the number of leaves that list it, and how many of these
  // leaves can do without it.
  std::vector<std::pair<int, int>> votes(plan.entries().size());
  for (const BalancerNode* leaf : plan.Leaves()) {
    std::vector<EjectionMember> members;
    for (uint32_t index : leaf->listed()) {
      const Backend& backend = plan.entries()[index].backend();
      EjectionMember member;
      member.ejected = backend.health.IsEjected();
      const uint32_t flags = backend.load.unusable_reasons.load();
      if ((flags & (kMarkedUnhealthy | kUnhealthy | kOnTrial)) == 0) {
        member.failure_share =
            watched_.find(backend.id())->second.rate.Share(now);
      }
      members.push_back(member);
      ++votes[index].first;
    }
    for (size_t chosen :
         ChooseEjections(members, config.failure_rate->threshold,
                         config.max_ejected_percent)) {
      ++votes[leaf->listed()[chosen]].second;
    }
  }
  for (size_t i = 0; i < votes.size(); ++i) {
    if (votes[i].second == 0 || votes[i].second != votes[i].first) continue;
    Backend& backend = plan.entries()[i].backend();
    const FailureRate& rate = watched_.find(backend.id())->second.rate;
    backend.health.Eject(absl::StrFormat("%.0f %% of the calls in %s failed",
                                         rate.Share(now).value_or(0) * 100,
                                         absl::FormatDuration(config_.window)));
  }
}

}  // namespace multi_backend
