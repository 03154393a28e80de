#include "multi_backend/resolver/grpc/wrapping_resolver.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/port/log.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/grpc/call_configuration.h"
#include "multi_backend/resolver/grpc/channel_service_config.h"
#include "multi_backend/resolver/grpc/group_resolver.h"
#include "multi_backend/resolver/grpc/routing_check.h"

namespace multi_backend {
namespace {

class ConfiguringHandler final : public grpc_core::Resolver::ResultHandler {
 public:
  ConfiguringHandler(std::unique_ptr<ResultHandler> channel,
                     const grpc_core::ChannelArgs& args)
      : channel_(std::move(channel)), configuration_(args, absl::nullopt) {
    configuration_.Observe();
  }

  void ReportResult(grpc_core::Resolver::Result result) override {
    configuration_.ApplyTo(result);
    channel_->ReportResult(std::move(result));
  }

 private:
  const std::unique_ptr<ResultHandler> channel_;
  CallConfigurationCache configuration_;
};

class WrappingResolver final : public grpc_core::Resolver {
 public:
  explicit WrappingResolver(grpc_core::OrphanablePtr<Resolver> inner)
      : inner_(std::move(inner)) {}

  void StartLocked() override { inner_->StartLocked(); }
  void RequestReresolutionLocked() override {
    inner_->RequestReresolutionLocked();
  }
  void ResetBackoffLocked() override { inner_->ResetBackoffLocked(); }

 private:
  void ShutdownLocked() override { inner_.reset(); }
  grpc_core::OrphanablePtr<Resolver> inner_;
};

}  // namespace

std::string WrapTarget(absl::string_view target) {
  return absl::StrCat(kWrappingScheme, ":",
                      grpc_core::URI::PercentEncodePath(target));
}

grpc_core::OrphanablePtr<grpc_core::Resolver> MakeWrappingResolver(
    grpc_core::ResolverArgs args, absl::string_view target) {
  const auto* config = args.args.GetObject<ChannelServiceConfig>();
  if (config != nullptr && config->object().ok()) {
    const absl::Status followed =
        CheckRoutingIsFollowed(*config->object(), args.args);
    if (!followed.ok()) {
      Log(LogSeverity::kError,
          absl::StrCat("target \"", target, "\": ", kRoutingKey, ": ",
                       followed.message()));
      return grpc_core::MakeOrphanable<FailingResolver>(std::move(args),
                                                        followed);
    }
  }
  auto handler = std::make_unique<ConfiguringHandler>(
      std::move(args.result_handler), args.args);
  auto inner =
      grpc_core::CoreConfiguration::Get().resolver_registry().CreateResolver(
          target, args.args, args.pollset_set, args.work_serializer,
          std::move(handler));
  if (inner == nullptr) return nullptr;
  return grpc_core::MakeOrphanable<WrappingResolver>(std::move(inner));
}

}  // namespace multi_backend
