#include "multi_backend/lb_policy/strategies/make_strategy.h"

#include <utility>

#include "multi_backend/lb_policy/strategies/least_busy/least_busy.h"
#include "multi_backend/lb_policy/strategies/peak_ewma/peak_ewma.h"
#include "multi_backend/lb_policy/strategies/primary/primary.h"
#include "multi_backend/lb_policy/strategies/random/random.h"
#include "multi_backend/lb_policy/strategies/round_robin/round_robin.h"
#include "multi_backend/lb_policy/strategies/sticky/sticky.h"
#include "multi_backend/lb_policy/strategies/weighted/weighted.h"

namespace multi_backend {

std::unique_ptr<Strategy> MakeStrategy(StrategyArgs args) {
  switch (args.config.strategy) {
    case StrategyKind::kRoundRobin:
      return std::make_unique<RoundRobin>(std::move(args));
    case StrategyKind::kWeighted:
      return std::make_unique<Weighted>(std::move(args));
    case StrategyKind::kLeastBusy:
      return std::make_unique<LeastBusy>(std::move(args));
    case StrategyKind::kPeakEwma:
      return std::make_unique<PeakEwma>(std::move(args));
    case StrategyKind::kSticky:
      return std::make_unique<Sticky>(std::move(args));
    case StrategyKind::kPrimary:
      return std::make_unique<Primary>(std::move(args));
    case StrategyKind::kRandom:
      return std::make_unique<Random>(std::move(args));
  }
  return std::make_unique<RoundRobin>(std::move(args));  // Not reachable.
}

}  // namespace multi_backend
