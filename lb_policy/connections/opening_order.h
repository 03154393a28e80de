// OpeningOrder(): in which order the backends of a long list get their first
// connections.
//
// Until the last of them has one, calls go to those that are connected.  So the
// first ones are a sample of the list: the best priorities, and of each role as
// many as of any other.  Which ones differs from channel to channel, or all
// channels of a service would start on the same few backends.
//
// Pure.
#ifndef MULTI_BACKEND_LB_POLICY_CONNECTIONS_OPENING_ORDER_H_
#define MULTI_BACKEND_LB_POLICY_CONNECTIONS_OPENING_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/random/bit_gen_ref.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

struct OpeningCandidate {
  absl::string_view role;
  int32_t priority = 0;  // Smaller is better.
};

// Returns the indices of `candidates`.  O(n log n).
std::vector<size_t> OpeningOrder(
    const std::vector<OpeningCandidate>& candidates, absl::BitGenRef random);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_CONNECTIONS_OPENING_ORDER_H_
