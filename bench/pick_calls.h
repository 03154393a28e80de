// PickCalls: a batch of calls as a picker sees them: core's own LbCallState
// over an arena, with call attributes.  Making them is not part of what is
// measured.
//
// Threads: one.
#ifndef MULTI_BACKEND_BENCH_PICK_CALLS_H_
#define MULTI_BACKEND_BENCH_PICK_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "multi_backend/port/core.h"

namespace multi_backend {

class PickCalls {
 public:
  explicit PickCalls(size_t batch);
  ~PickCalls();

  enum class Attributes {
    kNone,
    kRingHash,  // Stock ring_hash's request hash.
    kContext,   // Our CallContext, with the key.
  };
  // Makes `batch` new calls; call i has the key `keys[i % keys.size()]`.
  void Renew(Attributes attributes, const std::vector<uint64_t>& keys);
  // Call `i` becomes the one that args() means.
  void Select(size_t i);
  const grpc_core::LoadBalancingPolicy::PickArgs& args() const { return args_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  grpc_core::LoadBalancingPolicy::PickArgs args_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PICK_CALLS_H_
