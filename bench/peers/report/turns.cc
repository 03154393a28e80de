#include "multi_backend/bench/peers/report/turns.h"

#include <numeric>

namespace multi_backend {

void Turns::Add(const std::string& peer, const Figures& figures) {
  ++turns_[peer];
  for (const auto& figure : figures) {
    figures_[peer][figure.first].push_back(figure.second);
  }
}

const std::vector<double>& Turns::Of(const std::string& peer,
                                     const std::string& figure) const {
  return figures_.at(peer).at(figure);
}

double Turns::Mean(const std::string& peer, const std::string& figure) const {
  const auto& of_peer = figures_.at(peer);
  const auto found = of_peer.find(figure);
  if (found == of_peer.end()) return 0;
  return std::accumulate(found->second.begin(), found->second.end(), 0.0) /
         turns_.at(peer);
}

}  // namespace multi_backend
