// The rows of //bench:peers.
#ifndef MULTI_BACKEND_BENCH_PEERS_ROWS_ROWS_H_
#define MULTI_BACKEND_BENCH_PEERS_ROWS_ROWS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "multi_backend/bench/peers/peer.h"
#include "multi_backend/bench/peers/report/result_table.h"
#include "multi_backend/tests/testing/backend_fleet.h"

namespace multi_backend {

struct RowOptions {
  bool smoke = false;  // Only as long as it takes to show that the row runs.
  std::string plots;   // The directory for the plots; "" = none.

  int turns() const { return smoke ? 1 : 9; }
  double Seconds(double seconds) const { return smoke ? seconds / 5 : seconds; }
};

// "closed 16 small 0.3", a command of client.cc.
inline std::string ClosedLoad(int callers, const std::string& kind,
                              double seconds) {
  return absl::StrFormat("closed %d %s %g", callers, kind, seconds);
}

std::unique_ptr<BackendFleet> StartFleet(
    size_t backends, const std::vector<std::string>& flags = {});

void RunCost(const RowOptions& options, ResultTable& table);
void RunConnections(const RowOptions& options, ResultTable& table);
void RunThreads(const RowOptions& options, ResultTable& table);
void RunGreyFailure(const RowOptions& options, ResultTable& table);
void RunFaults(const RowOptions& options, ResultTable& table);
void RunScale(const RowOptions& options, ResultTable& table);
void RunIdle(const RowOptions& options, ResultTable& table);
void RunCold(const RowOptions& options, ResultTable& table);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PEERS_ROWS_ROWS_H_
