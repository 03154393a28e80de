#include "multi_backend/tools/mb/config/call_order.h"

#include <memory>
#include <utility>

#include "multi_backend/clock/clock.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"

namespace multi_backend {
namespace mb {
namespace {

// A multiple of 1 to 10 and of 12, so that rotations over as many backends come
// out even.
constexpr int kPicks = 10080;
// Within what TriedBackends holds, and more than core's five attempts.
constexpr size_t kMostTried = TriedBackends::kCapacity;

class FixedClock final : public Clock {
 public:
  int64_t NowNanos() const override { return 0; }
};

std::unique_ptr<PickPlan> MakePlan(const PolicyConfig& config,
                                   const EndpointList& endpoints,
                                   BackendPool& pool, const Clock& clock) {
  PickPlan::Args args;
  args.config = std::make_shared<const PolicyConfig>(config);
  for (const Endpoint& endpoint : endpoints) {
    PlanEntry entry;
    entry.lease = pool.Acquire(endpoint.key(), endpoint.address());
    entry.endpoint = std::make_shared<const Endpoint>(endpoint);
    entry.link = LinkState::kReady;
    args.entries.push_back(std::move(entry));
  }
  args.clock = &clock;
  args.seed = 1;
  return PickPlan::Make(std::move(args));
}

PickRequest RequestOf(const CallLabel& label) {
  PickRequest request;
  request.has_key = label.key_hash.has_value();
  request.key_hash = label.key_hash.value_or(0);
  return request;
}

}  // namespace

CallOrder FindCallOrder(const PolicyConfig& config,
                        const EndpointList& endpoints, const CallLabel& label) {
  CallOrder order;
  order.share.resize(endpoints.size(), 0);
  const FixedClock clock;
  const std::shared_ptr<BackendPool> pool = BackendPool::Create();
  const std::unique_ptr<PickPlan> plan =
      MakePlan(config, endpoints, *pool, clock);
  // The order comes from a plan that has made no pick yet.
  PickRequest request = RequestOf(label);
  while (order.tried.size() < kMostTried) {
    const PickPlan::Result result = plan->Pick(label, request);
    if (result.outcome != PickPlan::Outcome::kPicked) break;
    order.tried.push_back(result.entry);
    request.tried.Add(plan->entries()[result.entry].backend().id());
  }
  if (order.tried.empty()) {
    order.failure = plan->DescribeFailure(label);
    return order;
  }
  const PickRequest first = RequestOf(label);
  for (int i = 0; i < kPicks; ++i) {
    const PickPlan::Result result = plan->Pick(label, first);
    if (result.outcome == PickPlan::Outcome::kPicked) {
      order.share[result.entry] += 1.0 / kPicks;
    }
  }
  return order;
}

}  // namespace mb
}  // namespace multi_backend
