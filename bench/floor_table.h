// FloorTable: a table of ratios to a peer, which is mostly stock gRPC.  Its
// columns are what, size, ours, peer, ratio and floor.  (BoundTable is for
// absolute bounds.)  BenchFlags: the flags that all benches have.
#ifndef MULTI_BACKEND_BENCH_FLOOR_TABLE_H_
#define MULTI_BACKEND_BENCH_FLOOR_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace multi_backend {

struct BenchFlags {
  bool check = false;    // Exit 1 when a floor is missed.
  bool smoke = false;    // As little work as shows that it runs.
  bool verbose = false;  // Print what is configured, too.
  std::string only;      // `--only=TEXT`: the rows whose name contains it.
  std::vector<std::string> rest;  // Flags of the bench itself.

  bool Wants(absl::string_view row) const {
    return absl::StrContains(row, only);
  }

  // Exits with 2 and a usage line on `--help`.
  static BenchFlags Parse(int argc, char** argv);
};

class FloorTable {
 public:
  struct Row {
    std::string what;
    std::string size;
    double ours = 0;
    double peer = 0;
    // The ratio ours / peer must not exceed it; unset = shown only.
    absl::optional<double> floor;
  };

  // `unit` is the unit of both figures.
  FloorTable(std::string title, std::string unit);
  // Prints the row at once.
  void Add(const Row& row);
  // What main() returns.
  int ExitCode(const BenchFlags& flags) const;

 private:
  const std::string title_;
  std::vector<std::string> missed_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_FLOOR_TABLE_H_
