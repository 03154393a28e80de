// RoutePattern: what can be said of a route's pattern without a name to try it
// on, for lint.
//
// RE2 does not show its parse tree, so these answers come from the pattern's
// text and from RE2's filter for literals.  Each errs on the side of silence:
// "never" and "covers" are said only of patterns of which they are true.
//
// Requires a pattern that RE2 compiles, or "", which in a route matches all.
// Cost: linear in the pattern; Covers() is linear in the names of the other
// one.  Thread-compatible.
#ifndef MULTI_BACKEND_PROTO_CONFIG_LINT_ROUTE_PATTERN_H_
#define MULTI_BACKEND_PROTO_CONFIG_LINT_ROUTE_PATTERN_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "re2/re2.h"

namespace multi_backend {

class RoutePattern {
 public:
  explicit RoutePattern(std::string pattern);

  // The first branch of the top-level alternation that has an anchor which
  // another branch lacks: "^create" of "^create|update|delete".  "" when all
  // have it or none has.
  std::string LopsidedAnchor() const;

  // Whether no text at all matches, as with "Get^User".
  bool NeverMatches() const;

  // Whether every text that matches contains `character`.
  bool AlwaysContains(char character) const;

  // Whether this pattern matches every name that `other` matches.  Found for
  // equal patterns, for a pattern that matches everything, and when `other` is
  // a list of literals, each with or without a final ".*": "(Get|List).*".
  bool Covers(const RoutePattern& other) const;

  // The work of being `other` in Covers(): the number of its names.
  size_t cost() const { return names_.has_value() ? names_->size() : 1; }

 private:
  // One name, or all that begin with it.
  struct Names {
    std::string text;
    bool is_prefix = false;
  };

  static absl::optional<std::vector<Names>> ListNames(
      absl::string_view pattern);
  bool CoversNames(const Names& names) const;

  std::string pattern_;
  // nullopt for a pattern of any other form than such a list.
  absl::optional<std::vector<Names>> names_;
  // Made when it is first needed, which for most patterns is never.
  mutable std::unique_ptr<RE2> regex_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_LINT_ROUTE_PATTERN_H_
