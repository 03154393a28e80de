#include "multi_backend/proto/config/lint/regex_tokens.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace multi_backend {
namespace {

using Kind = RegexToken::Kind;

// Each level of groups is read again by what looks into it.
constexpr int kMaxGroups = 64;

class Tokenizer {
 public:
  explicit Tokenizer(absl::string_view pattern) : rest_(pattern) {}

  std::vector<RegexToken> Run() {
    std::vector<RegexToken> tokens;
    while (!rest_.empty()) {
      const size_t before = rest_.size();
      RegexToken token = Atom();
      if (token.kind != Kind::kOr) Quantifier(&token);
      token.size = before - rest_.size();
      tokens.push_back(std::move(token));
    }
    return tokens;
  }

 private:
  absl::string_view Take(size_t size) {
    const absl::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  static RegexToken Make(Kind kind, absl::string_view text) {
    RegexToken token;
    token.kind = kind;
    token.text = std::string(text);
    return token;
  }

  RegexToken Atom() {
    switch (rest_[0]) {
      case '\\':
        return Escape();
      case '[':
        return Make(Kind::kCharacter, Take(ClassSize(rest_)));
      case '(':
        return Group();
      case '|':
        return Make(Kind::kOr, Take(1));
      case '.':
        return Make(Kind::kAnything, Take(1));
      case '^':
        return Make(Kind::kStart, Take(1));
      case '$':
        return Make(Kind::kEnd, Take(1));
      default:
        return Make(Kind::kLiteral, Take(1));
    }
  }

  RegexToken Escape() {
    const char c = rest_.size() > 1 ? rest_[1] : '\\';
    switch (c) {
      case 'Q': {
        const absl::string_view quoted = Take(QuotedSize(rest_)).substr(2);
        return Make(Kind::kLiteral, quoted.substr(0, quoted.find("\\E")));
      }
      case 'A':
        return Make(Kind::kStart, Take(2));
      case 'z':
        return Make(Kind::kEnd, Take(2));
      case 'b':
      case 'B':
        return Make(Kind::kZeroWidth, Take(2));
      case 'p':
      case 'P':
      case 'x': {
        // "\pL", "\p{Greek}", "\x41", "\x{10FFFF}".
        size_t size = c == 'x' ? 4 : 3;
        if (rest_.size() > 2 && rest_[2] == '{') size = rest_.find('}') + 1;
        return Make(Kind::kCharacter, Take(size));
      }
      default:
        if (absl::ascii_isalpha(static_cast<unsigned char>(c))) {
          return Make(Kind::kCharacter, Take(2));
        }
        if (absl::ascii_isdigit(static_cast<unsigned char>(c))) {
          return Make(Kind::kCharacter, Take(OctalSize(rest_)));
        }
        return Make(Kind::kLiteral, Take(2).substr(1));
    }
  }

  RegexToken Group() {
    absl::string_view inner = Take(GroupSize(rest_)).substr(1);
    if (absl::EndsWith(inner, ")")) inner.remove_suffix(1);
    if (absl::StartsWith(inner, "?:")) {
      inner.remove_prefix(2);
    } else if (absl::StartsWith(inner, "?P<")) {
      inner.remove_prefix(inner.find('>') + 1);
    }
    return Make(Kind::kGroup, inner);
  }

  void Quantifier(RegexToken* token) {
    if (rest_.empty()) return;
    const char c = rest_[0];
    if (c == '*' || c == '+' || c == '?') {
      token->optional = c != '+';
      token->repeated = true;
      token->star = c == '*';
      Take(1);
    } else if (const size_t size = CountSize(rest_); size > 0) {
      const absl::string_view count = Take(size);
      token->optional = count[1] == '0';
      token->repeated = count != "{1}";
    } else {
      return;
    }
    if (absl::StartsWith(rest_, "?")) Take(1);  // Lazy: matches the same.
  }

  // Of "{2}", "{2,}" or "{2,5}" at the start; 0: the brace is a literal.
  static size_t CountSize(absl::string_view text) {
    if (text[0] != '{') return 0;
    const size_t end = text.find('}');
    if (end == text.npos || end == 1 || text[1] == ',') return 0;
    const absl::string_view count = text.substr(1, end - 1);
    if (count.find_first_not_of("0123456789,") != count.npos) return 0;
    return end + 1;
  }

  // Of "\Q…\E" at the start; without an end it goes to the pattern's.
  static size_t QuotedSize(absl::string_view text) {
    const size_t end = text.find("\\E", 2);
    return end == text.npos ? text.size() : end + 2;
  }

  static size_t OctalSize(absl::string_view text) {
    size_t size = 1;
    while (size < text.size() && size < 4 && text[size] >= '0' &&
           text[size] <= '7') {
      ++size;
    }
    return size > 1 ? size : 2;
  }

  // Of a class at the start, "[...]".
  static size_t ClassSize(absl::string_view text) {
    size_t i = 1;
    if (i < text.size() && text[i] == '^') ++i;
    if (i < text.size() && text[i] == ']') ++i;  // A literal in that place.
    while (i < text.size() && text[i] != ']') {
      if (text[i] == '\\') {
        ++i;
      } else if (absl::StartsWith(text.substr(i), "[:")) {
        const size_t end = text.find(":]", i);
        if (end != text.npos) i = end + 1;
      }
      ++i;
    }
    return std::min(i + 1, text.size());
  }

  // Of a group at the start, "(...)", with the groups inside it.
  static size_t GroupSize(absl::string_view text) {
    int depth = 0;
    size_t i = 0;
    while (i < text.size()) {
      const absl::string_view rest = text.substr(i);
      if (absl::StartsWith(rest, "\\Q")) {
        i += QuotedSize(rest);
      } else if (text[i] == '\\') {
        i += 2;
      } else if (text[i] == '[') {
        i += ClassSize(rest);
      } else {
        if (text[i] == '(') ++depth;
        if (text[i] == ')') --depth;
        ++i;
        if (depth == 0) return i;
      }
    }
    return text.size();
  }

  absl::string_view rest_;
};

}  // namespace

std::vector<RegexToken> TokenizeRegex(absl::string_view pattern) {
  return Tokenizer(pattern).Run();
}

bool IsPlainRegex(absl::string_view pattern) {
  if (std::count(pattern.begin(), pattern.end(), '(') > kMaxGroups) {
    return false;
  }
  for (size_t at = pattern.find("(?"); at != pattern.npos;
       at = pattern.find("(?", at + 1)) {
    const absl::string_view rest = pattern.substr(at);
    if (!absl::StartsWith(rest, "(?:") && !absl::StartsWith(rest, "(?P<")) {
      return false;
    }
  }
  return true;
}

}  // namespace multi_backend
