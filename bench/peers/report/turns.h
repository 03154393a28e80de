// Turns: the figures of several peers, taken one right after the other, again
// and again.
#ifndef MULTI_BACKEND_BENCH_PEERS_REPORT_TURNS_H_
#define MULTI_BACKEND_BENCH_PEERS_REPORT_TURNS_H_

#include <map>
#include <string>
#include <vector>

#include "multi_backend/bench/peers/report/figures.h"
#include "multi_backend/bench/peers/report/paired_ratios.h"

namespace multi_backend {

class Turns {
 public:
  // A turn of this peer.
  void Add(const std::string& peer, const Figures& figures);

  // One figure for each turn.
  const std::vector<double>& Of(const std::string& peer,
                                const std::string& figure) const;
  // The mean over all turns, where a figure that a turn lacks is 0.
  double Mean(const std::string& peer, const std::string& figure) const;
  RatioEstimate Ratio(const std::string& ours, const std::string& peer,
                      const std::string& figure) const {
    return EstimateRatio(Of(ours, figure), Of(peer, figure));
  }

 private:
  std::map<std::string, std::map<std::string, std::vector<double>>> figures_;
  std::map<std::string, int> turns_;  // By peer.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PEERS_REPORT_TURNS_H_
