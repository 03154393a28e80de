// Scenarios with many channels, and with lists of backends that keep changing.

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/bench/calls/die.h"
#include "multi_backend/bench/fault_scenario.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/probed_server.h"
#include "multi_backend/tests/testing/process_usage.h"

namespace multi_backend {
namespace {

using examples::users::v1::Users;
using Servers = std::vector<std::unique_ptr<ProbedServer>>;

constexpr size_t kBackends = 10;
constexpr int kChannels = 50;

std::vector<std::shared_ptr<grpc::Channel>> ProbingChannels(
    const Servers& servers) {
  std::vector<std::string> addresses;
  for (const auto& server : servers) addresses.push_back(server->address());
  const auto pool = BackendPool::Create();
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < kChannels; ++i) {
    ChannelOptions options;
    options.pool = pool;
    options.service_config_json =
        R"({"loadBalancingConfig":[{"multi_backend":{"health":{"active":{
            "interval":"1s","timeout":"1s"}}}}]})";
    auto channel =
        CreateChannel(absl::StrCat("static:///", absl::StrJoin(addresses, ",")),
                      grpc::InsecureChannelCredentials(), std::move(options));
    DieUnlessOk(channel.status());
    (*channel)->GetState(/*try_to_connect=*/true);
    channels.push_back(*std::move(channel));
  }
  return channels;
}

struct Bins {
  double largest = 0;  // The largest bin as a multiple of the mean.
  double folded = 0;   // The same after adding up the bins of all seconds.
};

Bins CountBins(const Servers& servers, absl::Time from, absl::Time to) {
  constexpr absl::Duration kBin = absl::Milliseconds(100);
  std::vector<int> bins((to - from) / kBin);
  std::vector<int> folded(10);
  int all = 0;
  for (const auto& server : servers) {
    for (const ProbedServer::Seen& check : server->checks()) {
      if (check.at < from || check.at >= from + kBin * bins.size()) continue;
      const size_t bin = (check.at - from) / kBin;
      ++bins[bin];
      ++folded[bin % folded.size()];
      ++all;
    }
  }
  const auto multiple = [all](const std::vector<int>& counts) {
    return *std::max_element(counts.begin(), counts.end()) *
           static_cast<double>(counts.size()) / std::max(all, 1);
  };
  return {multiple(bins), multiple(folded)};
}

class Churn {
 public:
  explicit Churn(BackendFleet& fleet) : fleet_(fleet) { Publish(kBackends); }
  ~Churn() { EndpointGroupRegistry::Unregister(kName); }

  static constexpr char kTarget[] = "group:///churn";

  // Publishes another list every 50 ms, and at the end all backends.
  void Run(absl::Duration time) {
    const absl::Time end = absl::Now() + time;
    while (absl::Now() < end) {
      Publish(std::uniform_int_distribution<size_t>(3, kBackends)(random_));
      Wait(absl::Milliseconds(50));
    }
    Publish(kBackends);
  }

 private:
  static constexpr char kName[] = "churn";

  void Publish(size_t count) {
    std::vector<std::string> addresses = fleet_.addresses();
    std::shuffle(addresses.begin(), addresses.end(), random_);
    EndpointList list;
    for (size_t i = 0; i < count; ++i) {
      list.push_back(*Endpoint::Parse(addresses[i]));
    }
    auto group = StaticEndpointGroup::Make(std::move(list));
    DieUnlessOk(group.status());
    DieUnlessOk(EndpointGroupRegistry::Register(kName, *std::move(group)));
  }

  BackendFleet& fleet_;
  std::mt19937 random_{7};
};

constexpr char Churn::kTarget[];
constexpr char Churn::kName[];

struct ChurnFigures {
  int64_t lost = 0;
  int sockets = 0;
  ProcessUsage first;
  ProcessUsage last;
};

ChurnFigures RunRounds(BackendFleet& fleet, Churn& churn,
                       const std::shared_ptr<grpc::Channel>& channel,
                       int rounds, const FaultOptions& options) {
  std::set<int> ports;
  for (size_t i = 0; i < fleet.size(); ++i) {
    ports.insert(fleet.server(i).port());
  }
  const auto stub = Users::NewStub(channel);
  ChurnFigures figures;
  for (int round = 0; round < rounds; ++round) {
    OpenLoad load(*stub, {options.Rate(options.rate)});
    churn.Run(options.Long(30));
    Wait(options.Long(2));
    figures.sockets = ConnectionsTo(ports);
    figures.lost += Lost(load.Stop());
    figures.last = ProcessUsage::Now();
    if (round == 0) figures.first = figures.last;
  }
  return figures;
}

}  // namespace

void RunProbes(const FaultOptions& options, BoundTable& table) {
  Servers servers;
  for (size_t i = 0; i < kBackends; ++i) {
    servers.push_back(std::make_unique<ProbedServer>(
        [](int64_t) { return ProbedServer::Answer::kServing; }));
  }
  const auto channels = ProbingChannels(servers);
  Wait(options.Long(2));  // By then all are connected and probed.
  const absl::Time from = absl::Now();
  const absl::Duration used = ProcessorTime();
  Wait(options.smoke ? absl::Seconds(2) : absl::Seconds(60));
  const absl::Time to = absl::Now();
  const double cores = absl::FDivDuration(ProcessorTime() - used, to - from);
  size_t streams = 0;
  for (const auto& server : servers) {
    std::set<std::string> peers;
    for (const ProbedServer::Seen& check : server->checks()) {
      peers.insert(check.peer);
    }
    streams = std::max(streams, peers.size());
  }
  const Bins bins = CountBins(servers, from, to);
  table.AtMost("probes: probe streams of one backend", streams, {}, 1);
  // A bin has one probe on average, so by chance some of the 600 bins have 4 or
  // 5.
  table.Show("probes: largest of all 100 ms bins, x mean", bins.largest);
  table.AtMost("probes: largest 100 ms bin of a second, x mean", bins.folded,
               {}, 2);
  // This includes the servers, which live in this process too.
  table.AtMost("probes: percent of a core", cores * 100, {}, 2);
}

void RunChurn(const FaultOptions& options, BoundTable& table) {
  auto fleet = BackendFleet::Start(kBackends);
  DieUnlessOk(fleet.status());
  Churn churn(**fleet);
  auto channel = CreateChannel(
      Churn::kTarget, grpc::InsecureChannelCredentials(), ChannelOptions());
  DieUnlessOk(channel.status());
  const ChurnFigures ours =
      RunRounds(**fleet, churn, *channel, /*rounds=*/3, options);
  channel->reset();
  // Stock gRPC uses this library's resolver too, because it has none whose list
  // a program can set.
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName("round_robin");
  const ChurnFigures stock =
      RunRounds(**fleet, churn,
                grpc::CreateCustomChannel(
                    Churn::kTarget, grpc::InsecureChannelCredentials(), args),
                /*rounds=*/1, options);
  table.AtMost("churn: calls lost", ours.lost, stock.lost, 0);
  table.AtMost("churn: connections more or fewer than backends",
               std::abs(ours.sockets - static_cast<int>(kBackends)),
               std::abs(stock.sockets - static_cast<int>(kBackends)), 0);
  table.AtMost("churn: more file descriptors after round 3 than 1",
               ours.last.file_descriptors - ours.first.file_descriptors, {}, 2);
  table.AtMost("churn: more threads after round 3 than 1",
               ours.last.threads - ours.first.threads, {}, 2);
  table.AtMost("churn: more memory after round 3 than 1, MiB",
               ours.last.heap_mib - ours.first.heap_mib, {}, 4);
}

}  // namespace multi_backend
