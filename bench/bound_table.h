// BoundTable: the one table of a bench whose figures have bounds of their own:
// what, ours, stock gRPC's in the same run, and the bound that ours has to
// keep.  (FloorTable is for ratios.)
#ifndef MULTI_BACKEND_BENCH_BOUND_TABLE_H_
#define MULTI_BACKEND_BENCH_BOUND_TABLE_H_

#include <string>
#include <vector>

#include "absl/types/optional.h"

namespace multi_backend {

class BoundTable {
 public:
  // nullopt: gRPC has nothing of the kind, or it cannot be measured.
  using Figure = absl::optional<double>;

  explicit BoundTable(std::string title);

  // Each prints its row at once.
  void AtMost(const std::string& what, double ours, Figure stock, double bound);
  void AtLeast(const std::string& what, double ours, Figure stock,
               double bound);
  void Show(const std::string& what, double ours, Figure stock = {});

  // What main() returns: 1 when `check` and a bound was missed.
  int ExitCode(bool check) const;

 private:
  void Row(const std::string& what, double ours, Figure stock,
           const std::string& bound, bool kept);

  const std::string title_;
  std::vector<std::string> missed_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_BOUND_TABLE_H_
