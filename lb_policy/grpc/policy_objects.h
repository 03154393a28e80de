// What a policy takes from the args of its channel: the objects of the
// application, or its own in their place.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_POLICY_OBJECTS_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_POLICY_OBJECTS_H_

#include <memory>

#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/failover/retry_classifier.h"
#include "multi_backend/lb_policy/status/sink_reporter.h"
#include "multi_backend/port/core.h"

namespace multi_backend {

inline std::shared_ptr<BackendPool> PoolFrom(
    const grpc_core::ChannelArgs& args) {
  return PoolOf(args, []() { return BackendPool::Create(); });
}

inline std::shared_ptr<const AttemptClassifier> ClassifierFrom(
    const grpc_core::ChannelArgs& args) {
  auto* extension = args.GetObject<ChannelExtension>();
  return extension == nullptr ? nullptr : extension->classifier;
}

inline SinkReporter SinksFrom(const grpc_core::ChannelArgs& args) {
  return SinkReporter(ReportedTarget(args), SinksOf(args));
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_POLICY_OBJECTS_H_
