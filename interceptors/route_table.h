// RouteTable: finds the routing rule for a method, and what the label of a call
// says because of that rule.
//
// Rules are tried in order, and the first match decides.  A rule matches when
// its two RE2 patterns match the whole short method name and the whole service
// name; an empty pattern matches any name.  A method without a matching rule
// uses the default strategy.
//
// Cost: for a method seen before, Find() hashes and compares the name once,
// without a lock, whatever the number of rules.  The first time, and for
// methods beyond the bound of the cache (see method_cache.h), it costs up to
// two RE2 matches per rule.
//
// Threads: immutable except for the cache; all functions are thread-safe.
#ifndef MULTI_BACKEND_INTERCEPTORS_ROUTE_TABLE_H_
#define MULTI_BACKEND_INTERCEPTORS_ROUTE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/interceptors/method_cache.h"
#include "multi_backend/interceptors/route_use.h"
#include "multi_backend/observability/channel_source.h"
#include "multi_backend/observability/metrics_sink.h"
#include "multi_backend/proto/config/config.h"
#include "re2/re2.h"

namespace multi_backend {

// The result of a rule, or of the absence of one, for a call.
struct RouteDecision {
  absl::optional<size_t> rule;  // Index in the configuration.
  // Without a key; its views point into the table.  Its route is undecided when
  // no rule matches.
  CallLabel label;
  // The prefix argument for EncodeCallLabel().
  std::string label_prefix;
  // Of a rule; "" and null where none matches.  `name` is RouteName() of it.
  std::string name_text;
  Label name;
  std::unique_ptr<RouteUse> use;

  // An observed call follows this decision.
  void Count(const Label& method) const {
    if (use != nullptr) use->Count(method.text, method.hash);
  }
};

// What a table knows of a method.
struct RouteMatch {
  const RouteDecision* decision = nullptr;  // Never null in a result.
  uint64_t method_hash = 0;                 // As Label has it; 0 = unknown.
};

class RouteTable {
 public:
  // Returns INVALID_ARGUMENT, which names every bad pattern and role with its
  // field path in the form that proto/config/parser/parser.h describes.
  static absl::StatusOr<std::unique_ptr<RouteTable>> Make(
      const RoutingConfig& config);

  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;

  // Returns the decision for "/pkg.Service/Method"; never null.  The pointer is
  // valid as long as the table.
  const RouteDecision* Find(absl::string_view full_method) const {
    return Match(full_method).decision;
  }
  // The same with the hash, where the table has it.
  RouteMatch Match(absl::string_view full_method) const {
    if (rules_.empty()) return {&default_};
    const RouteMatch* const cached = cache_.Find(full_method);
    return cached != nullptr ? *cached : MatchAndRemember(full_method);
  }

  // The rules in order, and how often each has decided an observed call.
  std::vector<RouteStatus> Status() const;

  // How many methods are remembered.
  size_t cached_methods() const { return cache_.size(); }

 private:
  struct Rule {
    std::unique_ptr<RE2> method;   // Null matches any.
    std::unique_ptr<RE2> service;  // Null matches any.
    RouteDecision decision;

    bool Matches(absl::string_view method_name,
                 absl::string_view service_name) const;
  };

  explicit RouteTable(std::vector<RouteConfig> routes);

  RouteMatch MatchAndRemember(absl::string_view full_method) const;

  const std::vector<RouteConfig> routes_;  // Owns the role names.
  std::vector<Rule> rules_;                // In order; fixed after Make.
  RouteDecision default_;
  mutable MethodCache<RouteMatch> cache_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_ROUTE_TABLE_H_
