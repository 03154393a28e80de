#include "multi_backend/bench/peers/report/result_table.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "multi_backend/bench/calls/quantiles.h"

namespace multi_backend {
namespace {

// Four digits, and no exponent.
std::string FigureText(double figure) {
  return figure >= 1000 ? absl::StrFormat("%.0f", figure)
                        : absl::StrFormat("%.4g", figure);
}

std::string RatioText(const RatioEstimate& ratio) {
  std::string text = absl::StrFormat("%.3f", ratio.median);
  if (ratio.interval.has_value()) {
    absl::StrAppendFormat(&text, " (%.3f to %.3f)", ratio.interval->low,
                          ratio.interval->high);
  }
  return text;
}

}  // namespace

ResultTable::ResultTable(bool judges) : judges_(judges) {
  std::printf(
      "| Row | What | Who | Figure | Against | Ratio (95 %%) | Goal | Verdict "
      "|\n|---|---|---|---|---|---|---|---|\n");
}

void ResultTable::Figure(const std::string& what, const std::string& who,
                         double figure, const Goal& goal) {
  Line(what, who, figure, "", "", goal, {figure, {}}, {});
}

void ResultTable::Ratio(const std::string& what, const std::string& who,
                        double ours, const std::string& peer, double peers,
                        const Goal& goal) {
  const RatioEstimate ratio = EstimateRatio({ours}, {peers});
  Line(what, who, ours, absl::StrCat(peer, ": ", FigureText(peers)),
       RatioText(ratio), goal, ratio, {});
}

void ResultTable::Compare(const std::string& what, const Turns& turns,
                          const std::string& figure, const std::string& who,
                          const std::string& peer,
                          const absl::optional<Interval>& aa,
                          const Goal& goal) {
  const RatioEstimate ratio = turns.Ratio(who, peer, figure);
  Line(what, who, Median(turns.Of(who, figure)),
       absl::StrCat(peer, ": ", FigureText(Median(turns.Of(peer, figure)))),
       RatioText(ratio), goal, ratio, aa);
}

absl::optional<Interval> ResultTable::Aa(const std::string& what,
                                         const Turns& turns,
                                         const std::string& figure,
                                         const std::string& a,
                                         const std::string& b) {
  Compare(absl::StrCat(what, ", A/A"), turns, figure, a, b, {});
  return turns.Ratio(a, b, figure).interval;
}

void ResultTable::Line(const std::string& what, const std::string& who,
                       double figure, const std::string& against,
                       const std::string& ratio, const Goal& goal,
                       const RatioEstimate& judged,
                       const absl::optional<Interval>& aa) {
  const Judgement judgement = Judge(judges_ ? goal : Goal(), judged, aa);
  if (!judgement.passed) {
    missed_.push_back(absl::StrCat("row ", row_, ": ", what, ", ", who));
  }
  std::printf("| %d | %s | %s | %s | %s | %s | %s | %s |\n", row_, what.c_str(),
              who.c_str(), FigureText(figure).c_str(), against.c_str(),
              ratio.c_str(), goal.ToString().c_str(),
              std::string(VerdictName(judgement.verdict)).c_str());
  std::fflush(stdout);
}

int ResultTable::ExitCode(bool check) const {
  if (!check || missed_.empty()) return 0;
  for (const std::string& what : missed_) {
    std::fprintf(stderr, "peers: missed: %s\n", what.c_str());
  }
  return 1;
}

}  // namespace multi_backend
