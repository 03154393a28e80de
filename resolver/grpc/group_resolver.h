// GroupResolver: makes an EndpointGroup one of gRPC's resolvers.
//
// Threads: runs in the channel's work serializer.  The group reports changes on
// any thread, and they are handed to the serializer one at a time.  A list that
// is replaced before the serializer takes it is skipped.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_GROUP_RESOLVER_H_
#define MULTI_BACKEND_RESOLVER_GRPC_GROUP_RESOLVER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "multi_backend/port/core.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/groups/endpoint_group.h"
#include "multi_backend/resolver/grpc/call_configuration.h"
#include "multi_backend/resolver/grpc/endpoint_addresses.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class GroupResolver final : public grpc_core::Resolver {
 public:
  struct Options {
    // Returns the strategy for a configuration that names none, if there is
    // one; asked for each list.  May be null.
    std::function<absl::optional<StrategyKind>()> default_strategy;
    // If not OK, calls fail with it until there is a list.
    absl::Status until_known;
  };
  GroupResolver(grpc_core::ResolverArgs args,
                std::shared_ptr<EndpointGroup> group, Options options);

  void StartLocked() override;
  void RequestReresolutionLocked() override;
  void ResetBackoffLocked() override;

 private:
  void ShutdownLocked() override;
  void OnGroupChange(std::shared_ptr<const EndpointList> endpoints);
  void TakeNewestLocked();
  void ReportLocked();

  const std::shared_ptr<EndpointGroup> group_;
  const Options options_;
  const grpc_core::ChannelArgs channel_args_;
  const std::shared_ptr<grpc_core::WorkSerializer> work_serializer_;
  const std::unique_ptr<ResultHandler> result_handler_;
  CallConfigurationCache configuration_;
  std::unique_ptr<EndpointAddresses> addresses_;
  std::unique_ptr<EndpointGroup::Subscription> subscription_;
  bool shutdown_ = false;
  Mutex mutex_;
  // The list that waits for the serializer; null when none does.
  std::shared_ptr<const EndpointList> newest_ ABSL_GUARDED_BY(mutex_);
  bool names_are_configured_ ABSL_GUARDED_BY(mutex_) = false;  // For newest_.
};

// A resolver whose only answer is `error`, for a target that is well formed but
// cannot be followed.
class FailingResolver final : public grpc_core::Resolver {
 public:
  FailingResolver(grpc_core::ResolverArgs args, absl::Status error)
      : result_handler_(std::move(args.result_handler)),
        channel_args_(std::move(args.args)),
        error_(std::move(error)) {}
  void StartLocked() override;

 private:
  void ShutdownLocked() override;
  const std::unique_ptr<ResultHandler> result_handler_;
  const grpc_core::ChannelArgs channel_args_;
  const absl::Status error_;
  std::shared_ptr<ChannelRecord> record_;  // Null without observers.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_GROUP_RESOLVER_H_
