#include "multi_backend/proto/config/strategy_kind.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace multi_backend {

absl::optional<StrategyKind> StrategyNamed(absl::string_view name) {
  for (const StrategyRow& row : kStrategies) {
    if (row.name == name) return row.kind;
  }
  return absl::nullopt;
}

std::string StrategyNames() {
  return absl::StrJoin(kStrategies, ", ",
                       [](std::string* out, const StrategyRow& row) {
                         absl::StrAppend(out, row.name);
                       });
}

std::string StrategiesWithOptions(absl::string_view options) {
  std::vector<absl::string_view> names;
  for (const StrategyRow& row : kStrategies) {
    if (row.options == options) names.push_back(row.name);
  }
  return absl::StrJoin(names, " or ");
}

}  // namespace multi_backend
