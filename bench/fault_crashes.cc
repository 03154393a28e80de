// Scenarios with backends that are killed or stopped.

#include <algorithm>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/bench/calls/die.h"
#include "multi_backend/bench/calls/quantiles.h"
#include "multi_backend/bench/fault_scenario.h"

namespace multi_backend {
namespace {

constexpr char kPassive[] = R"("health":{"passive":{}})";

int64_t LostBySigkill(FaultSide side, const FaultOptions& options) {
  OpenLoad load(*side.stub, {options.Rate(options.rate)});
  Wait(options.Long(1));
  side.fleet->server(1).Kill();
  Wait(options.Long(3));
  DieUnlessOk(side.fleet->server(1).Restart());
  Wait(options.Long(2));
  return Lost(load.Stop());
}

struct SigstopFigures {
  int64_t lost = 0;
  double in_the_middle = 0;  // Attempts on the stopped backend.
  double back_after = 0;     // Seconds.
};

// Returns the seconds from `continued` until the backend gets 80 % of its share
// of the calls in a window of half a second.
double BackAfter(const Calls& calls, absl::string_view name, size_t backends,
                 absl::Time continued, absl::Time end) {
  constexpr absl::Duration kWindow = absl::Milliseconds(500);
  constexpr absl::Duration kStep = absl::Milliseconds(50);
  for (absl::Time from = continued; from + kWindow <= end; from += kStep) {
    if (ShareOf(calls, name, from, from + kWindow) >=
        0.8 / static_cast<double>(backends)) {
      return absl::ToDoubleSeconds(from + kWindow - continued);
    }
  }
  return absl::ToDoubleSeconds(end - continued);
}

SigstopFigures Sigstop(FaultSide side, const FaultOptions& options) {
  SigstopFigures figures;
  const bool ours = side.pool != nullptr;
  const absl::Duration stop = options.Long(4);
  OpenLoad load(*side.stub, {options.Rate(options.rate)});
  Wait(options.Long(1));
  side.fleet->server(1).Stop();
  Wait(stop / 4);
  const absl::Time middle = absl::Now();
  const uint64_t before = ours ? side.AttemptsOn(1) : 0;
  Wait(stop / 2);
  const absl::Time middle_end = absl::Now();
  const uint64_t after = ours ? side.AttemptsOn(1) : 0;
  Wait(stop / 4);
  side.fleet->server(1).Continue();
  const absl::Time continued = absl::Now();
  Wait(options.Long(6));
  const absl::Time end = absl::Now();
  const Calls calls = load.Stop();
  figures.lost = Lost(calls);
  // Stock gRPC does not count attempts, so count the calls that took long: the
  // stopped backend held them up.
  const int64_t held_up = CountIf(calls, [&](const TimedCall& call) {
    return call.start >= middle && call.start < middle_end &&
           (!call.ok() || call.took() > absl::Milliseconds(500));
  });
  figures.in_the_middle =
      ours ? static_cast<double>(after - before) : static_cast<double>(held_up);
  figures.back_after =
      BackAfter(calls, side.fleet->name(1), side.fleet->size(), continued, end);
  return figures;
}

void RestartAll(BackendFleet& fleet) {
  std::vector<std::thread> threads;
  for (size_t i = 0; i < fleet.size(); ++i) {
    threads.emplace_back(
        [&fleet, i]() { DieUnlessOk(fleet.server(i).Restart()); });
  }
  for (std::thread& thread : threads) thread.join();
}

struct OutageFigures {
  int64_t lost = 0;
  double overtaken = 0;  // See Overtaking().
  double fullest = 0;    // The largest share in the first half second.
};

// Returns by how many milliseconds calls overtook each other on the same
// backend: the difference between the start of a call and the latest start of a
// call that ended before it.  The result is the 95th percentile, because
// servers and threads also mix up the order of ends, and the highest values
// come from threads that did not get a core for some time.  `calls` are in the
// order of their ends.
double Overtaking(const Calls& calls, absl::Time from, absl::Time to) {
  std::map<std::string, absl::Time> newest;  // The latest start by backend.
  std::vector<double> millis;
  for (const TimedCall& call : calls) {
    if (!call.ok() || call.start < from || call.start >= to) continue;
    absl::Time& of_backend =
        newest.try_emplace(call.served_by, absl::InfinitePast()).first->second;
    of_backend = std::max(of_backend, call.start);
    millis.push_back(absl::ToDoubleMilliseconds(of_backend - call.start));
  }
  return Quantile(std::move(millis), 0.95);
}

OutageFigures Outage(FaultSide side, const FaultOptions& options) {
  OpenLoad::Options load_options{options.Rate(options.rate)};
  load_options.deadline = absl::Seconds(10);
  load_options.wait_for_ready = side.pool == nullptr;
  OpenLoad load(*side.stub, load_options);
  Wait(options.Long(1));
  side.fleet->KillAll();
  const absl::Time killed = absl::Now();
  Wait(options.Long(2));
  const absl::Time restarted = absl::Now();
  RestartAll(*side.fleet);
  Wait(options.Long(4));
  const Calls calls = load.Stop();
  OutageFigures figures;
  figures.lost = Lost(calls);
  figures.overtaken =
      Overtaking(calls, killed + absl::Milliseconds(100), restarted);
  absl::Time first = absl::InfiniteFuture();
  for (const TimedCall& call : calls) {
    if (call.ok() && call.end > restarted) first = std::min(first, call.end);
  }
  for (size_t i = 0; i < 3; ++i) {
    figures.fullest =
        std::max(figures.fullest, ShareOf(calls, side.fleet->name(i), first,
                                          first + absl::Milliseconds(500)));
  }
  return figures;
}

struct RefusalFigures {
  double slowest = 0;  // Milliseconds.
  int64_t without_cause = 0;
  int64_t served = 0;
};

// Kills all backends and measures how the calls fail that do not wait.
RefusalFigures Refusals(FaultSide side, const FaultOptions& options) {
  OpenLoad load(*side.stub, {options.Rate(options.rate)});
  Wait(options.Long(1));
  side.fleet->KillAll();
  const absl::Time killed = absl::Now();
  Wait(options.Long(2));
  RefusalFigures figures;
  for (const TimedCall& call : load.Stop()) {
    if (call.start < killed) continue;
    figures.served += call.ok();
    figures.slowest =
        std::max(figures.slowest, absl::ToDoubleMilliseconds(call.took()));
    // The message names the unusable backends, or is the error of a backend.
    figures.without_cause += !absl::StrContains(call.message, "127.0.0.1:");
  }
  return figures;
}

}  // namespace

void RunSigkill(const FaultOptions& options, BoundTable& table) {
  const int64_t ours = LostBySigkill(OurSide(3, kPassive), options);
  const int64_t stock = LostBySigkill(StockSide(3), options);
  table.AtMost("sigkill: calls lost", ours, stock, 0);
}

void RunSigstop(const FaultOptions& options, BoundTable& table) {
  const SigstopFigures ours =
      Sigstop(OurSide(3, R"("failover":{"perTryTimeout":"0.1s"},
                    "health":{"passive":{},
                              "active":{"interval":"0.5s","timeout":"0.5s"}})"),
              options);
  const SigstopFigures stock = Sigstop(StockSide(3), options);
  table.AtMost("sigstop: calls lost", ours.lost, stock.lost, 20);
  table.AtMost("sigstop: calls on it in the middle", ours.in_the_middle,
               stock.in_the_middle, 20);
  table.AtMost("sigstop: back at 80 % of its share after, s", ours.back_after,
               stock.back_after, 5);
}

void RunAllKilled(const FaultOptions& options, BoundTable& table) {
  const OutageFigures ours =
      Outage(OurSide(3, R"("backlog":{"limit":10000,"timeout":"10s",
                               "overloadTimeout":"8s"})"),
             options);
  // Stock gRPC's calls wait because of wait_for_ready.
  const OutageFigures stock = Outage(StockSide(3), options);
  table.AtMost("all-killed: calls lost", ours.lost, stock.lost, 0);
  // //bench:backlog measures the order exactly.
  table.AtMost("all-killed: overtaking, 95 % of calls, ms of beginnings",
               ours.overtaken, stock.overtaken, 400);
  table.AtMost("all-killed: fullest backend, first half second", ours.fullest,
               stock.fullest, 0.6);
  const RefusalFigures refused = Refusals(OurSide(3, kPassive), options);
  const RefusalFigures failed = Refusals(StockSide(3), options);
  table.AtMost("all-killed, no backlog: slowest refusal, ms", refused.slowest,
               failed.slowest, 50);
  table.AtMost("all-killed, no backlog: refusals without the cause",
               refused.without_cause, failed.without_cause, 0);
  table.AtMost("all-killed, no backlog: served", refused.served, failed.served,
               0);
}

}  // namespace multi_backend
