// BoundTable: the table of a bench whose figures have absolute bounds.  A row
// has the name, this library's figure, that of stock gRPC in the same run, and
// the bound for this library.  (FloorTable is for ratios.)
#ifndef MULTI_BACKEND_BENCH_BOUND_TABLE_H_
#define MULTI_BACKEND_BENCH_BOUND_TABLE_H_

#include <string>
#include <vector>

#include "absl/types/optional.h"

namespace multi_backend {

class BoundTable {
 public:
  // nullopt if gRPC has no such feature, or it cannot be measured.
  using Figure = absl::optional<double>;

  explicit BoundTable(std::string title);

  // Each function prints its row at once.
  void AtMost(const std::string& what, double ours, Figure stock, double bound);
  void AtLeast(const std::string& what, double ours, Figure stock,
               double bound);
  void Show(const std::string& what, double ours, Figure stock = {});

  // Returns main()'s exit code: 1 if `check` is set and a bound was missed.
  int ExitCode(bool check) const;

 private:
  void Row(const std::string& what, double ours, Figure stock,
           const std::string& bound, bool kept);

  const std::string title_;
  std::vector<std::string> missed_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_BOUND_TABLE_H_
