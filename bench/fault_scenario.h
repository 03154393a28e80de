// The common parts of the scenarios of //bench:fault: the two sides, and sums
// over their calls.
#ifndef MULTI_BACKEND_BENCH_FAULT_SCENARIO_H_
#define MULTI_BACKEND_BENCH_FAULT_SCENARIO_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/bench/bound_table.h"
#include "multi_backend/bench/open_load.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/tests/testing/backend_fleet.h"

namespace multi_backend {

struct FaultOptions {
  double rate = 2000;  // Calls per second, unless the scenario sets a rate.
  bool smoke = false;  // Runs only long enough to show that it works.

  absl::Duration Long(double seconds) const {
    return absl::Seconds(smoke ? seconds / 10 : seconds);
  }
  double Rate(double wanted) const { return smoke ? wanted / 10 : wanted; }
};

// One side of a scenario, with its own backends and a channel to them.
struct FaultSide {
  std::unique_ptr<BackendFleet> fleet;
  std::unique_ptr<examples::users::v1::Users::Stub> stub;
  std::shared_ptr<BackendPool> pool;  // Null for stock gRPC.

  uint64_t AttemptsOn(size_t backend) const;
};

// Returns the side of this library, connected to each backend.  `policy` has
// the members of the policy's JSON object.  Ends the program on an error.
FaultSide OurSide(size_t backends, absl::string_view policy,
                  const std::vector<std::string>& flags = {});
// Returns round_robin with the best settings that gRPC has (retries,
// keepalive).
FaultSide StockSide(size_t backends,
                    const std::vector<std::string>& flags = {});

// Lets the scenario run for `time`.
void Wait(absl::Duration time);

using Calls = std::vector<TimedCall>;
int64_t CountIf(const Calls& calls,
                absl::FunctionRef<bool(const TimedCall&)> condition);
int64_t Lost(const Calls& calls);
// Prints to stderr why calls were lost, the most frequent reasons first.
void PrintReasons(const Calls& calls);
// Returns this backend's share of the calls that succeeded in [from, to).
double ShareOf(const Calls& calls, absl::string_view name, absl::Time from,
               absl::Time to);

// The scenarios.
void RunSigkill(const FaultOptions& options, BoundTable& table);
void RunSigstop(const FaultOptions& options, BoundTable& table);
void RunAllKilled(const FaultOptions& options, BoundTable& table);
void RunRetryStorm(const FaultOptions& options, BoundTable& table);
void RunFlapping(const FaultOptions& options, BoundTable& table);
void RunEjection(const FaultOptions& options, BoundTable& table);
void RunProbes(const FaultOptions& options, BoundTable& table);
void RunChurn(const FaultOptions& options, BoundTable& table);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_FAULT_SCENARIO_H_
