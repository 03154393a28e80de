// Peer: one way to reach the backends that //bench:peers measures, as a client
// process of its own, with a proxy where the way leads through one.
#ifndef MULTI_BACKEND_BENCH_PEERS_PEER_H_
#define MULTI_BACKEND_BENCH_PEERS_PEER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/bench/peers/client/client_process.h"
#include "multi_backend/bench/peers/proxy.h"
#include "multi_backend/bench/peers/report/figures.h"
#include "multi_backend/bench/peers/report/turns.h"

namespace multi_backend {

struct Peer {
  std::string name;
  std::unique_ptr<ClientProcess> client;
  std::unique_ptr<Proxy> proxy;  // Null if the client calls the backends.

  // client->Do(); the figure cpu_us includes the proxy's CPU.
  Figures Do(const std::string& command);
};

using Addresses = std::vector<std::string>;

// The backends of a peer, and what all peers of a row have in common.
struct PeerOptions {
  Addresses backends;
  Addresses spares;     // For whole tiers that fail; mostly empty.
  bool faults = false;  // Each peer has its best settings against faults.
  // Above 1: so many channels, which share connections as they like.
  int sharing_channels = 1;
};

// Stock gRPC's channels have its best retry settings.
Peer Stock(const PeerOptions& options,
           const std::string& name = "stock round_robin");
// gRPC's other policies that spread the calls of a plain channel:
// weighted_round_robin, and ring_hash by the header that the calls have.  Empty
// with gRPC 1.51.
std::vector<Peer> StockPolicies(const PeerOptions& options);
// `rules` are the fields of outlier_detection_experimental.
Peer StockOutlierDetection(const PeerOptions& options, absl::string_view rules);
// Application channels that share no connection.
Peer StockChannels(const PeerOptions& options, int channels);

// `policy` has the members of the policy's JSON object.
Peer Ours(const std::string& name, const PeerOptions& options,
          absl::string_view policy);
// everything_on.json with metrics.
Peer EverythingOn(const PeerOptions& options);

// Round robin over the list that the command "list" gives, which a resolver for
// tests brings to both.
Peer Pushed(const std::string& name, bool ours);

// The proxies that are installed.  A missing one is a loud skip, or ends the
// program where servers are required.
std::vector<Proxy::Kind> InstalledProxies();
// A channel to the proxy, with stock gRPC's retry settings.
Peer Through(Proxy::Kind kind, const PeerOptions& options,
             bool least_busy = false);

// Runs the command on all peers in turns.  Each turn begins with another peer,
// so that none always follows the same one. Ends the program when a peer loses
// a call.
Turns RunInTurns(const std::vector<Peer*>& peers, const std::string& command,
                 int turns);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PEERS_PEER_H_
