// Row 1: what a call costs.

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multi_backend/bench/calls/call_instructions.h"
#include "multi_backend/bench/calls/quantiles.h"
#include "multi_backend/bench/instructions.h"
#include "multi_backend/bench/peers/rows/rows.h"

namespace multi_backend {
namespace {

constexpr char kStock[] = "stock round_robin";
constexpr char kStockAgain[] = "stock round_robin again";
constexpr char kOurs[] = "ours, round robin";
constexpr char kEverything[] = "ours, everything on";

// Callgrind counts the instructions of the client, which do not depend on how
// busy the machine is.
void CountInstructionsOfCalls(const RowOptions& options,
                              const std::string& addresses,
                              ResultTable& table) {
  if (!ValgrindIsInstalled()) {
    std::fprintf(stderr, "NOT MEASURED: %s\n", kHowToInstallValgrind);
    return;
  }
  const int few = options.smoke ? 20 : 300;
  const int many = options.smoke ? 60 : 2300;
  std::vector<double> stock, policy, everything;
  for (int turn = 0; turn < (options.smoke ? 1 : 3); ++turn) {
    stock.push_back(CallInstructions("stock", few, many, addresses));
    policy.push_back(CallInstructions("policy", few, many, addresses));
    everything.push_back(CallInstructions("metrics", few, many, addresses));
  }
  table.Ratio("instructions a call", kOurs, Median(policy), kStock,
              Median(stock), {Goal::Kind::kCostAtMost, 1.01});
  table.Ratio("instructions a call", kEverything, Median(everything), kStock,
              Median(stock), {Goal::Kind::kCostAtMost, 1.09});
}

struct Measure {
  std::string name;
  std::string figure;
  // Everything on, against the better proxy.
  Goal goal;
};

void CompareLoad(const std::string& load, const Turns& turns,
                 const std::vector<std::string>& direct,
                 const std::vector<std::string>& proxies, ResultTable& table) {
  const std::vector<Measure> measures = {
      {"CPU a call, us", "cpu_us", {Goal::Kind::kCostAtMost, 0.65}},
      {"calls/s", "rate", {}},
      {"p50, us", "p50_us", {Goal::Kind::kTimeAtMost, 0.75}},
      {"p99, us", "p99_us", {}},
  };
  for (const Measure& measure : measures) {
    const std::string what = absl::StrCat(load, ": ", measure.name);
    const auto aa = table.Aa(what, turns, measure.figure, kStockAgain, kStock);
    for (const std::string& name : direct) {
      table.Compare(what, turns, measure.figure, name, kStock, aa);
    }
    // The better proxy is the one with the lower figure, or the higher rate.
    const bool more_is_better = measure.figure == "rate";
    std::string better;
    for (const std::string& proxy : proxies) {
      if (better.empty() ||
          (Median(turns.Of(proxy, measure.figure)) <
           Median(turns.Of(better, measure.figure))) != more_is_better) {
        better = proxy;
      }
    }
    if (better.empty()) continue;
    table.Compare(what, turns, measure.figure, kEverything, better, aa,
                  measure.goal);
  }
}

}  // namespace

void RunCost(const RowOptions& options, ResultTable& table) {
  const auto fleet = StartFleet(2);
  PeerOptions peer_options;
  peer_options.backends = fleet->addresses();
  CountInstructionsOfCalls(options, absl::StrJoin(peer_options.backends, ","),
                           table);
  std::vector<Peer> peers;
  peers.push_back(Stock(peer_options, kStock));
  peers.push_back(Stock(peer_options, kStockAgain));
  peers.push_back(Ours(kOurs, peer_options, R"("strategy":"ROUND_ROBIN")"));
  peers.push_back(EverythingOn(peer_options));
  std::vector<std::string> direct = {kOurs, kEverything};
  for (Peer& peer : StockPolicies(peer_options)) {
    direct.push_back(peer.name);
    peers.push_back(std::move(peer));
  }
  std::vector<std::string> proxies;
  for (const Proxy::Kind kind : InstalledProxies()) {
    peers.push_back(Through(kind, peer_options));
    proxies.push_back(peers.back().name);
  }
  std::vector<Peer*> order;
  for (Peer& peer : peers) {
    peer.Do("connect 2");
    order.push_back(&peer);
  }
  const std::vector<std::pair<std::string, std::string>> kinds = {
      {"small", "32 B"}, {"large", "64 KiB"}, {"stream", "100 messages"}};
  for (const auto& kind : kinds) {
    for (const int in_flight : {1, 16, 64}) {
      if (options.smoke && in_flight == 64) continue;
      const Turns turns = RunInTurns(
          order, ClosedLoad(in_flight, kind.first, options.Seconds(0.3)),
          options.turns());
      CompareLoad(absl::StrCat(kind.second, ", ", in_flight, " in flight"),
                  turns, direct, proxies, table);
    }
  }
}

}  // namespace multi_backend
