// MakeStrategy: makes the strategy that a balancer's configuration names.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_MAKE_STRATEGY_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_MAKE_STRATEGY_H_

#include <memory>

#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

// Makes the strategy that `args.config.strategy` names.  Never null.  When
// `args.previous` is given it must have been made for the same StrategyKind.
std::unique_ptr<Strategy> MakeStrategy(StrategyArgs args);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_MAKE_STRATEGY_H_
