#include "multi_backend/proto/json/syntax.h"

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/text/excerpt.h"
#include "multi_backend/text/utf8.h"

namespace multi_backend {
namespace {

constexpr size_t kShownKeySize = 40;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A recursive-descent reader; every method stops at the first error and then
// returns false.
class Checker {
 public:
  Checker(absl::string_view text, int max_depth)
      : text_(text), max_depth_(max_depth) {}

  absl::Status Check() {
    if (Value(0)) {
      SkipSpace();
      if (at_ == text_.size() || Fail("expected the end of the text")) {
        return absl::OkStatus();
      }
    }
    return absl::InvalidArgumentError(error_);
  }

 private:
  bool Fail(absl::string_view what) { return FailAt(at_, what); }

  bool FailAt(size_t where, absl::string_view what) {
    size_t line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < where; ++i) {
      if (text_[i] == '\n') {
        ++line;
        line_start = i + 1;
      }
    }
    error_ = absl::StrCat("line ", line, ", column ", where - line_start + 1,
                          ": ", what);
    return false;
  }

  bool AtEnd() const { return at_ == text_.size(); }
  bool NextIs(char c) const { return !AtEnd() && text_[at_] == c; }

  bool Take(char c) {
    if (!NextIs(c)) return false;
    ++at_;
    return true;
  }

  void SkipSpace() {
    while (NextIs(' ') || NextIs('\t') || NextIs('\n') || NextIs('\r')) ++at_;
  }

  bool Value(int depth) {
    SkipSpace();
    if (AtEnd()) return Fail("expected a value, found the end of the text");
    const char c = text_[at_];
    if (c == '{' || c == '[') {
      if (depth == max_depth_) {
        return Fail(absl::StrCat("nested deeper than ", max_depth_, " levels"));
      }
      return c == '{' ? Object(depth + 1) : Array(depth + 1);
    }
    if (c == '"') return String();
    if (c == '-' || IsDigit(c)) return Number();
    for (absl::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return true;
      }
    }
    return Fail("expected a value");
  }

  bool Object(int depth) {
    absl::flat_hash_set<absl::string_view> keys;
    ++at_;
    SkipSpace();
    if (Take('}')) return true;
    while (true) {
      SkipSpace();
      const size_t start = at_;
      if (!NextIs('"')) return Fail("expected a key in double quotes");
      if (!String()) return false;
      const absl::string_view key = text_.substr(start + 1, at_ - start - 2);
      if (!keys.insert(key).second) {
        return FailAt(
            start, absl::StrCat("duplicate key ", Quoted(key, kShownKeySize)));
      }
      SkipSpace();
      if (!Take(':')) return Fail("expected ':'");
      if (!Value(depth)) return false;
      SkipSpace();
      if (Take('}')) return true;
      if (!Take(',')) return Fail("expected ',' or '}'");
    }
  }

  bool Array(int depth) {
    ++at_;
    SkipSpace();
    if (Take(']')) return true;
    while (true) {
      if (!Value(depth)) return false;
      SkipSpace();
      if (Take(']')) return true;
      if (!Take(',')) return Fail("expected ',' or ']'");
    }
  }

  bool String() {
    const size_t start = at_++;
    while (!AtEnd()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) {
        return Fail("a control character in a string must be escaped");
      }
      if (c == '\\') {
        if (!Escape()) return false;
        continue;
      }
      const size_t size = FirstUtf8Character(text_.substr(at_)).size;
      if (size == 0) return Fail("invalid UTF-8");
      at_ += size;
    }
    return FailAt(start, "the string has no end");
  }

  bool Escape() {
    const size_t start = at_++;
    if (Take('u')) {
      uint32_t unit;
      if (!Hex4(start, &unit)) return false;
      if (unit < 0xD800 || unit > 0xDFFF) return true;
      uint32_t low = 0;
      if (unit > 0xDBFF || !Take('\\') || !Take('u') || !Hex4(start, &low) ||
          low < 0xDC00 || low > 0xDFFF) {
        return FailAt(start, "a surrogate without its other half");
      }
      return true;
    }
    for (char c : absl::string_view("\"\\/bfnrt")) {
      if (Take(c)) return true;
    }
    return FailAt(start, "unknown escape");
  }

  bool Hex4(size_t start, uint32_t* unit) {
    *unit = 0;
    for (int i = 0; i < 4; ++i) {
      if (AtEnd() ||
          !absl::ascii_isxdigit(static_cast<unsigned char>(text_[at_]))) {
        return FailAt(start, "\\u needs four hexadecimal digits");
      }
      const char c = absl::ascii_tolower(text_[at_++]);
      *unit = *unit * 16 + (IsDigit(c) ? c - '0' : c - 'a' + 10);
    }
    return true;
  }

  bool Digits() {
    if (AtEnd() || !IsDigit(text_[at_])) return Fail("expected a digit");
    while (!AtEnd() && IsDigit(text_[at_])) ++at_;
    return true;
  }

  bool Number() {
    Take('-');
    const size_t start = at_;
    if (!Digits()) return false;
    if (text_[start] == '0' && at_ > start + 1) {
      return FailAt(start, "a number must not begin with 0");
    }
    if (Take('.') && !Digits()) return false;
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      return Digits();
    }
    return true;
  }

  const absl::string_view text_;
  const int max_depth_;
  size_t at_ = 0;
  std::string error_;
};

}  // namespace

absl::Status CheckJsonSyntax(absl::string_view text, int max_depth) {
  return Checker(text, max_depth).Check();
}

}  // namespace multi_backend
