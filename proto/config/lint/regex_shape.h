// What the form of an RE2 pattern says about what it can match, for lint.
//
// Every answer is on the safe side: "never" and "exactly these" are said only
// when they are so.  Cost: linear in the pattern times the depth of its groups.
// Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_LINT_REGEX_SHAPE_H_
#define MULTI_BACKEND_PROTO_CONFIG_LINT_REGEX_SHAPE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace multi_backend {

// The branches of a pattern's top-level alternation, as they are written.  One
// pair of parentheses around the whole is taken off.
std::vector<std::string> SplitBranches(absl::string_view pattern);

// The first branch that has a "^" or "$" of its own while another one has not:
// in "^create|update|delete" it is "^create".  "" = none.
std::string LopsidedAnchor(absl::string_view pattern);

// Whether no text at all matches, as for "a^b".
bool NeverMatches(absl::string_view pattern);

// Whether every text that matches holds this character.
bool AlwaysHolds(absl::string_view pattern, char character);

// All texts that begin with `text`, or that text alone.
struct NameSet {
  std::string text;
  bool prefix = false;

  bool operator==(const NameSet& other) const {
    return text == other.text && prefix == other.prefix;
  }
};

// What a pattern made of literals, groups of such and a final ".*" matches;
// nullopt for any other one, and for more than 64 sets.  "" matches anything
// here, as in a route.
absl::optional<std::vector<NameSet>> ExpandPattern(absl::string_view pattern);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_LINT_REGEX_SHAPE_H_
