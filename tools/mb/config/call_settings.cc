#include "multi_backend/tools/mb/config/call_settings.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "multi_backend/tools/mb/output/text.h"

namespace multi_backend {
namespace mb {
namespace {

class Settings {
 public:
  explicit Settings(std::vector<v1::Setting>& settings) : settings_(settings) {}

  void Add(absl::string_view name, absl::string_view value,
           absl::string_view why) {
    v1::Setting setting;
    setting.set_name(std::string(name));
    setting.set_value(ValidUtf8(value));
    setting.set_why(ValidUtf8(why));
    settings_.push_back(setting);
  }

 private:
  std::vector<v1::Setting>& settings_;
};

std::string Codes(const FailoverConfig& failover) {
  return absl::StrJoin(failover.retriable_status_codes, ", ",
                       [](std::string* out, absl::StatusCode code) {
                         absl::StrAppend(out, absl::StatusCodeToString(code));
                       });
}

bool Grows(const ConnectionPoolConfig& pool) { return pool.max > pool.min; }

// Whether the channel's pool or that of a backend may open further connections.
bool AnyPoolGrows(const PolicyConfig& policy) {
  return Grows(policy.pool) ||
         std::any_of(policy.backends.begin(), policy.backends.end(),
                     [](const BackendConfig& backend) {
                       return backend.pool.has_value() && Grows(*backend.pool);
                     });
}

int AddRetry(const FailoverConfig& failover, const MethodConfig& method,
             absl::string_view never_route, Settings& settings) {
  if (!never_route.empty()) {
    settings.Add("retry", "never",
                 absl::StrCat(never_route, ".retry is NEVER"));
    return 1;
  }
  if (method.has_retry_policy) {
    constexpr int kMostAttemptsOfGrpc = 5;
    settings.Add("retry", "as the method's own policy says",
                 absl::StrCat(method.where,
                              ".retryPolicy replaces failover's codes and "
                              "number"));
    return kMostAttemptsOfGrpc;
  }
  if (failover.max_retries == 0) {
    settings.Add("retry", "never", "failover.maxRetries is 0");
    return 1;
  }
  settings.Add("retry",
               absl::StrCat("on ", Codes(failover), ", up to ",
                            Count(failover.max_retries, "other backend")),
               absl::StrCat("failover; all retries together may be ",
                            failover.budget_ratio, " of the calls plus ",
                            failover.min_retries_per_second, " a second"));
  return 1 + failover.max_retries;
}

void AddBacklog(const BalancerConfig& balancer, const MethodConfig& method,
                Settings& settings) {
  if (!balancer.backlog.has_value()) {
    settings.Add("backlog", "none",
                 method.wait_for_ready
                     ? absl::StrCat("but gRPC lets it wait: ", method.where,
                                    ".waitForReady")
                     : "without a usable backend the call fails at once");
    return;
  }
  const BacklogConfig& backlog = *balancer.backlog;
  settings.Add("backlog",
               absl::StrCat("up to ", absl::FormatDuration(backlog.timeout)),
               absl::StrCat("without a usable backend it waits, as one of at "
                            "most ",
                            backlog.limit,
                            "; refused at once when all have "
                            "been down for ",
                            absl::FormatDuration(backlog.overload_timeout)));
}

}  // namespace

CallSettings SettingsOf(const PolicyConfig& policy,
                        const BalancerConfig& balancer,
                        const MethodConfig& method,
                        absl::string_view never_route) {
  CallSettings result;
  Settings settings(result.settings);
  const FailoverConfig& failover = policy.failover;
  result.most_attempts = AddRetry(failover, method, never_route, settings);
  if (method.timeout.empty()) {
    settings.Add("timeout", "none",
                 "only the deadline that the application sets");
  } else {
    settings.Add("timeout", method.timeout,
                 absl::StrCat(method.where,
                              "; the application's deadline may be earlier"));
  }
  if (failover.per_try_timeout.has_value() && result.most_attempts > 1) {
    settings.Add("perTryTimeout",
                 absl::FormatDuration(*failover.per_try_timeout),
                 "then another backend is tried");
  }
  const bool pool_grows = AnyPoolGrows(policy);
  if (result.most_attempts > 1 || pool_grows) {
    settings.Add("maxConnectWait",
                 absl::FormatDuration(failover.max_connect_wait),
                 pool_grows ? "how long a retry, or a call to a full backend, "
                              "waits for a connection"
                            : "how long a retry waits for backends that are "
                              "being connected");
  }
  AddBacklog(balancer, method, settings);
  if (policy.max_requests_per_backend > 0) {
    settings.Add(
        "limit",
        absl::StrCat(policy.max_requests_per_backend, " calls in flight"),
        "maxRequestsPerBackend; a full backend is passed over");
  }
  if (policy.max_request_metadata > 0) {
    settings.Add("metadata",
                 absl::StrCat(policy.max_request_metadata, " bytes"),
                 "maxRequestMetadata; a call with more is not sent");
  }
  return result;
}

}  // namespace mb
}  // namespace multi_backend
