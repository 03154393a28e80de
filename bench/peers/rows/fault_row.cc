// Row 5: what callers notice when backends are killed, frozen, cut off and
// restarted, at 2,000 calls a second.

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/bench/calls/die.h"
#include "multi_backend/bench/peers/namespace.h"
#include "multi_backend/bench/peers/rows/rows.h"

namespace multi_backend {
namespace {

constexpr char kOurs[] = "ours";
constexpr char kOutlierRules[] =
    R"("interval":"0.5s","baseEjectionTime":"1s","maxEjectionPercent":50,
    "failurePercentageEjection":{"threshold":50,"minimumHosts":2,
    "requestVolume":5})";
constexpr char kOurFaultPolicy[] =
    R"("failover":{"maxRetries":2,"perTryTimeout":"0.1s"},
    "health":{"active":{"interval":"0.5s","timeout":"0.5s"}})";

void Wait(absl::Duration time) { absl::SleepFor(time); }

void Kill(BackendFleet& fleet, absl::Duration second) {
  fleet.server(1).Kill();
  Wait(second);
  DieUnlessOk(fleet.server(1).Restart());
  Wait(second);
}

void Freeze(BackendFleet& fleet, absl::Duration second) {
  fleet.server(1).Stop();
  Wait(1.5 * second);
  fleet.server(1).Continue();
  Wait(second);
}

void BlackHole(BackendFleet& fleet, absl::Duration second) {
  CutOff cut_off(fleet.server(1).port());
  Wait(2 * second);
}

// Each server ends on SIGTERM, and is back before the next one is restarted.
void RollingRestart(BackendFleet& fleet, absl::Duration second) {
  for (size_t i = 0; i < fleet.size(); ++i) {
    DieUnlessOk(fleet.server(i).Terminate());
    DieUnlessOk(fleet.server(i).Restart());
    Wait(second);
  }
}

void KillFirstTier(BackendFleet& fleet, absl::Duration second) {
  fleet.server(0).Kill();
  fleet.server(1).Kill();
  Wait(2 * second);
}

struct Fault {
  std::string name;
  void (*run)(BackendFleet& fleet, absl::Duration second);
  Goal lost;
  Goal gap;
  bool tiers = false;  // Two backends and two spares, in place of three.
};

const std::vector<Fault>& Faults() {
  static const auto* const faults = new std::vector<Fault>{
      {"kill", Kill, {Goal::Kind::kAtMost, 0}, {}},
      {"freeze", Freeze, {Goal::Kind::kAtMost, 4}, {}},
      {"rolling restart", RollingRestart, {Goal::Kind::kAtMost, 0}, {}},
      {"whole tier",
       KillFirstTier,
       {Goal::Kind::kAtMost, 0},
       {Goal::Kind::kAtMost, 5},
       /*tiers=*/true},
  };
  return *faults;
}

std::string OurPolicy(const PeerOptions& options) {
  if (options.spares.empty()) return kOurFaultPolicy;
  std::string entries;
  for (const std::string& address : options.spares) {
    absl::StrAppend(&entries, entries.empty() ? "" : ",", R"({"address":")",
                    address, R"(","role":"spare"})");
  }
  return absl::StrCat(kOurFaultPolicy, R"(,"strategy":"PRIMARY","backends":[)",
                      entries, R"(],"members":[
      {"name":"first","select":{"role":""},"strategy":"ROUND_ROBIN"},
      {"name":"spare","select":{"role":"spare"},"strategy":"ROUND_ROBIN"}])");
}

Peer MakePeer(const std::string& name, const PeerOptions& options) {
  if (name == kOurs) return Ours(kOurs, options, OurPolicy(options));
  if (name == "stock") return Stock(options);
  if (name == "stock OD") return StockOutlierDetection(options, kOutlierRules);
  return Through(
      name == "HAProxy" ? Proxy::Kind::kHaproxy : Proxy::Kind::kNginx, options);
}

struct Worst {
  double lost = 0;
  double p99_ms = 0;
  double gap_ms = 0;

  void Take(Figures& figures) {
    lost = std::max(lost, figures["lost"]);
    p99_ms = std::max(p99_ms, figures["p99_ms"]);
    gap_ms = std::max(gap_ms, figures["gap_ms"]);
  }
};

void RunFault(const Fault& fault, const RowOptions& options,
              ResultTable& table) {
  std::vector<std::string> names = {kOurs, "stock", "stock OD"};
  for (const Proxy::Kind kind : InstalledProxies()) {
    names.push_back(std::string(Proxy::Name(kind)));
  }
  for (const std::string& name : names) {
    Worst worst;
    std::string full_name;
    for (int run = 0; run < (options.smoke ? 1 : 2); ++run) {
      const auto fleet = StartFleet(fault.tiers ? 4 : 3);
      PeerOptions peer_options;
      peer_options.faults = true;
      for (size_t i = 0; i < fleet->size(); ++i) {
        (fault.tiers && i >= 2 ? peer_options.spares : peer_options.backends)
            .push_back(fleet->address(i));
      }
      Peer peer = MakePeer(name, peer_options);
      full_name = peer.name;
      peer.Do(absl::StrCat("connect ", peer_options.backends.size()));
      peer.Do(absl::StrCat("begin ", options.smoke ? 200 : 2000, " 1"));
      Wait(absl::Seconds(options.Seconds(0.5)));
      fault.run(*fleet, absl::Seconds(options.Seconds(1)));
      Figures figures = peer.Do("end");
      worst.Take(figures);
    }
    const bool judged = name == kOurs;
    table.Figure(absl::StrCat(fault.name, ": calls lost"), full_name,
                 worst.lost, judged ? fault.lost : Goal());
    table.Figure(absl::StrCat(fault.name, ": p99, ms"), full_name,
                 worst.p99_ms);
    if (fault.gap.kind == Goal::Kind::kNone) continue;
    table.Figure(absl::StrCat(fault.name, ": longest time without answer, ms"),
                 full_name, worst.gap_ms, judged ? fault.gap : Goal());
  }
}

}  // namespace

void RunFaults(const RowOptions& options, ResultTable& table) {
  for (const Fault& fault : Faults()) RunFault(fault, options, table);
  if (!CutOff::IsPossible()) return;
  RunFault({"black hole", BlackHole, {}, {}}, options, table);
}

}  // namespace multi_backend
