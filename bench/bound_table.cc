#include "multi_backend/bench/bound_table.h"

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace multi_backend {

BoundTable::BoundTable(std::string title) : title_(std::move(title)) {
  std::printf("%s\n%-58s %10s %10s %10s\n", title_.c_str(), "what", "ours",
              "stock", "bound");
}

void BoundTable::AtMost(const std::string& what, double ours, Figure stock,
                        double bound) {
  Row(what, ours, stock, absl::StrFormat("<=%g", bound), ours <= bound);
}

void BoundTable::AtLeast(const std::string& what, double ours, Figure stock,
                         double bound) {
  Row(what, ours, stock, absl::StrFormat(">=%g", bound), ours >= bound);
}

void BoundTable::Show(const std::string& what, double ours, Figure stock) {
  Row(what, ours, stock, "-", /*kept=*/true);
}

void BoundTable::Row(const std::string& what, double ours, Figure stock,
                     const std::string& bound, bool kept) {
  if (!kept) missed_.push_back(what);
  const std::string stock_text =
      stock.has_value() ? absl::StrFormat("%.5g", *stock) : "-";
  std::printf("%-58s %10.5g %10s %10s%s\n", what.c_str(), ours,
              stock_text.c_str(), bound.c_str(), kept ? "" : " MISSED");
  std::fflush(stdout);
}

int BoundTable::ExitCode(bool check) const {
  if (!check || missed_.empty()) return 0;
  for (const std::string& what : missed_) {
    std::fprintf(stderr, "%s: missed: %s\n", title_.c_str(), what.c_str());
  }
  return 1;
}

}  // namespace multi_backend
