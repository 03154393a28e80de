// Shows in some seconds what multi_backend does.  One channel sends reads and
// writes to a primary and two replicas.  One replica is killed and comes back;
// the other one freezes and thaws.  Exits with 1 if a call failed or a write
// reached a replica.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/examples/demonstration.h"
#include "multi_backend/examples/primary_and_replicas.h"
#include "multi_backend/examples/traffic.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"

namespace examples {
namespace {

using multi_backend::BackendFleet;
using multi_backend::BackendPool;
using multi_backend::BackendSnapshot;

constexpr absl::Duration kLivePeriod = absl::Seconds(1);
constexpr absl::Duration kPollPeriod = absl::Milliseconds(50);
// How long a restarted replica may take to get calls again.
constexpr absl::Duration kReturnTimeout = absl::Seconds(10);

struct Flags {
  double seconds = 12;
  double calls_per_second = 300;
  int threads = 32;
  std::string config;
};

class Quickstart {
 public:
  explicit Quickstart(const Flags& flags) : flags_(flags) {}

  // Starts the server processes, the channel and the traffic.
  absl::Status Start();
  // Kills and freezes replicas, and prints live lines meanwhile.
  absl::Status Run();
  // Ends the traffic and prints the results; returns the program's exit code.
  int Finish();

 private:
  void Say(const std::string& text) const;
  // Prints live lines until done() is true; false if `timeout` passes first.
  bool LiveUntil(absl::Duration timeout, const std::function<bool()>& done);
  void LiveFor(absl::Duration time) {
    LiveUntil(time, [] { return false; });
  }
  void PrintLiveLines();
  // The pool's snapshots, in the order of the fleet.
  std::vector<BackendSnapshot> Snapshots() const;
  // Adds the counts of a server.  They are lost when its process ends.
  void CollectServerCounts(size_t index);
  void PrintClosingTable(const Traffic::Totals& totals);

  const Flags flags_;
  std::unique_ptr<BackendFleet> fleet_;
  std::shared_ptr<BackendPool> pool_;
  std::unique_ptr<Traffic> traffic_;
  absl::Time begin_;
  absl::Time next_live_;
  std::vector<uint64_t> calls_shown_ = {0, 0, 0};
  // The writes and reads that each server says have reached it.
  std::vector<int64_t> server_writes_ = {0, 0, 0};
  std::vector<int64_t> server_reads_ = {0, 0, 0};
};

absl::Status Quickstart::Start() {
  auto fleet = StartPrimaryAndReplicas();
  if (!fleet.ok()) return fleet.status();
  fleet_ = *std::move(fleet);
  pool_ = BackendPool::Create();
  multi_backend::ChannelOptions channel_options;
  channel_options.pool = pool_;
  auto channel =
      MakeChannelTo(*fleet_, flags_.config, std::move(channel_options));
  if (!channel.ok()) return channel.status();

  absl::PrintF(
      "Three server processes: a primary and two replicas of a users service.\n"
      "One channel sends %.0f calls per second, whatever the servers do:\n"
      "  3 in 10 are writes (CreateUser, UpdateUser, DeleteUser), which only\n"
      "  the primary may get;\n"
      "  7 in 10 are reads (FindUser, GetUser, ListUsers), which go to the "
      "less\n"
      "  busy replica.\n"
      "The rules are in examples/quickstart.json.  Lines below: what the "
      "channel\n"
      "sent to each backend in the last second, and what happens to them.\n\n",
      flags_.calls_per_second);
  begin_ = absl::Now();
  next_live_ = begin_ + kLivePeriod;
  Traffic::Options options;
  options.calls_per_second = flags_.calls_per_second;
  options.threads = flags_.threads;
  options.writes_served_by = fleet_->name(kPrimary);
  traffic_ = std::make_unique<Traffic>(*channel, options);
  return absl::OkStatus();
}

absl::Status Quickstart::Run() {
  const absl::Duration unit = absl::Seconds(flags_.seconds / 6);
  LiveFor(unit);
  Say("SIGKILL for replica-1: its process is gone in the middle of its calls.");
  CollectServerCounts(kKilledReplica);
  fleet_->server(kKilledReplica).Kill();
  LiveFor(unit);

  Say("replica-1 starts again on the same port.");
  const uint64_t calls_before = Snapshots()[kKilledReplica].calls;
  const absl::Status restarted = fleet_->server(kKilledReplica).Restart();
  if (!restarted.ok()) return restarted;
  if (!LiveUntil(kReturnTimeout, [&] {
        return Snapshots()[kKilledReplica].calls > calls_before;
      })) {
    return absl::DeadlineExceededError("replica-1 gets no calls any more");
  }
  Say("replica-1 gets calls again.");
  LiveFor(unit);

  Say("SIGSTOP for replica-2: its connection is open, but nothing answers.");
  fleet_->server(kFrozenReplica).Stop();
  LiveFor(unit * 3 / 2);
  Say("SIGCONT for replica-2: it goes on where it was.");
  fleet_->server(kFrozenReplica).Continue();
  LiveFor(unit * 3 / 2);
  return absl::OkStatus();
}

void Quickstart::Say(const std::string& text) const {
  absl::PrintF("%5.1fs  >>> %s\n", absl::ToDoubleSeconds(absl::Now() - begin_),
               text);
}

bool Quickstart::LiveUntil(absl::Duration timeout,
                           const std::function<bool()>& done) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!done()) {
    const absl::Time now = absl::Now();
    if (now >= deadline) return false;
    if (now >= next_live_) {
      PrintLiveLines();
      next_live_ += kLivePeriod;
    }
    absl::SleepFor(std::min(deadline, std::min(next_live_, now + kPollPeriod)) -
                   now);
  }
  return true;
}

std::vector<BackendSnapshot> Quickstart::Snapshots() const {
  std::map<std::string, BackendSnapshot> by_address;
  for (BackendSnapshot& snapshot : pool_->GetAllBackends()) {
    by_address[snapshot.address] = std::move(snapshot);
  }
  std::vector<BackendSnapshot> snapshots;
  for (const std::string& address : fleet_->addresses()) {
    snapshots.push_back(by_address[address]);
  }
  return snapshots;
}

void Quickstart::PrintLiveLines() {
  const std::vector<BackendSnapshot> snapshots = Snapshots();
  uint64_t calls_now = 0;
  for (size_t i = 0; i < snapshots.size(); ++i) {
    calls_now += snapshots[i].calls - calls_shown_[i];
  }
  for (size_t i = 0; i < snapshots.size(); ++i) {
    const BackendSnapshot& snapshot = snapshots[i];
    const uint64_t calls = snapshot.calls - calls_shown_[i];
    calls_shown_[i] = snapshot.calls;
    absl::PrintF(
        "%5.1fs  %-10s %4d calls (%3.0f%%)  in flight %3d  retries landed %4d"
        "  %s\n",
        absl::ToDoubleSeconds(absl::Now() - begin_), fleet_->name(i), calls,
        calls_now == 0 ? 0.0 : 100.0 * calls / calls_now, snapshot.in_flight,
        snapshot.retries_landed, multi_backend::StateName(snapshot.state));
  }
  absl::PrintF("\n");
}

void Quickstart::CollectServerCounts(size_t index) {
  const users::v1::BackendStats stats = fleet_->Stats(index);
  for (const auto& entry : stats.calls()) {
    const bool is_write = entry.first == "CreateUser" ||
                          entry.first == "UpdateUser" ||
                          entry.first == "DeleteUser";
    (is_write ? server_writes_ : server_reads_)[index] += entry.second;
  }
}

void Quickstart::PrintClosingTable(const Traffic::Totals& totals) {
  const std::vector<BackendSnapshot> snapshots = Snapshots();
  uint64_t attempts = 0;
  for (const BackendSnapshot& snapshot : snapshots) attempts += snapshot.calls;
  absl::PrintF("\n%-10s %-16s %8s %6s %9s %8s %8s %8s\n", "backend", "address",
               "attempts", "share", "failures", "retries", "writes*", "reads*");
  for (size_t i = 0; i < snapshots.size(); ++i) {
    absl::PrintF("%-10s %-16s %8d %5.1f%% %9d %8d %8d %8d\n", fleet_->name(i),
                 fleet_->address(i), snapshots[i].calls,
                 attempts == 0 ? 0.0 : 100.0 * snapshots[i].calls / attempts,
                 snapshots[i].failures, snapshots[i].retries_landed,
                 server_writes_[i], server_reads_[i]);
  }
  absl::PrintF(
      "attempts, failures and retries as the channel saw them; * as the servers"
      "\ncounted them (what replica-1 got just before it was killed is "
      "missing)."
      "\n\n");
  std::vector<absl::Duration> sorted = totals.latencies;
  if (sorted.empty()) return;
  std::sort(sorted.begin(), sorted.end());
  const auto quantile = [&](double q) {
    return absl::ToDoubleMilliseconds(sorted[q * (sorted.size() - 1)]);
  };
  absl::PrintF(
      "%d writes, %d reads; a call took %.1f ms (median), %.1f ms (99%%), %.0f "
      "ms (longest)\n",
      totals.writes, totals.calls - totals.writes, quantile(0.5),
      quantile(0.99), quantile(1));
}

int Quickstart::Finish() {
  traffic_->Stop();
  const Traffic::Totals totals = traffic_->totals();
  for (size_t i = 0; i < fleet_->size(); ++i) {
    if (fleet_->server(i).running()) CollectServerCounts(i);
  }
  PrintClosingTable(totals);
  for (const std::string& error : totals.first_errors) {
    absl::PrintF("failed: %s\n", error);
  }
  // Clients and replicas count misplaced writes independently.  A write that a
  // replica answered is in both counts, so the larger one is taken, not the
  // sum.
  const int64_t misplaced =
      std::max(totals.misplaced_writes,
               server_writes_[kKilledReplica] + server_writes_[kFrozenReplica]);
  absl::PrintF("%d of %d calls failed, %d writes reached a replica\n",
               totals.failed, totals.calls, misplaced);
  return totals.calls > 0 && totals.failed == 0 && misplaced == 0 ? 0 : 1;
}

}  // namespace
}  // namespace examples

int main(int argc, char** argv) {
  examples::Flags flags;
  flags.config = multi_backend::RunfilePath("examples/quickstart.json");
  CLI::App app("Routing and failover of multi_backend, live");
  app.add_option("--seconds", flags.seconds, "How long, about")
      ->check(CLI::Range(1.0, 3600.0));
  app.add_option("--rate", flags.calls_per_second, "Calls per second")
      ->check(CLI::Range(1.0, 20000.0));
  app.add_option("--threads", flags.threads, "Calls at a time, at most")
      ->check(CLI::Range(1, 1000));
  app.add_option("--config", flags.config, "Service config JSON")
      ->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  return examples::RunDemonstration<examples::Quickstart>(flags);
}
