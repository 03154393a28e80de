// Row 7: 50 channels to the same 10 backends, and no calls.

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/bench/peers/rows/rows.h"
#include "multi_backend/tests/testing/process_usage.h"

namespace multi_backend {
namespace {

constexpr size_t kBackends = 10;
constexpr int kChannels = 50;
constexpr char kProbes[] =
    R"("health":{"active":{"interval":"1s","timeout":"1s"}})";

struct Idle {
  double percent = 0;  // Of a core.
  double connections = 0;
  double rss_mib = 0;
};

Idle Measure(Peer peer, const std::set<int>& ports, double seconds) {
  peer.Do(absl::StrCat("connect ", kBackends));
  // What the calls left behind settles.
  peer.Do("idle 1");
  Idle idle;
  idle.percent = 100 * peer.Do(absl::StrCat("idle ", seconds)).at("cores");
  idle.connections = ConnectionsTo(ports);
  idle.rss_mib = peer.Do("usage").at("rss_mib");
  return idle;
}

}  // namespace

void RunIdle(const RowOptions& options, ResultTable& table) {
  const auto fleet = StartFleet(kBackends);
  std::set<int> ports;
  for (size_t i = 0; i < kBackends; ++i) ports.insert(fleet->server(i).port());
  PeerOptions one;
  one.backends = fleet->addresses();
  PeerOptions many = one;
  many.sharing_channels = kChannels;
  const double seconds = options.smoke ? 1 : 15;
  const std::string ours = "ours, probes every second";
  const std::string stock = "stock round_robin, no probes";
  const Idle our_one = Measure(Ours(ours, one, kProbes), ports, 0.1);
  const Idle our_many = Measure(Ours(ours, many, kProbes), ports, seconds);
  const Idle stock_one = Measure(Stock(one, stock), ports, 0.1);
  const Idle stock_many = Measure(Stock(many, stock), ports, seconds);
  const std::string what =
      absl::StrCat(kChannels, " idle channels, ", kBackends, " backends: ");
  table.Figure(what + "% of a core", ours, our_many.percent,
               {Goal::Kind::kAtMost, 0.5});
  table.Figure(what + "% of a core", stock, stock_many.percent);
  table.Figure(what + "connections a backend", ours,
               our_many.connections / kBackends, {Goal::Kind::kAtMost, 1});
  table.Figure(what + "connections a backend", stock,
               stock_many.connections / kBackends);
  const auto channel_kib = [](const Idle& many_channels,
                              const Idle& one_channel) {
    return 1024 * (many_channels.rss_mib - one_channel.rss_mib) /
           (kChannels - 1);
  };
  table.Figure(what + "memory of a further channel, KiB", ours,
               channel_kib(our_many, our_one));
  table.Figure(what + "memory of a further channel, KiB", stock,
               channel_kib(stock_many, stock_one));
}

}  // namespace multi_backend
