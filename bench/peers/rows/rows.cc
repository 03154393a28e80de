#include "multi_backend/bench/peers/rows/rows.h"

#include "multi_backend/bench/calls/die.h"

namespace multi_backend {

std::unique_ptr<BackendFleet> StartFleet(
    size_t backends, const std::vector<std::string>& flags) {
  return ValueOrDie(BackendFleet::Start(backends, flags));
}

}  // namespace multi_backend
