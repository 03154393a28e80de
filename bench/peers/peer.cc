#include "multi_backend/bench/peers/peer.h"

#include <grpcpp/version_info.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multi_backend/bench/calls/call_instructions.h"
#include "multi_backend/bench/calls/die.h"
#include "multi_backend/tests/testing/required_package.h"
#include "multi_backend/tests/testing/stock_settings.h"

namespace multi_backend {
namespace {

constexpr char kRoundRobin[] = R"({"round_robin":{}})";

using Flags = std::vector<std::string>;

Peer Direct(const std::string& name, const PeerOptions& options, Flags flags) {
  Addresses all = options.backends;
  all.insert(all.end(), options.spares.begin(), options.spares.end());
  flags.insert(flags.end(),
               {"--target", absl::StrCat("ipv4:", absl::StrJoin(all, ","))});
  if (options.faults) flags.push_back("--faults");
  if (options.sharing_channels > 1) {
    flags.insert(flags.end(), {"--shared", "--channels",
                               absl::StrCat(options.sharing_channels)});
  }
  return {name, ClientProcess::Start(std::move(flags)), nullptr};
}

}  // namespace

Figures Peer::Do(const std::string& command) {
  if (proxy == nullptr) return client->Do(command);
  const absl::Duration before = proxy->ProcessorTime();
  Figures figures = client->Do(command);
  const auto calls = figures.find("calls");
  if (calls != figures.end() && calls->second > 0) {
    figures["cpu_us"] +=
        absl::ToDoubleMicroseconds(proxy->ProcessorTime() - before) /
        calls->second;
  }
  return figures;
}

Peer Stock(const PeerOptions& options, const std::string& name) {
  return Direct(name, options, {"--service-config", StockConfig(kRoundRobin)});
}

std::vector<Peer> StockPolicies(const PeerOptions& options) {
  std::vector<std::pair<const char*, const char*>> policies;
#if GRPC_CPP_VERSION_MINOR >= 83
  policies = {
      {"stock weighted_round_robin", R"({"weighted_round_robin":{}})"},
      {"stock ring_hash",
       R"({"ring_hash_experimental":{"requestHashHeader":"x-user-id"}})"}};
  // Core reads requestHashHeader only with this.
  setenv("GRPC_EXPERIMENTAL_RING_HASH_SET_REQUEST_HASH_KEY", "true",
         /*overwrite=*/1);
#endif
  std::vector<Peer> peers;
  for (const auto& [name, policy] : policies) {
    peers.push_back(
        Direct(name, options, {"--service-config", StockConfig(policy)}));
  }
  return peers;
}

Peer StockOutlierDetection(const PeerOptions& options,
                           absl::string_view rules) {
  return Direct(
      "stock + outlier detection", options,
      {"--service-config",
       StockConfig(absl::StrCat(R"({"outlier_detection_experimental":{)", rules,
                                R"(,"childPolicy":[)", kRoundRobin, "]}}"))});
}

Peer StockChannels(const PeerOptions& options, int channels) {
  return Direct(absl::StrCat(channels, " application channels"), options,
                {"--service-config", StockConfig(kRoundRobin), "--channels",
                 absl::StrCat(channels)});
}

Peer Ours(const std::string& name, const PeerOptions& options,
          absl::string_view policy) {
  return Direct(name, options,
                {"--library", "--service-config",
                 absl::StrCat(R"({"loadBalancingConfig":[{"multi_backend":{)",
                              policy, "}}]}")});
}

Peer EverythingOn(const PeerOptions& options) {
  return {
      "ours, everything on",
      ClientProcess::Start({"--library", "--everything-on", EverythingOnFile(),
                            "--target", absl::StrJoin(options.backends, ",")}),
      nullptr};
}

Peer Pushed(const std::string& name, bool ours) {
  const std::string policy =
      ours ? R"({"multi_backend":{"strategy":"ROUND_ROBIN"}})" : kRoundRobin;
  Flags flags = {"--pushed", "--target", "pushed:///scale", "--service-config",
                 StockConfig(policy)};
  if (ours) flags.push_back("--library");
  return {name, ClientProcess::Start(std::move(flags)), nullptr};
}

std::vector<Proxy::Kind> InstalledProxies() {
  std::vector<Proxy::Kind> installed;
  for (const Proxy::Kind kind : {Proxy::Kind::kHaproxy, Proxy::Kind::kNginx}) {
    if (Proxy::Installed(kind)) {
      installed.push_back(kind);
      continue;
    }
    if (PackagesAreRequired()) {
      std::exit(ExitCodeWithoutPackage(Proxy::HowToInstall(kind)));
    }
    std::fprintf(stderr, "NOT MEASURED: %s\n",
                 std::string(Proxy::HowToInstall(kind)).c_str());
  }
  return installed;
}

Peer Through(Proxy::Kind kind, const PeerOptions& options, bool least_busy) {
  Proxy::Options proxy_options;
  proxy_options.backends = options.backends;
  proxy_options.spares = options.spares;
  proxy_options.least_busy = least_busy;
  proxy_options.faults = options.faults;
  auto proxy = ValueOrDie(Proxy::Start(kind, proxy_options));
  PeerOptions to_proxy;
  to_proxy.backends = {proxy->address()};
  to_proxy.faults = options.faults;
  Peer peer = Stock(to_proxy, std::string(Proxy::Name(kind)));
  peer.proxy = std::move(proxy);
  return peer;
}

Turns RunInTurns(const std::vector<Peer*>& peers, const std::string& command,
                 int turns) {
  Turns result;
  std::vector<Peer*> order = peers;
  for (int turn = 0; turn < turns; ++turn) {
    for (Peer* peer : order) {
      const Figures figures = peer->Do(command);
      const auto lost = figures.find("lost");
      if (lost != figures.end() && lost->second > 0) {
        // A client that fails fast would look quick.
        Die(absl::StrCat(peer->name, " lost ", lost->second, " calls"));
      }
      result.Add(peer->name, figures);
    }
    std::rotate(order.begin(), order.begin() + 1, order.end());
  }
  return result;
}

}  // namespace multi_backend
