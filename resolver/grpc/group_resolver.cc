#include "multi_backend/resolver/grpc/group_resolver.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/observability/channel/channel_record.h"

namespace multi_backend {
namespace {

grpc_core::Resolver::Result Failure(const absl::Status& error,
                                    const grpc_core::ChannelArgs& args) {
  grpc_core::Resolver::Result result;
  core::SetAddresses(result, error);
  // With an error as the service config, core fails calls at once, before it
  // asks any LB policy.
  result.service_config = error;
  result.args = args;
  return result;
}

}  // namespace

GroupResolver::GroupResolver(grpc_core::ResolverArgs args,
                             std::shared_ptr<EndpointGroup> group,
                             Options options)
    : group_(std::move(group)),
      options_(std::move(options)),
      channel_args_(args.args),
      work_serializer_(args.work_serializer),
      result_handler_(std::move(args.result_handler)),
      configuration_(args.args, absl::nullopt) {
  EndpointAddresses::Args address_args;
  address_args.channel_args = std::move(args.args);
  address_args.pollset_set = args.pollset_set;
  address_args.work_serializer = std::move(args.work_serializer);
  address_args.on_change = [this]() { ReportLocked(); };
  addresses_ = std::make_unique<EndpointAddresses>(std::move(address_args));
}

void GroupResolver::StartLocked() {
  configuration_.Observe([group = std::weak_ptr<EndpointGroup>(group_)]() {
    const std::shared_ptr<EndpointGroup> living = group.lock();
    return living == nullptr ? std::string()
                             : std::string(living->last_error().message());
  });
  if (!options_.until_known.ok()) {
    result_handler_->ReportResult(Failure(options_.until_known, channel_args_));
  }
  subscription_ =
      group_->Watch([this](std::shared_ptr<const EndpointList> endpoints) {
        OnGroupChange(std::move(endpoints));
      });
}

// Runs on any thread.  `this` is alive, because the subscription's destructor
// waits for this to return, and the work in the serializer holds a reference.
void GroupResolver::OnGroupChange(
    std::shared_ptr<const EndpointList> endpoints) {
  {
    MutexLock lock(&mutex_);
    // Read here, together with the list: later the group may be another one,
    // whose names are trusted.
    names_are_configured_ = group_->names_are_configured();
    // A source may be faster than the serializer, whose queue must not grow.
    if (std::exchange(newest_, std::move(endpoints)) != nullptr) return;
  }
  core::CoreScope scope;
  Ref().release();
  work_serializer_->Run(
      [this]() {
        TakeNewestLocked();
        Unref();
      },
      DEBUG_LOCATION);
}

void GroupResolver::TakeNewestLocked() {
  std::shared_ptr<const EndpointList> endpoints;
  bool names_are_configured;
  {
    MutexLock lock(&mutex_);
    std::swap(endpoints, newest_);
    names_are_configured = names_are_configured_;
  }
  if (shutdown_) return;
  addresses_->SetEndpointsLocked(std::move(endpoints), names_are_configured);
}

void GroupResolver::ReportLocked() {
  if (shutdown_) return;
  Result result;
  core::SetAddresses(result, addresses_->AddressesLocked());
  result.resolution_note = group_->Describe();
  const std::string problems = addresses_->ProblemsLocked();
  if (!problems.empty()) {
    absl::StrAppend(&result.resolution_note, ": ", problems);
  }
  result.args = channel_args_;
  if (options_.default_strategy != nullptr) {
    configuration_.SetDefaultStrategy(options_.default_strategy());
  }
  configuration_.ApplyTo(result);
  result_handler_->ReportResult(std::move(result));
}

void GroupResolver::RequestReresolutionLocked() {
  group_->RequestRefresh();
  addresses_->RequestReresolutionLocked();
}

void GroupResolver::ResetBackoffLocked() { addresses_->ResetBackoffLocked(); }

void GroupResolver::ShutdownLocked() {
  shutdown_ = true;
  subscription_.reset();
  addresses_.reset();
}

void FailingResolver::StartLocked() {
  record_ = RecordOf(channel_args_);
  if (record_ != nullptr) {
    record_->OnResolverStarted();
    record_->OnResolverError(error_.message());
  }
  result_handler_->ReportResult(Failure(error_, channel_args_));
}

void FailingResolver::ShutdownLocked() {
  if (record_ != nullptr) record_->OnResolverStopped();
}

}  // namespace multi_backend
