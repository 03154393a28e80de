// The quickstart's story with the status page on.  One channel sends reads and
// writes to a primary and two replicas; again and again one replica is killed
// and comes back, and the other one freezes and thaws.  Prints the page's URL.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/examples/demonstration.h"
#include "multi_backend/examples/primary_and_replicas.h"
#include "multi_backend/examples/traffic.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"
#include "multi_backend/tests/testing/backend_fleet.h"

namespace examples {
namespace {

using multi_backend::BackendFleet;
using multi_backend::Monitor;
using multi_backend::StatusServer;

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

absl::Status Dashboard::Start() {
  auto fleet = StartPrimaryAndReplicas();
  if (!fleet.ok()) return fleet.status();
  fleet_ = *std::move(fleet);
  multi_backend::ChannelOptions options;
  options.sinks.push_back(monitor_);
  auto channel = MakeChannelTo(*fleet_, flags_.config, std::move(options));
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
