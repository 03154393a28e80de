#include "multi_backend/proto/config/lint/route_pattern.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "re2/filtered_re2.h"

namespace multi_backend {
namespace {

// The branches of the top-level alternation, as they are written.  Empty for a
// pattern that needs more than counting parentheses and skipping classes.
std::vector<std::string> SplitBranches(absl::string_view pattern) {
  // In quoted text and in POSIX classes brackets have another meaning, and
  // flags change that of anchors.
  for (const absl::string_view odd : {"\\Q", "[:", "(?"}) {
    if (absl::StrContains(pattern, odd)) return {};
  }
  std::vector<std::string> branches(1);
  int depth = 0;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '|' && depth == 0 && !in_class) {
      branches.emplace_back();
      continue;
    }
    branches.back().push_back(c);
    if (c == '\\' && i + 1 < pattern.size()) {
      branches.back().push_back(pattern[++i]);
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      // "]" in the first place is a member of the class: "[]a]", "[^]a]".
      for (const char first : {'^', ']'}) {
        if (i + 1 < pattern.size() && pattern[i + 1] == first) {
          branches.back().push_back(pattern[++i]);
        }
      }
    } else {
      depth += (c == '(') - (c == ')');
    }
  }
  return branches;
}

// Whether the branch requires text before its beginning or after its end: a
// character directly before "^" or directly after "$".  Says so only when the
// branch has no escape, class, group or count before that place, and neither
// the character nor the anchor is optional.
bool HasAnchorInside(const std::string& branch) {
  static const RE2* const anchor_inside =
      new RE2(R"(^[^\\\[({]*(?:[\w./]\^(?:[^*?{]|$)|\$[\w./](?:[^*?{]|$)))");
  return RE2::PartialMatch(branch, *anchor_inside);
}

}  // namespace

RoutePattern::RoutePattern(std::string pattern)
    : pattern_(std::move(pattern)), names_(ListNames(pattern_)) {}

std::string RoutePattern::LopsidedAnchor() const {
  const std::vector<std::string> branches = SplitBranches(pattern_);
  const auto first_of_some = [&](const auto& has_anchor) -> std::string {
    std::string first;
    size_t anchored = 0;
    for (const std::string& branch : branches) {
      if (!has_anchor(branch)) continue;
      if (++anchored == 1) first = branch;
    }
    return anchored < branches.size() ? first : "";
  };
  const std::string begins = first_of_some(
      [](absl::string_view branch) { return absl::StartsWith(branch, "^"); });
  if (!begins.empty()) return begins;
  return first_of_some([](absl::string_view branch) {
    return absl::EndsWith(branch, "$") && !absl::EndsWith(branch, "\\$");
  });
}

bool RoutePattern::NeverMatches() const {
  const std::vector<std::string> branches = SplitBranches(pattern_);
  for (const std::string& branch : branches) {
    if (!HasAnchorInside(branch)) return false;
  }
  return !branches.empty();
}

bool RoutePattern::AlwaysContains(char character) const {
  // Most patterns do not mention the character, which saves the rest.
  const absl::string_view wanted(&character, 1);
  if (!absl::StrContains(pattern_, wanted)) return false;
  // The filter knows which literals a text must contain in order to match.
  // When the literals without `character` do not suffice, every matching text
  // contains one with it.
  constexpr int kShortestLiteral = 1;
  re2::FilteredRE2 filter(kShortestLiteral);
  int id = 0;
  if (filter.Add(pattern_, RE2::Quiet, &id) != RE2::NoError) return false;
  std::vector<std::string> literals;
  filter.Compile(&literals);
  std::vector<int> without;
  for (size_t i = 0; i < literals.size(); ++i) {
    if (!absl::StrContains(literals[i], wanted)) {
      without.push_back(static_cast<int>(i));
    }
  }
  std::vector<int> possible;
  filter.AllPotentials(without, &possible);
  return possible.empty();
}

bool RoutePattern::Covers(const RoutePattern& other) const {
  if (pattern_ == other.pattern_ || CoversNames({"", true})) return true;
  if (!other.names_.has_value()) return false;
  for (const Names& names : *other.names_) {
    if (!CoversNames(names)) return false;
  }
  return true;
}

bool RoutePattern::CoversNames(const Names& names) const {
  if (!names.is_prefix) {
    if (regex_ == nullptr) {
      regex_ = std::make_unique<RE2>(pattern_, RE2::Quiet);
    }
    return pattern_.empty() || RE2::FullMatch(names.text, *regex_);
  }
  if (!names_.has_value()) return false;
  for (const Names& own : *names_) {
    if (own.is_prefix && absl::StartsWith(names.text, own.text)) return true;
  }
  return false;
}

absl::optional<std::vector<RoutePattern::Names>> RoutePattern::ListNames(
    absl::string_view pattern) {
  if (pattern.empty()) return std::vector<Names>{{"", true}};
  // A group with an anchor is none of these: what follows the group would have
  // to be empty.
  static const RE2* const group =
      new RE2(R"(\^?\((?:\?:)?([^()^$]*)\)(\.\*)?\$?)");
  // Literals are word characters, "-", "/" and "\.".
  static const RE2* const branch =
      new RE2(R"(\^?((?:[\w/-]|\\\.)*)(\.\*)?\$?)");
  std::string list(pattern);
  std::string inside;
  std::string rest;
  if (RE2::FullMatch(list, *group, &inside, &rest)) list = inside;
  std::vector<Names> all;
  for (const absl::string_view text : absl::StrSplit(list, '|')) {
    Names names;
    std::string own_rest;
    if (!RE2::FullMatch(std::string(text), *branch, &names.text, &own_rest)) {
      return absl::nullopt;
    }
    names.text = absl::StrReplaceAll(names.text, {{"\\.", "."}});
    names.is_prefix = !rest.empty() || !own_rest.empty();
    all.push_back(std::move(names));
  }
  return all;
}

}  // namespace multi_backend
