#include "multi_backend/resolver/grpc/resolver_factories.h"

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "multi_backend/port/core_builder.h"
#include "multi_backend/port/log.h"
#include "multi_backend/resolver/endpoint/backend_overrides.h"
#include "multi_backend/resolver/groups/group_name.h"
#include "multi_backend/resolver/groups/registry.h"
#include "multi_backend/resolver/groups/static_endpoint_group.h"
#include "multi_backend/resolver/groups/static_target.h"
#include "multi_backend/resolver/grpc/channel_ownership.h"
#include "multi_backend/resolver/grpc/channel_service_config.h"
#include "multi_backend/resolver/grpc/group_resolver.h"
#include "multi_backend/resolver/grpc/routing_check.h"
#include "multi_backend/resolver/grpc/wrapping_resolver.h"
#include "multi_backend/resolver/source/registry.h"

namespace multi_backend {
namespace {

using grpc_core::OrphanablePtr;
using grpc_core::Resolver;
using grpc_core::ResolverArgs;
using grpc_core::URI;

constexpr absl::string_view kStaticScheme = "static";
constexpr absl::string_view kGroupScheme = "group";

std::string PathOf(const URI& uri) {
  return std::string(absl::StripPrefix(uri.path(), "/"));
}

absl::StatusOr<EndpointList> StaticEndpoints(absl::string_view path,
                                             const Config& config) {
  if (!path.empty()) return ParseStaticTarget(path);
  if (!config.policy.backends.empty()) {
    return EndpointsOfBackendConfigs(config.policy.backends);
  }
  return absl::InvalidArgumentError(
      "target \"static:///\": empty list: write static:///host:port,host:port, "
      "or give `backends` in the service config");
}

bool AcceptsUri(const URI& uri, const absl::Status& status) {
  if (status.ok()) return true;
  Log(LogSeverity::kError,
      absl::StrCat("target \"", uri.ToString(), "\": ", status.message()));
  return false;
}

absl::Status ErrorOfCalls(const absl::Status& error) {
  return absl::UnavailableError(
      absl::StrCat("multi_backend: ", error.message()));
}

OrphanablePtr<Resolver> MakeResolver(
    ResolverArgs args, absl::StatusOr<std::shared_ptr<EndpointGroup>> group,
    GroupResolver::Options options = {}) {
  if (!group.ok()) {
    return grpc_core::MakeOrphanable<FailingResolver>(
        std::move(args), ErrorOfCalls(group.status()));
  }
  return grpc_core::MakeOrphanable<GroupResolver>(
      std::move(args), *std::move(group), std::move(options));
}

class StaticResolverFactory final : public grpc_core::ResolverFactory {
 public:
  absl::string_view scheme() const override { return kStaticScheme; }

  bool IsValidUri(const URI& uri) const override {
    const std::string path = PathOf(uri);
    return path.empty() || AcceptsUri(uri, ParseStaticTarget(path).status());
  }

  OrphanablePtr<Resolver> CreateResolver(ResolverArgs args) const override {
    const auto* config = args.args.GetObject<ChannelServiceConfig>();
    auto endpoints =
        config != nullptr && config->parsed().ok()
            ? StaticEndpoints(PathOf(args.uri), (*config->parsed())->config)
            : StaticEndpoints(PathOf(args.uri), Config());
    auto group = endpoints.ok()
                     ? StaticEndpointGroup::Make(*std::move(endpoints))
                     : endpoints.status();
    return MakeResolver(std::move(args), std::move(group));
  }

  // A list has no name of its own; its first member's is as good as any.
  std::string GetDefaultAuthority(const URI& uri) const override {
    const std::string path = PathOf(uri);
    const std::vector<std::string> parts = absl::StrSplit(path, ',');
    return parts[0].empty() ? "localhost" : parts[0];
  }
};

class GroupResolverFactory final : public grpc_core::ResolverFactory {
 public:
  absl::string_view scheme() const override { return kGroupScheme; }

  bool IsValidUri(const URI& uri) const override {
    return AcceptsUri(uri, ParseGroupTarget(PathOf(uri)).status());
  }

  OrphanablePtr<Resolver> CreateResolver(ResolverArgs args) const override {
    const std::string name = PathOf(args.uri);
    GroupResolver::Options options;
    options.default_strategy = [name] {
      return EndpointGroupRegistry::StrategyOf(name);
    };
    auto group = EndpointGroupRegistry::FollowLater(name);
    if (group.ok() && EndpointGroupRegistry::Get(name) == nullptr) {
      // It may be registered later.
      options.until_known = ErrorOfCalls((*group)->last_error());
    }
    return MakeResolver(std::move(args), std::move(group), std::move(options));
  }
};

// Core 1.83 makes a URI's authority anew for each caller, so a SourceTarget is
// made where it is used.
class SourceResolverFactory final : public grpc_core::ResolverFactory {
 public:
  // `scheme`: one of SourceRegistry::Schemes().
  explicit SourceResolverFactory(absl::string_view scheme) : scheme_(scheme) {}

  absl::string_view scheme() const override { return scheme_; }

  bool IsValidUri(const URI& uri) const override {
    // Core shows a target that is not valid, with a password that does not
    // belong into it.  CreateResolver() fails too, and says no more than it
    // may.
    if (absl::StrContains(uri.authority(), '@')) return true;
    // Calls must fail with the text that says what to link.
    if (!SourceRegistry::Find(scheme_).ok()) return true;
    return AcceptsUri(uri,
                      CheckSource({uri.scheme(), uri.authority(), uri.path()}));
  }

  OrphanablePtr<Resolver> CreateResolver(ResolverArgs args) const override {
    const URI& uri = args.uri;
    auto group = MakeSource({uri.scheme(), uri.authority(), uri.path()});
    return MakeResolver(std::move(args), std::move(group));
  }

  std::string GetDefaultAuthority(const URI& uri) const override {
    return DefaultAuthorityOfSource(
        {uri.scheme(), uri.authority(), uri.path()});
  }

 private:
  const absl::string_view scheme_;
};

class WrappingResolverFactory final : public grpc_core::ResolverFactory {
 public:
  absl::string_view scheme() const override { return kWrappingScheme; }

  bool IsValidUri(const URI& uri) const override {
    return grpc_core::CoreConfiguration::Get()
        .resolver_registry()
        .IsValidTarget(uri.path());
  }

  OrphanablePtr<Resolver> CreateResolver(ResolverArgs args) const override {
    const std::string target = args.uri.path();
    return MakeWrappingResolver(std::move(args), target);
  }

  std::string GetDefaultAuthority(const URI& uri) const override {
    return grpc_core::CoreConfiguration::Get()
        .resolver_registry()
        .GetDefaultAuthority(uri.path());
  }
};

}  // namespace

void RegisterResolvers(CoreBuilder& builder) {
  auto* registry = builder.builder->resolver_registry();
  registry->RegisterResolverFactory(std::make_unique<StaticResolverFactory>());
  registry->RegisterResolverFactory(std::make_unique<GroupResolverFactory>());
  for (const absl::string_view scheme : SourceRegistry::Schemes()) {
    registry->RegisterResolverFactory(
        std::make_unique<SourceResolverFactory>(scheme));
  }
  registry->RegisterResolverFactory(
      std::make_unique<WrappingResolverFactory>());
  RegisterChannelOwnership(builder);
  RegisterRoutingCheck(builder);
}

bool IsMultiBackendTarget(absl::string_view target) {
  const absl::StatusOr<URI> uri = URI::Parse(target);
  return uri.ok() &&
         (uri->scheme() == kStaticScheme || uri->scheme() == kGroupScheme ||
          uri->scheme() == kWrappingScheme ||
          SourceRegistry::Knows(uri->scheme()));
}

absl::StatusOr<std::string> CheckAndWrapTarget(absl::string_view target,
                                               const Config& config) {
  const absl::StatusOr<URI> uri = URI::Parse(target);
  if (uri.ok() && uri->scheme() == kStaticScheme) {
    auto endpoints = StaticEndpoints(PathOf(*uri), config);
    if (!endpoints.ok()) return endpoints.status();
    return std::string(target);
  }
  if (uri.ok() && uri->scheme() == kGroupScheme) {
    auto name = ParseGroupTarget(PathOf(*uri));
    if (!name.ok()) return name.status();
    auto group = EndpointGroupRegistry::Follow(*name);
    if (!group.ok()) return group.status();
    return std::string(target);
  }
  if (uri.ok() && SourceRegistry::Knows(uri->scheme())) {
    const absl::Status checked =
        CheckSource({uri->scheme(), uri->authority(), uri->path()});
    if (!checked.ok()) return checked;
    return std::string(target);
  }
  if (uri.ok() && uri->scheme() == kWrappingScheme) return std::string(target);
  if (!grpc_core::CoreConfiguration::Get().resolver_registry().IsValidTarget(
          target)) {
    return absl::InvalidArgumentError(
        absl::StrCat("target \"", target, "\" is not valid"));
  }
  return WrapTarget(target);
}

}  // namespace multi_backend
