// ResultTable: the one table of //bench:peers, in Markdown.  Each line is
// printed at once.
//
// A line has what was measured, who was measured, the figure, the peer that it
// is compared with, the median of the paired ratios with its 95 % interval, the
// goal and the verdict.
#ifndef MULTI_BACKEND_BENCH_PEERS_REPORT_RESULT_TABLE_H_
#define MULTI_BACKEND_BENCH_PEERS_REPORT_RESULT_TABLE_H_

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "multi_backend/bench/peers/report/paired_ratios.h"
#include "multi_backend/bench/peers/report/turns.h"
#include "multi_backend/bench/peers/report/verdict.h"

namespace multi_backend {

class ResultTable {
 public:
  // A table that does not judge, for a run that is too short, only shows the
  // goals.
  explicit ResultTable(bool judges);

  // The lines that follow belong to this row of the bench.
  void BeginRow(int number) { row_ = number; }

  // A figure of one peer.  A goal is of kind kAtMost or kAtLeast, or none.
  void Figure(const std::string& what, const std::string& who, double figure,
              const Goal& goal = {});
  // A ratio of two figures that were not taken in turns.  A goal is a cost.
  void Ratio(const std::string& what, const std::string& who, double ours,
             const std::string& peer, double peers, const Goal& goal = {});
  // The ratio of two peers of `turns`; `aa` is the interval of A/A for the same
  // figure, from Aa().
  void Compare(const std::string& what, const Turns& turns,
               const std::string& figure, const std::string& who,
               const std::string& peer, const absl::optional<Interval>& aa,
               const Goal& goal = {});
  // The line of two equal peers.  Returns the interval of their ratio.
  absl::optional<Interval> Aa(const std::string& what, const Turns& turns,
                              const std::string& figure, const std::string& a,
                              const std::string& b);

  // main()'s exit code: 1 if `check` is set and a goal was missed.
  int ExitCode(bool check) const;

 private:
  void Line(const std::string& what, const std::string& who, double figure,
            const std::string& against, const std::string& ratio,
            const Goal& goal, const RatioEstimate& judged,
            const absl::optional<Interval>& aa);

  const bool judges_;
  int row_ = 0;
  std::vector<std::string> missed_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PEERS_REPORT_RESULT_TABLE_H_
