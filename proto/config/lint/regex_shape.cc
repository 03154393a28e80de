#include "multi_backend/proto/config/lint/regex_shape.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "multi_backend/proto/config/lint/regex_tokens.h"

namespace multi_backend {
namespace {

using Kind = RegexToken::Kind;
using Tokens = std::vector<RegexToken>;

constexpr size_t kMaxSets = 64;

std::vector<Tokens> Branches(absl::string_view pattern) {
  std::vector<Tokens> branches(1);
  for (RegexToken& token : TokenizeRegex(pattern)) {
    if (token.kind == Kind::kOr) {
      branches.emplace_back();
    } else {
      branches.back().push_back(std::move(token));
    }
  }
  return branches;
}

// What is known of everything that a branch or a pattern matches.
struct Facts {
  bool impossible = false;  // Nothing matches.
  bool consumes = false;    // It has at least one character,
  bool holds = false;       // … one of them the character asked for.
};

Facts FactsOf(absl::string_view pattern, char character);

Facts FactsOf(const RegexToken& token, char character) {
  Facts facts;
  if (token.optional) return facts;
  switch (token.kind) {
    case Kind::kLiteral:
      facts.consumes = !token.text.empty();
      facts.holds = token.text.find(character) != std::string::npos;
      break;
    case Kind::kAnything:
    case Kind::kCharacter:
      facts.consumes = true;
      break;
    case Kind::kGroup:
      return FactsOf(token.text, character);
    default:
      break;
  }
  return facts;
}

Facts FactsOf(const Tokens& branch, char character) {
  Facts facts;
  bool ended = false;
  for (const RegexToken& token : branch) {
    const Facts next = FactsOf(token, character);
    if (next.impossible || (next.consumes && ended)) facts.impossible = true;
    if (token.kind == Kind::kStart && !token.optional && facts.consumes) {
      facts.impossible = true;
    }
    if (token.kind == Kind::kEnd && !token.optional) ended = true;
    facts.consumes |= next.consumes;
    facts.holds |= next.holds;
  }
  return facts;
}

Facts FactsOf(absl::string_view pattern, char character) {
  Facts all{true, true, true};
  for (const Tokens& branch : Branches(pattern)) {
    const Facts facts = FactsOf(branch, character);
    if (facts.impossible) continue;  // Adds nothing to what matches.
    all.impossible = false;
    all.consumes &= facts.consumes;
    all.holds &= facts.holds;
  }
  return all;
}

// Every text of `sets` followed by every one of `next`.
absl::optional<std::vector<NameSet>> Concatenate(
    const std::vector<NameSet>& sets, const std::vector<NameSet>& next) {
  std::vector<NameSet> result;
  if (sets.size() * next.size() > kMaxSets) return absl::nullopt;
  for (const NameSet& head : sets) {
    if (head.prefix) return absl::nullopt;
    for (const NameSet& tail : next) {
      result.push_back({absl::StrCat(head.text, tail.text), tail.prefix});
    }
  }
  return result;
}

// Whether an anchor at a branch's end says what a full match says anyway; in a
// group it says more, since there may be text around the group.
enum class Anchors { kIdle, kBinding };

absl::optional<std::vector<NameSet>> Expand(absl::string_view pattern,
                                            Anchors anchors);

absl::optional<std::vector<NameSet>> ExpandToken(const RegexToken& token) {
  if (token.kind == Kind::kAnything && token.star) {
    return std::vector<NameSet>{{"", true}};
  }
  if (token.repeated) return absl::nullopt;
  if (token.kind == Kind::kLiteral) {
    return std::vector<NameSet>{{token.text, false}};
  }
  if (token.kind == Kind::kGroup) {
    return Expand(token.text, Anchors::kBinding);
  }
  return absl::nullopt;
}

absl::optional<std::vector<NameSet>> ExpandBranch(const Tokens& branch,
                                                  Anchors anchors) {
  absl::optional<std::vector<NameSet>> sets = std::vector<NameSet>{{"", false}};
  for (size_t i = 0; i < branch.size() && sets.has_value(); ++i) {
    const bool idle =
        anchors == Anchors::kIdle &&
        ((i == 0 && branch[i].kind == Kind::kStart) ||
         (i + 1 == branch.size() && branch[i].kind == Kind::kEnd));
    if (idle) continue;
    const auto next = ExpandToken(branch[i]);
    if (!next.has_value()) return absl::nullopt;
    sets = Concatenate(*sets, *next);
  }
  return sets;
}

absl::optional<std::vector<NameSet>> Expand(absl::string_view pattern,
                                            Anchors anchors) {
  std::vector<NameSet> all;
  for (const Tokens& branch : Branches(pattern)) {
    const auto sets = ExpandBranch(branch, anchors);
    if (!sets.has_value() || all.size() + sets->size() > kMaxSets) {
      return absl::nullopt;
    }
    all.insert(all.end(), sets->begin(), sets->end());
  }
  return all;
}

bool IsOneGroup(const Tokens& tokens) {
  return tokens.size() == 1 && tokens[0].kind == Kind::kGroup &&
         !tokens[0].repeated;
}

}  // namespace

std::vector<std::string> SplitBranches(absl::string_view pattern) {
  const std::vector<RegexToken> tokens = TokenizeRegex(pattern);
  if (IsOneGroup(tokens)) return SplitBranches(tokens[0].text);
  std::vector<std::string> branches(1);
  absl::string_view rest = pattern;
  for (const RegexToken& token : tokens) {
    const absl::string_view source = rest.substr(0, token.size);
    rest.remove_prefix(source.size());
    if (token.kind == Kind::kOr) {
      branches.emplace_back();
    } else {
      absl::StrAppend(&branches.back(), source);
    }
  }
  return branches;
}

std::string LopsidedAnchor(absl::string_view pattern) {
  if (!IsPlainRegex(pattern)) return "";
  const std::vector<std::string> branches = SplitBranches(pattern);
  for (Kind anchor : {Kind::kStart, Kind::kEnd}) {
    size_t anchored = 0;
    std::string first;
    for (const std::string& branch : branches) {
      const Tokens tokens = TokenizeRegex(branch);
      if (tokens.empty()) continue;
      const RegexToken& edge =
          anchor == Kind::kStart ? tokens.front() : tokens.back();
      if (edge.kind != anchor) continue;
      if (++anchored == 1) first = branch;
    }
    if (anchored > 0 && anchored < branches.size()) return first;
  }
  return "";
}

bool NeverMatches(absl::string_view pattern) {
  return IsPlainRegex(pattern) && FactsOf(pattern, '\0').impossible;
}

bool AlwaysHolds(absl::string_view pattern, char character) {
  return IsPlainRegex(pattern) && FactsOf(pattern, character).holds;
}

absl::optional<std::vector<NameSet>> ExpandPattern(absl::string_view pattern) {
  if (pattern.empty()) return std::vector<NameSet>{{"", true}};
  if (!IsPlainRegex(pattern)) return absl::nullopt;
  return Expand(pattern, Anchors::kIdle);
}

}  // namespace multi_backend
