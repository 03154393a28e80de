// PolicyHarness: a real LB policy object, made by core's registry, over fake
// subchannels that are READY as soon as they are watched.
//
// Ours and the stock policies run in it alike.  One thread.
#ifndef MULTI_BACKEND_BENCH_POLICY_HARNESS_H_
#define MULTI_BACKEND_BENCH_POLICY_HARNESS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class PolicyHarness {
 public:
  // `config_json`: a loadBalancingConfig list, as
  // `[{"round_robin":{}}]`.  Dies on an invalid one.
  PolicyHarness(absl::string_view config_json,
                const grpc_core::ChannelArgs& args);
  ~PolicyHarness();

  // `count` addresses, from 10.0.0.0 on; `first` moves the window.
  static grpc_core::ServerAddressList Addresses(size_t count, size_t first = 0);

  // One resolver update; returns when the policy has come to rest.
  void Update(grpc_core::ServerAddressList addresses);

  // The newest picker; it stays alive (stock ring_hash crashes when one of its
  // pickers is destroyed).
  grpc_core::LoadBalancingPolicy::SubchannelPicker* picker() const {
    return pickers_.empty() ? nullptr : pickers_.back().get();
  }
  size_t pickers_made() const { return pickers_made_; }
  // Lets all pickers but the newest go.
  void DropOldPickers();
  void set_keep_pickers(bool keep) { keep_pickers_ = keep; }

 private:
  class Control;

  const grpc_core::ChannelArgs args_;
  bool keep_pickers_ = true;
  size_t pickers_made_ = 0;
  std::vector<std::unique_ptr<grpc_core::LoadBalancingPolicy::SubchannelPicker>>
      pickers_;
  std::shared_ptr<grpc_core::WorkSerializer> work_serializer_;
  grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy::Config> config_;
  grpc_core::OrphanablePtr<grpc_core::LoadBalancingPolicy> policy_;
};

// A batch of calls as a picker sees them: core's own LbCallState over an arena,
// with call attributes.  Making them is not part of what is measured.
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

#endif  // MULTI_BACKEND_BENCH_POLICY_HARNESS_H_
