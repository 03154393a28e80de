// A channel follows a store that lists the backends.  The list changes while
// calls run, then the store dies and comes back.  Exits with 1 if a call failed
// or the channel did not follow a change.
//
//   bazel run -c opt //examples:discovery -- --source=dns
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
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/examples/demonstration.h"
#include "multi_backend/examples/discovery_store.h"
#include "multi_backend/examples/traffic.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/required_package.h"

namespace examples {
namespace {

using multi_backend::BackendFleet;
using multi_backend::BackendPool;
using multi_backend::BackendSnapshot;

constexpr absl::Duration kLivePeriod = absl::Seconds(1);
constexpr absl::Duration kPollPeriod = absl::Milliseconds(5);
// How long the channel may take to follow a change.  Sources take 2 s at most,
// but a server that was away is asked again after a backoff of some seconds.
constexpr absl::Duration kPatience = absl::Seconds(20);

struct Flags {
  std::string source = "file";
  double seconds = 10;
  double calls_per_second = 300;
};

class Discovery {
 public:
  explicit Discovery(const Flags& flags) : flags_(flags) {}

  // Starts the backends, the store, the channel and the traffic.
  absl::Status Start();
  // Changes the list, and prints live lines meanwhile.
  absl::Status Run();
  // Ends the traffic and prints the results; returns the program's exit code.
  int Finish();

 private:
  // The number of calls of each backend that is on the channel's list.
  std::map<std::string, uint64_t> CallsByName() const;
  // Changes the store's list and waits until the channel has followed.
  absl::Status SetList(const std::vector<size_t>& backends,
                       const std::string& what);
  void Say(const std::string& text) const;
  // Prints live lines until done() is true; false if `timeout` passes first.
  bool LiveUntil(absl::Duration timeout, const std::function<bool()>& done);
  void LiveFor(absl::Duration time) {
    LiveUntil(time, [] { return false; });
  }
  void PrintLiveLine();

  const Flags flags_;
  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<DiscoveryStore> store_;
  std::shared_ptr<BackendPool> pool_;
  std::unique_ptr<Traffic> traffic_;
  absl::Time begin_;
  absl::Time next_live_;
  std::map<std::string, uint64_t> calls_shown_;
  std::vector<std::pair<std::string, absl::Duration>> followed_;
};

absl::Status Discovery::Start() {
  // Register() must run before the fleet makes channels of its own.
  const absl::Status ready = multi_backend::Register();
  if (!ready.ok()) return ready;
  auto fleet =
      BackendFleet::Start({{"a", "", {}}, {"b", "", {}}, {"c", "", {}}});
  if (!fleet.ok()) return fleet.status();
  fleet_ = *std::move(fleet);
  auto store = DiscoveryStore::Start(flags_.source);
  if (!store.ok()) return store.status();
  store_ = *std::move(store);
  const absl::Status set =
      store_->Set({fleet_->address(0), fleet_->address(1)});
  if (!set.ok()) return set;

  pool_ = BackendPool::Create();
  multi_backend::ChannelOptions options;
  options.pool = pool_;
  auto channel = multi_backend::CreateChannel(
      store_->target(), grpc::InsecureChannelCredentials(), std::move(options));
  if (!channel.ok()) return channel.status();
  absl::PrintF(
      "Three server processes, a, b and c; a and b are on the list.\n"
      "One channel to %s\nsends %.0f calls per second.  Lines below: what it "
      "sent to each backend on its\nlist in the last second, and what happens "
      "to the list.\n\n",
      store_->target(), flags_.calls_per_second);
  begin_ = absl::Now();
  next_live_ = begin_ + kLivePeriod;
  Traffic::Options traffic;
  traffic.calls_per_second = flags_.calls_per_second;
  traffic_ = std::make_unique<Traffic>(*channel, traffic);
  return absl::OkStatus();
}

absl::Status Discovery::Run() {
  const absl::Duration unit = absl::Seconds(flags_.seconds / 5);
  LiveFor(unit);
  absl::Status status = SetList({0, 1, 2}, "c joins the list");
  if (!status.ok()) return status;
  LiveFor(unit);
  status = SetList({1, 2}, "a leaves the list");
  if (!status.ok()) return status;
  LiveFor(unit);
  Say(flags_.source == "file"
          ? "the file is deleted: the channel keeps the list."
          : "SIGKILL for the store: the channel keeps the list.");
  store_->TakeAway();
  LiveFor(unit);
  status = store_->BringBack();
  if (!status.ok()) return status;
  status = SetList({0, 1, 2}, "the store is back, and a is on the list again");
  LiveFor(unit);
  return status;
}

absl::Status Discovery::SetList(const std::vector<size_t>& backends,
                                const std::string& what) {
  Say(what + ".");
  std::vector<std::string> addresses;
  std::vector<std::string> names;
  for (const size_t backend : backends) {
    addresses.push_back(fleet_->address(backend));
    names.push_back(fleet_->name(backend));
  }
  const absl::Status set = store_->Set(addresses);
  if (!set.ok()) return set;
  const absl::Time start = absl::Now();
  // The channel has followed when the backends on the list, and no others, get
  // calls.
  if (!LiveUntil(kPatience, [&] {
        const std::map<std::string, uint64_t> calls = CallsByName();
        return calls.size() == names.size() &&
               std::all_of(names.begin(), names.end(),
                           [&](const std::string& name) {
                             const auto found = calls.find(name);
                             return found != calls.end() && found->second > 0;
                           });
      })) {
    return absl::DeadlineExceededError(
        absl::StrCat(what, ": the channel did not follow"));
  }
  const absl::Duration took = absl::Now() - start;
  Say(absl::StrFormat("followed after %.0f ms.",
                      absl::ToDoubleMilliseconds(took)));
  followed_.emplace_back(what, took);
  return absl::OkStatus();
}

std::map<std::string, uint64_t> Discovery::CallsByName() const {
  std::map<std::string, uint64_t> calls;
  for (const BackendSnapshot& backend : pool_->GetAllBackends()) {
    for (size_t i = 0; i < fleet_->size(); ++i) {
      if (fleet_->address(i) == backend.address) {
        calls[fleet_->name(i)] = backend.calls;
      }
    }
  }
  return calls;
}

void Discovery::Say(const std::string& text) const {
  absl::PrintF("%5.1fs  >>> %s\n", absl::ToDoubleSeconds(absl::Now() - begin_),
               text);
}

bool Discovery::LiveUntil(absl::Duration timeout,
                          const std::function<bool()>& done) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!done()) {
    const absl::Time now = absl::Now();
    if (now >= deadline) return false;
    if (now >= next_live_) {
      PrintLiveLine();
      next_live_ += kLivePeriod;
    }
    absl::SleepFor(std::min(deadline, now + kPollPeriod) - now);
  }
  return true;
}

void Discovery::PrintLiveLine() {
  const std::map<std::string, uint64_t> calls = CallsByName();
  absl::PrintF("%5.1fs ", absl::ToDoubleSeconds(absl::Now() - begin_));
  for (size_t i = 0; i < fleet_->size(); ++i) {
    const auto found = calls.find(fleet_->name(i));
    if (found == calls.end()) {
      absl::PrintF("   %s:   - ", fleet_->name(i));
      calls_shown_.erase(fleet_->name(i));
      continue;
    }
    uint64_t& shown = calls_shown_[fleet_->name(i)];
    absl::PrintF("   %s: %3d ", fleet_->name(i), found->second - shown);
    shown = found->second;
  }
  absl::PrintF("\n");
}

int Discovery::Finish() {
  traffic_->Stop();
  const Traffic::Totals totals = traffic_->totals();
  absl::PrintF("\n%-8s %-16s %8s\n", "backend", "address", "calls*");
  for (size_t i = 0; i < fleet_->size(); ++i) {
    absl::PrintF("%-8s %-16s %8d\n", fleet_->name(i), fleet_->address(i),
                 fleet_->CallsOf(i));
  }
  absl::PrintF("* as the servers counted them\n\n%-50s %s\n", "change",
               "in use after");
  for (const auto& change : followed_) {
    absl::PrintF("%-50s %5.0f ms\n", change.first,
                 absl::ToDoubleMilliseconds(change.second));
  }
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
  CLI::App app("Backends that are discovered, live");
  app.add_option("--source", flags.source, "Where the list comes from")
      ->check(CLI::IsMember({"file", "dns", "zookeeper", "etcd"}));
  app.add_option("--seconds", flags.seconds, "How long, about")
      ->check(CLI::Range(1.0, 3600.0));
  app.add_option("--rate", flags.calls_per_second, "Calls per second")
      ->check(CLI::Range(1.0, 20000.0));
  CLI11_PARSE(app, argc, argv);
  const std::string how_to_install =
      examples::DiscoveryStore::HowToInstall(flags.source);
  if (!how_to_install.empty()) {
    return multi_backend::ExitCodeWithoutPackage(how_to_install);
  }
  return examples::RunDemonstration<examples::Discovery>(flags);
}
