#include "multi_backend/bench/peers/rows/rows.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace multi_backend {

void DieUnlessOk(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "peers: %s\n", status.ToString().c_str());
  std::exit(1);
}

std::unique_ptr<BackendFleet> StartFleet(
    size_t backends, const std::vector<std::string>& flags) {
  auto fleet = BackendFleet::Start(backends, flags);
  DieUnlessOk(fleet.status());
  return *std::move(fleet);
}

}  // namespace multi_backend
