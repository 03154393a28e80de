// Splits an RE2 pattern into its top-level atoms, so that lint can look at its
// form; RE2's own parse tree is not public.
//
// For patterns that RE2 compiled without error; on others the result means
// nothing (and nothing breaks).  Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_LINT_REGEX_TOKENS_H_
#define MULTI_BACKEND_PROTO_CONFIG_LINT_REGEX_TOKENS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace multi_backend {

struct RegexToken {
  enum class Kind {
    kLiteral,    // The characters of `text`, as they are.
    kAnything,   // "."
    kCharacter,  // One character of some set: a class, \d, …
    kGroup,      // `text` is the pattern inside.
    kStart,      // "^", "\A"
    kEnd,        // "$", "\z"
    kZeroWidth,  // "\b", "\B"
    kOr,         // "|"
  };
  Kind kind;
  std::string text;
  size_t size = 0;  // Of its source in the pattern, with the quantifier.
  // From the quantifier that follows: whether it may be there no time at all,
  // whether the number of times is other than exactly one, and whether it is
  // any number (a "*").
  bool optional = false;
  bool repeated = false;
  bool star = false;
};

std::vector<RegexToken> TokenizeRegex(absl::string_view pattern);

// Whether lint may judge the pattern by its tokens: it sets no flags ("(?i)",
// "(?i:"), with which atoms do not mean what they say, and it has at most 64
// groups, which bounds the work.
bool IsPlainRegex(absl::string_view pattern);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_LINT_REGEX_TOKENS_H_
