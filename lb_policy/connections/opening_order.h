// OpeningOrder(): in which order the backends of a long list get their first
// connections.
//
// Calls go to the connected backends until the last one has its connection.  So
// the first ones are a sample: the roles take turns, each with its best
// priorities first.  The order is otherwise random, so that the channels of a
// service do not all start on the same few backends.
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
