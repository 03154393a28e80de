// StrategyKind: the strategies that a balancer can have, in one table.
//
// The values of StrategyKind, the names that the parser reads and lists in its
// errors, the rule on options, and the tests that go through all strategies are
// made of that table.  docs/layout.md says how to add a strategy.
#ifndef MULTI_BACKEND_PROTO_CONFIG_STRATEGY_KIND_H_
#define MULTI_BACKEND_PROTO_CONFIG_STRATEGY_KIND_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace multi_backend {

// One row for each strategy, in the order in which errors list them:
//   - the value of StrategyKind,
//   - the name in the configuration,
//   - the field of a balancer that holds its options, "" for none.  The field
//     is an error with a strategy whose row does not name it.
// Not formatted, because clang-format would move the backslashes of all rows
// when one row gets longer.
// clang-format off
#define MULTI_BACKEND_STRATEGIES(ROW) \
  ROW(kRoundRobin, "ROUND_ROBIN", "") \
  ROW(kWeighted, "WEIGHTED", "") \
  ROW(kLeastBusy, "LEAST_BUSY", "") \
  ROW(kPeakEwma, "PEAK_EWMA", "peakEwma") \
  ROW(kSticky, "STICKY", "sticky") \
  ROW(kPrimary, "PRIMARY", "primary") \
  ROW(kRandom, "RANDOM", "")
// clang-format on

// How a balancer chooses among its members; semantics in docs/strategies.md.
enum class StrategyKind {
#define MULTI_BACKEND_VALUE(kind, name, options) kind,
  MULTI_BACKEND_STRATEGIES(MULTI_BACKEND_VALUE)
#undef MULTI_BACKEND_VALUE
};

struct StrategyRow {
  StrategyKind kind;
  absl::string_view name;
  absl::string_view options;
};

// The table above, in the order of StrategyKind.
inline constexpr StrategyRow kStrategies[] = {
#define MULTI_BACKEND_ROW(kind, name, options) \
  {StrategyKind::kind, name, options},
    MULTI_BACKEND_STRATEGIES(MULTI_BACKEND_ROW)
#undef MULTI_BACKEND_ROW
};

constexpr const StrategyRow& RowOf(StrategyKind kind) {
  return kStrategies[static_cast<size_t>(kind)];
}

// The name in the configuration, for example "ROUND_ROBIN".
constexpr absl::string_view StrategyName(StrategyKind kind) {
  return RowOf(kind).name;
}

// The inverse of StrategyName(); nullopt for a name that no strategy has.
absl::optional<StrategyKind> StrategyNamed(absl::string_view name);

// For error texts.  All names: "ROUND_ROBIN, WEIGHTED, ...".
std::string StrategyNames();
// The names of the strategies with these options: "STICKY", "A or B".
std::string StrategiesWithOptions(absl::string_view options);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_STRATEGY_KIND_H_
