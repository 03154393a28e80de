#include "multi_backend/tools/mb/config/explain.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "multi_backend/interceptors/key_hash.h"
#include "multi_backend/interceptors/method_name.h"
#include "multi_backend/interceptors/route_table.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/config/parser/parser.h"
#include "multi_backend/resolver/endpoint/backend_overrides.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/file/endpoint_document.h"
#include "multi_backend/resolver/groups/static_target.h"
#include "multi_backend/tools/mb/config/call_order.h"
#include "multi_backend/tools/mb/config/call_settings.h"
#include "multi_backend/tools/mb/config/method_config.h"
#include "multi_backend/tools/mb/output/command.h"
#include "multi_backend/tools/mb/output/text.h"

namespace multi_backend {
namespace mb {
namespace {

std::string Patterns(const RouteConfig& route) {
  std::vector<std::string> patterns;
  if (!route.service.empty()) {
    patterns.push_back(absl::StrCat("service \"", route.service, "\""));
  }
  if (!route.method.empty()) {
    patterns.push_back(absl::StrCat("method \"", route.method, "\""));
  }
  if (patterns.empty()) return "it matches every call";
  return absl::StrCat("it matches ", absl::StrJoin(patterns, " and "));
}

std::string WhenUnavailableText(const RouteConfig& route) {
  switch (route.when_unavailable) {
    case WhenUnavailable::kFail:
      return "FAIL";
    case WhenUnavailable::kAny:
      return "ANY";
    case WhenUnavailable::kRole:
      return route.fallback_role;
  }
  return "";
}

void SetRoute(const RoutingConfig& routing, const RouteDecision& decision,
              v1::Explanation& explanation) {
  const size_t count = routing.routes.size();
  if (!decision.rule.has_value()) {
    explanation.set_route_why(
        count == 0 ? "the configuration has no routes"
                   : absl::StrCat("none of the ", Count(count, "route"),
                                  " matches, so the root balancer takes it"));
    return;
  }
  const RouteConfig& route = routing.routes[*decision.rule];
  explanation.set_route(absl::StrCat("routes[", *decision.rule, "]"));
  explanation.set_route_why(
      absl::StrCat(*decision.rule == 0 ? "" : "no earlier one matches, and ",
                   ValidUtf8(Patterns(route))));
  explanation.set_role(route.role);
  if (!route.role.empty()) {
    explanation.set_when_unavailable(WhenUnavailableText(route));
  }
}

// Returns the key of the call.
absl::optional<std::string> SetKey(const RoutingConfig& routing,
                                   const ExplainedCall& call,
                                   v1::Explanation& explanation) {
  absl::optional<std::string> key = call.key;
  std::string why = "--key gives it";
  if (!key.has_value()) {
    if (!routing.sticky_key.has_value()) {
      why = "the configuration has no stickyKey";
    } else if (!routing.sticky_key->request_field.empty()) {
      why = absl::StrCat("it is the request's field ",
                         routing.sticky_key->request_field,
                         ": give its value with --key");
    } else {
      const std::string& header = routing.sticky_key->header;
      const auto found = call.headers.find(header);
      if (found != call.headers.end()) key = found->second;
      why = absl::StrCat(
          key.has_value() ? "from the header " : "the call has no header ",
          header);
    }
  }
  if (key.has_value() && key->empty()) why += "; an empty key counts as none";
  explanation.set_sticky_key(ValidUtf8(key.value_or("")));
  explanation.set_sticky_key_why(ValidUtf8(why));
  return key;
}

// "PRIMARY(near: LEAST_BUSY, far: LEAST_BUSY)".
std::string TreeOf(const BalancerConfig& balancer) {
  std::string text(StrategyName(balancer.strategy));
  if (balancer.members.empty()) return text;
  return absl::StrCat(
      text, "(",
      absl::StrJoin(balancer.members, ", ",
                    [](std::string* out, const BalancerConfig& member) {
                      absl::StrAppend(out, member.name, ": ", TreeOf(member));
                    }),
      ")");
}

const char* OrderOf(StrategyKind kind, bool has_key) {
  switch (kind) {
    case StrategyKind::kRoundRobin:
      return "ROUND_ROBIN takes each in turn, so the next call begins with the "
             "next one";
    case StrategyKind::kWeighted:
      return "WEIGHTED takes each in proportion to its weight, so calls begin "
             "with different ones";
    case StrategyKind::kLeastBusy:
      return "LEAST_BUSY takes the one with the fewest calls in flight; here "
             "all are idle";
    case StrategyKind::kPeakEwma:
      return "PEAK_EWMA takes the faster of two, and here none has been "
             "measured";
    case StrategyKind::kSticky:
      return has_key ? "STICKY follows the key, so every call with this key "
                       "tries them in this order"
                     : "STICKY takes any one, because the call has no key";
    case StrategyKind::kPrimary:
      return "PRIMARY takes the first by priority, so every call tries them in "
             "this order";
    case StrategyKind::kRandom:
      return "RANDOM takes any one, by weight";
  }
  return "";
}

const BalancerConfig& BalancerOf(const PolicyConfig& policy,
                                 const std::string& role) {
  const auto found = policy.roles.find(role);
  return found == policy.roles.end() ? policy.root : found->second;
}

void AddBackend(const Endpoint& endpoint, double share, int attempt,
                v1::Explanation& explanation) {
  v1::ChosenBackend& backend = *explanation.add_backends();
  backend.set_address(endpoint.address());
  backend.set_role(ValidUtf8(endpoint.role));
  backend.set_zone(ValidUtf8(endpoint.zone));
  backend.set_weight(endpoint.weight);
  backend.set_share(share);
  backend.set_attempt(attempt);
}

void SetBackends(const PolicyConfig& policy, const EndpointList& endpoints,
                 const CallLabel& label, int most_attempts,
                 v1::Explanation& explanation) {
  if (endpoints.empty()) {
    explanation.set_order_why(
        "the configuration lists no backends: give them with --backends");
    return;
  }
  const CallOrder order = FindCallOrder(policy, endpoints, label);
  for (size_t i = 0; i < order.tried.size(); ++i) {
    const int place = static_cast<int>(i) + 1;
    AddBackend(endpoints[order.tried[i]], order.share[order.tried[i]],
               place <= most_attempts ? place : 0, explanation);
  }
  for (size_t i = 0; i < endpoints.size(); ++i) {
    if (std::find(order.tried.begin(), order.tried.end(), i) !=
        order.tried.end()) {
      continue;
    }
    AddBackend(endpoints[i], order.share[i], 0, explanation);
  }
  if (order.tried.empty()) {
    explanation.set_order_why(
        absl::StrCat("the call fails: ", ValidUtf8(order.failure)));
    return;
  }
  const std::string role(label.role);
  const BalancerConfig& balancer = BalancerOf(policy, role);
  explanation.set_order_why(
      OrderOf(balancer.strategy, label.key_hash.has_value()));
}

}  // namespace

absl::Status CheckMethodPath(absl::string_view method) {
  if (IsMethodPath(method)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("\"", method, "\": write it as /package.Service/Method"));
}

absl::StatusOr<v1::Explanation> Explain(const std::string& service_config,
                                        const EndpointList& endpoints,
                                        const ExplainedCall& call) {
  const absl::Status named = CheckMethodPath(call.method);
  if (!named.ok()) return named;
  const absl::StatusOr<ParsedConfig> parsed =
      ParseServiceConfig(service_config);
  if (!parsed.ok()) return parsed.status();
  const Config& config = parsed->config;
  const auto table = RouteTable::Make(config.routing);
  if (!table.ok()) return table.status();
  EndpointList list = endpoints;
  if (list.empty() && !config.policy.backends.empty()) {
    auto own = EndpointsOfBackendConfigs(config.policy.backends);
    if (!own.ok()) return own.status();
    list = *std::move(own);
  } else {
    list = ApplyBackendConfigs(std::move(list), config.policy.backends);
  }

  v1::Explanation explanation;
  explanation.set_method(ValidUtf8(call.method));
  const RouteDecision& decision = *(*table)->Find(call.method);
  SetRoute(config.routing, decision, explanation);
  CallLabel label = decision.label;
  label.key_hash = HashOfKey(SetKey(config.routing, call, explanation));
  const BalancerConfig& balancer =
      BalancerOf(config.policy, explanation.role());
  explanation.set_balancer(TreeOf(balancer));
  const MethodName name = SplitMethodName(call.method);
  const MethodConfig method =
      FindMethodConfig(service_config, name.service, name.method);
  const CallSettings settings =
      SettingsOf(config.policy, balancer, method,
                 label.retry == RetryMode::kNever ? explanation.route() : "");
  for (const v1::Setting& setting : settings.settings) {
    *explanation.add_settings() = setting;
  }
  SetBackends(config.policy, list, label, settings.most_attempts, explanation);
  return explanation;
}

std::string FormatExplanation(const v1::Explanation& explanation) {
  std::string text = Printable(explanation.method()) + "\n";
  const auto line = [&text](absl::string_view name, const std::string& value,
                            const std::string& why) {
    absl::StrAppend(&text, "  ", name, std::string(18 - name.size(), ' '),
                    value.empty() ? "none" : Printable(value),
                    why.empty() ? "" : ": " + Printable(why, 1000), "\n");
  };
  line("route", explanation.route(), explanation.route_why());
  if (!explanation.role().empty()) {
    line("role", explanation.role(),
         absl::StrCat("whenUnavailable ", explanation.when_unavailable()));
  }
  line("balancer", explanation.balancer(), "");
  line("sticky key", explanation.sticky_key(), explanation.sticky_key_why());
  for (const v1::Setting& setting : explanation.settings()) {
    line(setting.name(), setting.value(), setting.why());
  }
  if (explanation.backends().empty()) {
    line("backends", "", explanation.order_why());
    return text;
  }
  line("backends", Printable(explanation.order_why(), 1000), "");
  TextTable table({{"TRY", TextTable::Align::kRight},
                   {"BACKEND"},
                   {"ROLE"},
                   {"ZONE"},
                   {"WEIGHT", TextTable::Align::kRight},
                   {"FIRST", TextTable::Align::kRight}});
  for (const v1::ChosenBackend& backend : explanation.backends()) {
    table.AddRow(
        {backend.attempt() == 0 ? "-" : absl::StrCat(backend.attempt()),
         backend.address(), backend.role(), backend.zone(),
         absl::StrCat(backend.weight()), Percent(backend.share())});
  }
  return text + table.ToString(4);
}

absl::StatusOr<EndpointList> ParseBackendList(absl::string_view list) {
  return ParseStaticTarget(list);
}

absl::StatusOr<EndpointList> ParseBackendDocument(absl::string_view json) {
  auto admitted = ParseEndpointDocument(json, EndpointPolicy());
  if (!admitted.ok()) return admitted.status();
  if (admitted->refused.count > 0) {
    return absl::InvalidArgumentError(admitted->refused.ToString());
  }
  return std::move(admitted->endpoints);
}

}  // namespace mb
}  // namespace multi_backend
