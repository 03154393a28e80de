// The quickstart's story with the status page on.  One channel sends reads and
// writes to a primary and two replicas; again and again one replica is killed
// and comes back, and the other one freezes and thaws.  Prints the page's URL.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/examples/demonstration.h"
#include "multi_backend/examples/traffic.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"
#include "multi_backend/tests/testing/backend_fleet.h"

namespace examples {
namespace {

using multi_backend::BackendFleet;
using multi_backend::Monitor;
using multi_backend::StatusServer;

constexpr size_t kPrimary = 0;
constexpr size_t kKilledReplica = 1;
constexpr size_t kFrozenReplica = 2;
// gRPC may wait two minutes before it connects to a lost backend again.
constexpr int kMaxReconnectBackoffMs = 1000;

struct Flags {
  double seconds = 600;
  double calls_per_second = 300;
  std::string address = "127.0.0.1:0";
  std::string config;
};

class Dashboard {
 public:
  explicit Dashboard(const Flags& flags) : flags_(flags) {}

  // Starts the server processes, the channel, the page and the traffic.
  absl::Status Start();
  // Kills and freezes replicas until the time is over.
  absl::Status Run();
  int Finish();

 private:
  absl::Status RegisterEndpoints() const;
  absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel() const;
  // Waits; false when the time of the demonstration is over.
  bool WaitFor(absl::Duration time) const {
    absl::SleepFor(std::min(time, end_ - absl::Now()));
    return absl::Now() < end_;
  }
  void Say(const std::string& text) const {
    absl::PrintF(
        "%s  %s\n",
        absl::FormatTime("%H:%M:%S", absl::Now(), absl::LocalTimeZone()), text);
  }

  const Flags flags_;
  absl::Time end_;
  std::unique_ptr<BackendFleet> fleet_;
  const std::shared_ptr<Monitor> monitor_ = Monitor::Create();
  std::unique_ptr<StatusServer> page_;
  std::unique_ptr<Traffic> traffic_;
};

absl::Status Dashboard::RegisterEndpoints() const {
  multi_backend::EndpointList endpoints;
  for (size_t i = 0; i < fleet_->size(); ++i) {
    auto endpoint = multi_backend::Endpoint::Parse(fleet_->address(i));
    if (!endpoint.ok()) return endpoint.status();
    endpoints.push_back(endpoint->WithRole(fleet_->role(i)));
  }
  auto group = multi_backend::StaticEndpointGroup::Make(std::move(endpoints));
  if (!group.ok()) return group.status();
  return multi_backend::EndpointGroupRegistry::Register("users", *group);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Dashboard::MakeChannel() const {
  std::ifstream file(flags_.config);
  std::ostringstream config;
  config << file.rdbuf();
  multi_backend::ChannelOptions options;
  options.service_config_json = config.str();
  options.sinks.push_back(monitor_);
  options.args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                      kMaxReconnectBackoffMs);
  return multi_backend::CreateChannel(
      "group:///users", grpc::InsecureChannelCredentials(), std::move(options));
}

absl::Status Dashboard::Start() {
  // Register() must run before the fleet makes channels of its own.
  absl::Status status = multi_backend::Register();
  if (!status.ok()) return status;
  auto fleet = BackendFleet::Start({{"primary", "primary", {}},
                                    {"replica-1", "replica", {}},
                                    {"replica-2", "replica", {}}});
  if (!fleet.ok()) return fleet.status();
  fleet_ = *std::move(fleet);
  status = RegisterEndpoints();
  if (!status.ok()) return status;
  auto channel = MakeChannel();
  if (!channel.ok()) return channel.status();

  multi_backend::StatusOptions page;
  page.monitor = monitor_;
  page.address = flags_.address;
  page.enable_actions = true;
  auto server = multi_backend::ServeStatus(std::move(page));
  if (!server.ok()) return server.status();
  page_ = *std::move(server);
  absl::PrintF("Open %s in a browser, or `curl %s`.\n\n", page_->url(),
               page_->url());

  Traffic::Options traffic;
  traffic.calls_per_second = flags_.calls_per_second;
  traffic.threads = 32;
  traffic.writes_served_by = fleet_->name(kPrimary);
  traffic_ = std::make_unique<Traffic>(*channel, traffic);
  end_ = absl::Now() + absl::Seconds(flags_.seconds);
  return absl::OkStatus();
}

absl::Status Dashboard::Run() {
  const absl::Duration unit = absl::Seconds(std::min(flags_.seconds / 6, 8.0));
  while (WaitFor(unit)) {
    Say("SIGKILL for replica-1: its process is gone in the middle of its "
        "calls");
    fleet_->server(kKilledReplica).Kill();
    WaitFor(unit);
    Say("replica-1 starts again on the same port");
    const absl::Status restarted = fleet_->server(kKilledReplica).Restart();
    if (!restarted.ok()) return restarted;
    WaitFor(unit);
    Say("SIGSTOP for replica-2: its connection is open, but nothing answers");
    fleet_->server(kFrozenReplica).Stop();
    WaitFor(unit);
    Say("SIGCONT for replica-2: it goes on where it was");
    fleet_->server(kFrozenReplica).Continue();
  }
  return absl::OkStatus();
}

int Dashboard::Finish() {
  if (traffic_ == nullptr) return 1;
  traffic_->Stop();
  const Traffic::Totals totals = traffic_->totals();
  for (const std::string& error : totals.first_errors) {
    absl::PrintF("failed: %s\n", error);
  }
  absl::PrintF("%d of %d calls failed\n", totals.failed, totals.calls);
  return totals.calls > 0 && totals.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace examples

int main(int argc, char** argv) {
  examples::Flags flags;
  flags.config = multi_backend::RunfilePath("examples/quickstart.json");
  CLI::App app("The quickstart's story on a status page");
  app.add_option("--seconds", flags.seconds, "How long")
      ->check(CLI::Range(1.0, 86400.0));
  app.add_option("--rate", flags.calls_per_second, "Calls per second")
      ->check(CLI::Range(1.0, 20000.0));
  app.add_option("--address", flags.address,
                 "Where the page is: IP:PORT or unix:/PATH");
  CLI11_PARSE(app, argc, argv);
  return examples::RunDemonstration<examples::Dashboard>(flags);
}
