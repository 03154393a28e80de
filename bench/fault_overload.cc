// Scenarios with backends that are overloaded, and backends that fail again and
// again.

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/bench/calls/die.h"
#include "multi_backend/bench/fault_scenario.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/probed_server.h"

namespace multi_backend {
namespace {

struct StormFigures {
  double goodput = 0;   // The share of calls that succeed in the 4th second.
  double attempts = 0;  // Attempts per call in the worst second; 0 = unknown.
};

// One backend with 4 workers and 10 ms per call can serve 400 calls per second.
// It gets 300 calls per second and stops for 3 s.
StormFigures Storm(FaultSide side, const FaultOptions& options) {
  StormFigures figures;
  const bool ours = side.pool != nullptr;
  const absl::Duration second = options.Long(1);
  OpenLoad load(*side.stub, {/*rate=*/300});
  absl::Time continued;
  uint64_t attempts = ours ? side.AttemptsOn(0) : 0;
  uint64_t begun = 0;
  for (int i = 0; i < 10; ++i) {
    if (i == 2) side.fleet->server(0).Stop();
    if (i == 5) {
      side.fleet->server(0).Continue();
      continued = absl::Now();
    }
    Wait(second);
    if (!ours) continue;
    const uint64_t attempts_now = side.AttemptsOn(0);
    const uint64_t begun_now = load.begun();
    figures.attempts = std::max(figures.attempts,
                                static_cast<double>(attempts_now - attempts) /
                                    static_cast<double>(begun_now - begun));
    attempts = attempts_now;
    begun = begun_now;
  }
  const Calls calls = load.Stop();
  const auto in_fourth = [&](const TimedCall& call) {
    return call.start >= continued + 3 * second &&
           call.start < continued + 4 * second;
  };
  const int64_t ended_well = CountIf(calls, [&](const TimedCall& call) {
    return in_fourth(call) && call.ok();
  });
  figures.goodput = static_cast<double>(ended_well) /
                    static_cast<double>(CountIf(calls, in_fourth));
  return figures;
}

// Returns how often the state of a backend changes whose health alternates from
// probe to probe.
double Flaps(const FaultOptions& options) {
  using Answer = ProbedServer::Answer;
  ProbedServer flapping([](int64_t number) {
    return number % 2 == 0 ? Answer::kNotServing : Answer::kServing;
  });
  ProbedServer well([](int64_t) { return Answer::kServing; });
  ChannelOptions channel_options;
  channel_options.pool = BackendPool::Create();
  channel_options.service_config_json =
      R"({"loadBalancingConfig":[{"multi_backend":{"health":{"active":{
          "interval":"0.5s","timeout":"0.4s","unhealthyAfter":3,
          "healthyAfter":2}}}}]})";
  const std::shared_ptr<BackendPool> pool = channel_options.pool;
  auto channel = CreateChannel(
      absl::StrCat("static:///", flapping.address(), ",", well.address()),
      grpc::InsecureChannelCredentials(), std::move(channel_options));
  DieUnlessOk(channel.status());
  auto stub = examples::users::v1::Users::NewStub(*channel);
  OpenLoad load(*stub, {/*rate=*/100});
  Wait(options.Long(20));
  load.Stop();
  int changes = 0;
  for (const PoolEvent& event : pool->GetEvents()) {
    changes += event.kind == PoolEvent::Kind::kState &&
               event.who == flapping.address();
  }
  return changes;
}

constexpr absl::Duration kMaxEjection = absl::Seconds(4);

struct EjectionFigures {
  int64_t lost = 0;
  int64_t failed_attempts = 0;
  int ejections = 0;
  int shorter = 0;  // Ejections shorter than the one before and the maximum.
};

// One backend fails for 300 ms in every 2 s.
EjectionFigures Ejections(FaultSide side, const FaultOptions& options) {
  OpenLoad load(*side.stub, {options.Rate(options.rate)});
  const absl::Time end = absl::Now() + options.Long(30);
  while (absl::Now() < end) {
    side.fleet->SetBehaviour(1, Failing());
    Wait(options.Long(0.3));
    side.fleet->SetBehaviour(1, Succeeding());
    Wait(options.Long(1.7));
  }
  EjectionFigures figures;
  figures.lost = Lost(load.Stop());
  figures.failed_attempts = side.fleet->Stats(1).failed();
  if (side.pool == nullptr) return figures;
  absl::Time since;
  absl::Duration before = absl::ZeroDuration();
  for (const PoolEvent& event : side.pool->GetEvents()) {
    if (event.to == "DOWN") since = event.time;
    if (event.from != "DOWN") continue;
    const absl::Duration length = event.time - since;
    ++figures.ejections;
    figures.shorter += length < std::min(before, kMaxEjection);
    before = length;
  }
  return figures;
}

}  // namespace

void RunFlapping(const FaultOptions& options, BoundTable& table) {
  // gRPC has no figure: it does not probe but watches a stream of the server.
  table.AtMost("flapping: changes of state in 20 s", Flaps(options), {}, 2);
}

void RunEjection(const FaultOptions& options, BoundTable& table) {
  const EjectionFigures ours =
      Ejections(OurSide(3, R"("health":{"passive":{"downRetryAfter":"0.5s",
                                         "maxDownRetryAfter":"4s"}})"),
                options);
  const EjectionFigures stock = Ejections(StockSide(3), options);
  table.AtMost("ejection: shorter than the one before", ours.shorter, {}, 0);
  table.Show("ejection: how often", ours.ejections);
  table.Show("ejection: failed attempts", ours.failed_attempts,
             stock.failed_attempts);
  table.AtMost("ejection: calls lost", ours.lost, stock.lost, 0);
}

void RunRetryStorm(const FaultOptions& options, BoundTable& table) {
  const std::vector<std::string> flags = {"--workers", "4", "--delay-ms", "10"};
  const StormFigures ours =
      Storm(OurSide(1, R"("health":{"passive":{}},"maxRequestsPerBackend":8,
                          "backlog":{"limit":200,"timeout":"0.5s"})",
                    flags),
            options);
  const StormFigures stock = Storm(StockSide(1, flags), options);
  table.AtLeast("retry-storm: goodput in the 4th second after", ours.goodput,
                stock.goodput, 0.95);
  table.AtMost("retry-storm: attempts per call, worst second", ours.attempts,
               {}, 1.35);
}

}  // namespace multi_backend
