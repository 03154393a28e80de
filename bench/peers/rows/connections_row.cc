// Row 2: several connections to a backend.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multi_backend/bench/peers/rows/rows.h"

namespace multi_backend {
namespace {

constexpr int kInFlight = 64;
constexpr char kOneAgain[] = "stock round_robin again";
// Servers allow 100 streams on a connection, so four connections carry 400
// calls.  A call takes so long that the calls, which wait, cost little CPU:
// two cores spend 0.04 s on beginning 400 of them.
constexpr int kStreams = 100;
constexpr int kWaiting = 400;
constexpr int kDelayMillis = 1000;
// A turn ends between two rounds of calls, so that every turn has the same
// number of rounds.
constexpr double kWaitingSeconds = 2.5;

// As many connections from the start, which calls share out evenly, as
// application channels are.
std::string FixedPool(int connections, int streams) {
  return absl::StrCat(R"("strategy":"ROUND_ROBIN","pool":{"min":)", connections,
                      R"(,"max":)", connections,
                      R"(,"maxStreamsPerConnection":)", streams, "}");
}

std::string OurName(int connections) {
  return absl::StrCat("ours, pool of ", connections);
}

void RunBusy(const RowOptions& options, ResultTable& table) {
  const auto fleet = StartFleet(2);
  PeerOptions peer_options;
  peer_options.backends = fleet->addresses();
  std::vector<Peer> peers;
  peers.push_back(Stock(peer_options));
  peers.push_back(Stock(peer_options, kOneAgain));
  for (const int connections : {2, 3, 4}) {
    peers.push_back(Ours(OurName(connections), peer_options,
                         FixedPool(connections, kStreams)));
    peers.push_back(StockChannels(peer_options, connections));
  }
  std::vector<Peer*> order;
  for (Peer& peer : peers) {
    peer.Do("connect 2");
    order.push_back(&peer);
  }
  const Turns turns =
      RunInTurns(order, ClosedLoad(kInFlight, "small", options.Seconds(0.5)),
                 options.turns());
  const std::string what = "CPU-bound, 64 in flight: calls/s";
  const auto aa = table.Aa(what, turns, "rate", kOneAgain, peers[0].name);
  for (size_t i = 2; i < peers.size(); i += 2) {
    table.Compare(what, turns, "rate", peers[i].name, peers[i + 1].name, aa,
                  {Goal::Kind::kRateNotBehind});
    table.Compare(what, turns, "rate", peers[i].name, peers[0].name, aa);
  }
}

void RunWaiting(const RowOptions& options, ResultTable& table) {
  const auto fleet =
      StartFleet(1, {"--max-concurrent-streams", absl::StrCat(kStreams),
                     "--delay-ms", absl::StrCat(kDelayMillis)});
  PeerOptions peer_options;
  peer_options.backends = fleet->addresses();
  std::vector<Peer> peers;
  peers.push_back(Ours("ours, one connection", peer_options,
                       R"("strategy":"ROUND_ROBIN")"));
  peers.push_back(Ours("ours, one connection again", peer_options,
                       R"("strategy":"ROUND_ROBIN")"));
  peers.push_back(Ours(OurName(4), peer_options, FixedPool(4, kStreams)));
  peers.push_back(StockChannels(peer_options, 4));
  std::vector<Peer*> order;
  for (Peer& peer : peers) {
    peer.Do("connect 1");
    order.push_back(&peer);
  }
  const Turns turns = RunInTurns(
      order,
      ClosedLoad(kWaiting, "small", options.smoke ? 0.5 : kWaitingSeconds),
      options.smoke ? 1 : 6);
  const std::string what = "100 streams a connection, 400 in flight: calls/s";
  const auto aa = table.Aa(what, turns, "rate", peers[1].name, peers[0].name);
  table.Compare(what, turns, "rate", peers[2].name, peers[0].name, aa,
                {Goal::Kind::kRateAtLeast, 3.8});
  table.Compare(what, turns, "rate", peers[3].name, peers[0].name, aa);
  table.Compare(what, turns, "rate", peers[2].name, peers[3].name, aa);
}

}  // namespace

void RunConnections(const RowOptions& options, ResultTable& table) {
  RunBusy(options, table);
  RunWaiting(options, table);
}

}  // namespace multi_backend
