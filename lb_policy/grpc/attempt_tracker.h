// AttemptTracker: counts one attempt in flight, and reports its end to the
// backend and to the call's log.
//
// Lives in the call's arena (deleting it frees nothing).  Core calls Start()
// under the channel's pick lock and Finish() at most once; one that core drops
// without Finish() counts as cancelled.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_ATTEMPT_TRACKER_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_ATTEMPT_TRACKER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "multi_backend/lb_policy/backend.h"
#include "multi_backend/lb_policy/balancer_node.h"
#include "multi_backend/lb_policy/failover.h"
#include "multi_backend/port/call_context.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class AttemptTracker final
    : public grpc_core::LoadBalancingPolicy::SubchannelCallTrackerInterface {
 public:
  struct Args {
    Backend* backend = nullptr;  // Alive until Start() (the plan holds it).
    const BalancerNode* leaf = nullptr;  // The same.
    CallContext* context = nullptr;      // Null for a call without context.
    absl::string_view method;            // Alive until Finish() (core's).
    bool needs_latency = false;
    bool has_per_try_timeout = false;
  };
  explicit AttemptTracker(const Args& args)
      : backend_(args.backend),
        context_(args.context),
        method_(args.method),
        load_path_(args.leaf->load_path()),
        ewma_decay_(args.leaf->ewma_decay()),
        needs_latency_(args.needs_latency),
        has_per_try_timeout_(args.has_per_try_timeout) {}
  ~AttemptTracker() override;

  static void* operator new(size_t, void* arena_memory) { return arena_memory; }
  static void operator delete(void*, void*) {}
  static void operator delete(void*) {}

  void Start() override;
  void Finish(FinishArgs args) override;

 private:
  using MetadataInterface = grpc_core::LoadBalancingPolicy::MetadataInterface;

  void End();
  void OnFailed(const FinishArgs& args);
  bool AllowsRetry(const AttemptView& view,
                   MetadataInterface* trailing_metadata) const;
  void ObserveLatencies(bool failed);

  Backend* const backend_;
  CallContext* const context_;
  const absl::string_view method_;
  const std::shared_ptr<const LoadPath> load_path_;
  const absl::Duration ewma_decay_;
  const bool needs_latency_;
  const bool has_per_try_timeout_;
  bool started_ = false;
  int attempt_ = 1;
  int64_t start_nanos_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_ATTEMPT_TRACKER_H_
