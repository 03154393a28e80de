// Row 3: 1 to 8 callers, each on a thread of its own.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multi_backend/bench/calls/quantiles.h"
#include "multi_backend/bench/peers/report/svg_plot.h"
#include "multi_backend/bench/peers/rows/rows.h"

namespace multi_backend {
namespace {

constexpr char kStock[] = "stock round_robin";
constexpr char kStockAgain[] = "stock round_robin again";
constexpr char kOurs[] = "ours, round robin";
constexpr char kEverything[] = "ours, everything on";

}  // namespace

void RunThreads(const RowOptions& options, ResultTable& table) {
  const auto fleet = StartFleet(2);
  PeerOptions peer_options;
  peer_options.backends = fleet->addresses();
  std::vector<Peer> peers;
  peers.push_back(Stock(peer_options, kStock));
  peers.push_back(Stock(peer_options, kStockAgain));
  peers.push_back(Ours(kOurs, peer_options, R"("strategy":"ROUND_ROBIN")"));
  peers.push_back(EverythingOn(peer_options));
  std::vector<Peer*> order;
  std::vector<SvgPlot::Series> lines;
  for (Peer& peer : peers) {
    peer.Do("connect 2");
    order.push_back(&peer);
    lines.push_back({peer.name, {}});
  }
  for (const int callers : {1, 2, 4, 8}) {
    const Turns turns =
        RunInTurns(order, ClosedLoad(callers, "small", options.Seconds(0.4)),
                   options.turns());
    const std::string what = absl::StrCat(callers, " callers: calls/s");
    const auto aa = table.Aa(what, turns, "rate", kStockAgain, kStock);
    table.Compare(what, turns, "rate", kOurs, kStock, aa,
                  {Goal::Kind::kRateNotBehind});
    table.Compare(what, turns, "rate", kEverything, kStock, aa);
    for (const char* ours : {kOurs, kEverything}) {
      table.Figure(absl::StrCat(callers, " callers: waits for our locks / CPU"),
                   ours, Median(turns.Of(ours, "waited")),
                   {Goal::Kind::kAtMost, 0.01});
    }
    for (size_t i = 0; i < peers.size(); ++i) {
      lines[i].points.push_back({static_cast<double>(callers),
                                 Median(turns.Of(peers[i].name, "rate"))});
    }
  }
  SvgPlot plot("Unary calls of 32 B, two backends", "callers", "calls/s",
               /*log_x=*/true);
  for (SvgPlot::Series& line : lines) plot.Add(std::move(line));
  plot.WriteTo(options.plots, "threads.svg");
}

}  // namespace multi_backend
