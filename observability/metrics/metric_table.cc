#include "multi_backend/observability/metrics/metric_table.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"

namespace multi_backend {
namespace {

using absl::string_view;

constexpr string_view kOfAttempt[] = {"target",  "service", "method",
                                      "backend", "role",    "status"};
constexpr string_view kOfCall[] = {"target", "service", "method", "status",
                                   "route"};
constexpr string_view kOfRetry[] = {"target", "service", "method", "outcome"};
constexpr string_view kOfWait[] = {"target", "where"};
constexpr string_view kOfState[] = {"target", "backend", "state"};
constexpr string_view kOfBackend[] = {"target", "backend"};
constexpr string_view kOfBalancer[] = {"target", "balancer"};
constexpr string_view kOfEjection[] = {"target", "backend", "reason"};
constexpr string_view kOfTransition[] = {"target", "backend", "to"};
constexpr string_view kOfProbe[] = {"target", "backend", "result"};
constexpr string_view kOfUpdate[] = {"target", "result"};
constexpr string_view kOfTarget[] = {"target"};
constexpr string_view kOfRoute[] = {"target", "route"};
constexpr string_view kOfBuild[] = {"version", "grpc_version"};

constexpr MetricSpec kTable[] = {
    {Metric::kAttemptDuration, MetricKind::kHistogram,
     "multi_backend_attempt_duration_seconds", "s", kOfAttempt,
     "Time from the start of an attempt at a backend to its end."},
    {Metric::kCallDuration, MetricKind::kHistogram,
     "multi_backend_call_duration_seconds", "s", kOfCall,
     "Time from the start of a call to its end, with all its attempts and "
     "waiting."},
    {Metric::kRetries, MetricKind::kCounter, "multi_backend_retries_total",
     "{retry}", kOfRetry,
     "Attempts after the first, by where they went, and calls that got none "
     "because no backend or no budget was left."},
    {Metric::kWaited, MetricKind::kHistogram, "multi_backend_waited_seconds",
     "s", kOfWait,
     "Time that calls waited for a backend. Calls that did not wait are not "
     "counted."},
    {Metric::kBackendState, MetricKind::kGauge, "multi_backend_backend_state",
     "1", kOfState, "1 for the states that the backend is in, 0 for others."},
    {Metric::kInFlight, MetricKind::kGauge, "multi_backend_in_flight",
     "{attempt}", kOfBackend, "Attempts that are at the backend now."},
    {Metric::kEffectiveWeight, MetricKind::kGauge,
     "multi_backend_effective_weight", "1", kOfBackend,
     "The weight that strategies reckon with now, slow start included."},
    {Metric::kConnections, MetricKind::kGauge, "multi_backend_connections",
     "{connection}", kOfBackend, "Connections to the backend that are ready."},
    {Metric::kBacklogCalls, MetricKind::kGauge, "multi_backend_backlog_calls",
     "{call}", kOfBalancer, "Calls that wait in the backlog of a balancer."},
    {Metric::kPanic, MetricKind::kGauge, "multi_backend_panic", "1",
     kOfBalancer,
     "1 while the balancer ignores health because too few members are well."},
    {Metric::kEjections, MetricKind::kCounter, "multi_backend_ejections_total",
     "{ejection}", kOfEjection, "How often calls took the backend out of use."},
    {Metric::kTransitions, MetricKind::kCounter,
     "multi_backend_transitions_total", "{transition}", kOfTransition,
     "How often the backend entered the state."},
    {Metric::kProbes, MetricKind::kCounter, "multi_backend_probes_total",
     "{probe}", kOfProbe, "Probes of the backend, by result."},
    {Metric::kResolverUpdates, MetricKind::kCounter,
     "multi_backend_resolver_updates_total", "{update}", kOfUpdate,
     "Lists that the resolver brought, and errors instead of a list."},
    {Metric::kResolverLastSuccess, MetricKind::kGauge,
     "multi_backend_resolver_last_success_seconds", "s", kOfTarget,
     "Unix time of the newest list of the resolver."},
    {Metric::kResolverEndpoints, MetricKind::kGauge,
     "multi_backend_resolver_endpoints", "{endpoint}", kOfTarget,
     "Endpoints in the newest list of the resolver."},
    {Metric::kRouteMatches, MetricKind::kCounter,
     "multi_backend_route_matches_total", "{call}", kOfRoute,
     "Calls that the route decided."},
    {Metric::kBuildInfo, MetricKind::kGauge, "multi_backend_build_info", "1",
     kOfBuild, "1, with the version of the library and of gRPC."},
    {Metric::kSeriesOverflows,
     MetricKind::kCounter,
     "multi_backend_series_overflows_total",
     "{event}",
     {},
     "Events and samples that were counted under the label value other, "
     "because the bound of series or of methods was reached."},
};
static_assert(sizeof(kTable) / sizeof(kTable[0]) == kMetrics,
              "each Metric has a row");

constexpr bool RowsAreInOrder() {
  for (size_t i = 0; i < kMetrics; ++i) {
    if (static_cast<size_t>(kTable[i].metric) != i) return false;
    if (kTable[i].labels.size() > kMaxMetricLabels) return false;
  }
  return true;
}
static_assert(RowsAreInOrder(), "SpecOf() reads the row of a Metric");

}  // namespace

std::string MetricSpec::DottedName() const {
  string_view rest = absl::StripPrefix(name, "multi_backend_");
  rest = absl::StripSuffix(rest, "_total");
  rest = absl::StripSuffix(rest, "_seconds");
  // The first word names the thing where several metrics are about it.
  for (string_view thing : {"attempt_", "call_", "backend_", "backlog_",
                            "resolver_", "route_", "build_", "series_"}) {
    if (absl::StartsWith(rest, thing)) {
      return absl::StrCat("multi_backend.", thing.substr(0, thing.size() - 1),
                          ".", rest.substr(thing.size()));
    }
  }
  return absl::StrCat("multi_backend.", rest);
}

absl::Span<const MetricSpec> MetricTable() { return kTable; }

string_view MetricKindName(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return "counter";
    case MetricKind::kGauge:
      return "gauge";
    case MetricKind::kHistogram:
      return "histogram";
  }
  return "";
}

}  // namespace multi_backend
