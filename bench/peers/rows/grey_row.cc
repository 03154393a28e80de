// Row 4: one of four backends is slow, and does not fail.

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/bench/peers/report/svg_plot.h"
#include "multi_backend/bench/peers/rows/rows.h"
#include "multi_backend/tests/testing/behaviours.h"

namespace multi_backend {
namespace {

constexpr absl::Duration kQuick = absl::Milliseconds(3);
constexpr absl::Duration kSlow = absl::Milliseconds(50);
constexpr size_t kBackends = 4;
constexpr size_t kSlowOne = 1;
constexpr char kShare[] = "share.b1";  // Of the slow one.
constexpr int kCallers = 16;
constexpr char kOracle[] = "oracle without the slow one";
constexpr char kOracleAgain[] = "oracle again";
constexpr char kEwma[] = "ours, PEAK_EWMA";

// It ejects by failures only, so it cannot see a backend that is slow.
constexpr char kOutlierRules[] =
    R"("interval":"0.5s","baseEjectionTime":"1s","maxEjectionPercent":50,
    "successRateEjection":{"minimumHosts":3,"requestVolume":20})";

std::vector<Peer> MakePeers(const BackendFleet& fleet) {
  PeerOptions all;
  all.backends = fleet.addresses();
  PeerOptions without = all;
  without.backends.erase(without.backends.begin() + kSlowOne);
  std::vector<Peer> peers;
  peers.push_back(Stock(without, kOracle));
  peers.push_back(Stock(without, kOracleAgain));
  peers.push_back(Ours(kEwma, all, R"("strategy":"PEAK_EWMA")"));
  peers.push_back(Ours("ours, LEAST_BUSY", all, R"("strategy":"LEAST_BUSY")"));
  peers.push_back(Stock(all));
  peers.push_back(StockOutlierDetection(all, kOutlierRules));
  for (Peer& peer : StockPolicies(all)) peers.push_back(std::move(peer));
  for (const Proxy::Kind kind : InstalledProxies()) {
    peers.push_back(Through(kind, all, /*least_busy=*/true));
    peers.back().name += ", least connections";
  }
  return peers;
}

double ShareIn(const Figures& figures) {
  const auto found = figures.find(kShare);
  return found == figures.end() ? 0 : found->second;
}

struct Recovery {
  double seconds = 0;
  SvgPlot::Series shares;  // Of the backend that was slow, over time.
};

// Makes one backend slow, and quick again.  Measures how long the peer then
// takes until this backend has 80 % of its share of the calls.
Recovery MeasureRecovery(BackendFleet& fleet, Peer& peer,
                         const RowOptions& options) {
  const double step = 0.1;
  const double limit = options.smoke ? 1 : 5;
  fleet.SetBehaviour(kSlowOne, Slow(kQuick));
  peer.Do(ClosedLoad(kCallers, "small", options.Seconds(1)));
  fleet.SetBehaviour(kSlowOne, Slow(kSlow));
  Recovery recovery;
  recovery.shares.name = peer.name;
  const absl::Time slow = absl::Now();
  const absl::Time quick = slow + absl::Seconds(options.Seconds(2));
  while (absl::Now() < quick) {
    const double share = ShareIn(peer.Do(ClosedLoad(kCallers, "small", step)));
    recovery.shares.points.push_back(
        {absl::ToDoubleSeconds(absl::Now() - slow), share});
  }
  fleet.SetBehaviour(kSlowOne, Slow(kQuick));
  const absl::Time begin = absl::Now();
  double share = 0;
  do {
    share = ShareIn(peer.Do(ClosedLoad(kCallers, "small", step)));
    recovery.seconds = absl::ToDoubleSeconds(absl::Now() - begin);
    recovery.shares.points.push_back(
        {absl::ToDoubleSeconds(absl::Now() - slow), share});
  } while (share < 0.8 / kBackends && recovery.seconds < limit);
  return recovery;
}

}  // namespace

void RunGreyFailure(const RowOptions& options, ResultTable& table) {
  const auto fleet = StartFleet(kBackends);
  for (size_t i = 0; i < kBackends; ++i) {
    fleet->SetBehaviour(i, Slow(kQuick));
  }
  std::vector<Peer> peers = MakePeers(*fleet);
  std::vector<Peer*> order;
  for (size_t i = 0; i < peers.size(); ++i) {
    peers[i].Do(absl::StrCat("connect ", i < 2 ? kBackends - 1 : kBackends));
    order.push_back(&peers[i]);
  }
  fleet->SetBehaviour(kSlowOne, Slow(kSlow));
  // Each peer learns that the backend is slow.
  RunInTurns(order, ClosedLoad(kCallers, "small", options.Seconds(1)), 1);
  const Turns turns =
      RunInTurns(order, ClosedLoad(kCallers, "small", options.Seconds(0.5)),
                 options.turns());
  const auto aa =
      table.Aa("one of 4 slow: calls/s", turns, "rate", kOracleAgain, kOracle);
  for (size_t i = 2; i < peers.size(); ++i) {
    const std::string& name = peers[i].name;
    const bool judged = name == kEwma;
    table.Compare("one of 4 slow: calls/s", turns, "rate", name, kOracle, aa,
                  judged ? Goal{Goal::Kind::kRateAtLeast, 0.97} : Goal());
    table.Compare("one of 4 slow: p99, us", turns, "p99_us", name, kOracle, aa);
    table.Figure("one of 4 slow: its share of the calls, %", name,
                 100 * turns.Mean(name, kShare),
                 judged ? Goal{Goal::Kind::kAtMost, 0.1} : Goal());
  }
  SvgPlot plot("Share of a backend that is slow for 2 s", "seconds",
               "share of the calls");
  for (size_t i = 2; i < peers.size(); ++i) {
    const bool judged = peers[i].name == kEwma;
    Recovery recovery = MeasureRecovery(*fleet, peers[i], options);
    table.Figure("quick again: at 80 % of its share after, s", peers[i].name,
                 recovery.seconds,
                 judged ? Goal{Goal::Kind::kAtMost, 2} : Goal());
    plot.Add(std::move(recovery.shares));
  }
  plot.WriteTo(options.plots, "grey_failure.svg");
}

}  // namespace multi_backend
