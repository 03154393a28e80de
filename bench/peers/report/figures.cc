#include "multi_backend/bench/peers/report/figures.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace multi_backend {

std::string FiguresToLine(const Figures& figures) {
  std::string line;
  for (const auto& figure : figures) {
    absl::StrAppend(&line, line.empty() ? "" : " ", figure.first, "=",
                    absl::StrFormat("%.9g", figure.second));
  }
  return line;
}

absl::StatusOr<Figures> FiguresFromLine(absl::string_view line) {
  Figures figures;
  for (absl::string_view word : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
    const std::pair<std::string, absl::string_view> parts =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    if (!absl::SimpleAtod(parts.second, &figures[parts.first])) {
      return absl::InvalidArgumentError(absl::StrCat("no figures: ", line));
    }
  }
  return figures;
}

}  // namespace multi_backend
