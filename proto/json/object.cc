#include "multi_backend/proto/json/object.h"

#include <cmath>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "multi_backend/proto/json/syntax.h"

namespace multi_backend {
namespace {

constexpr uint32_t kReplacement = 0xFFFD;  // For half of a surrogate pair.

// The functions below read text that CheckJsonSyntax() has accepted, so they
// only need to find where a value ends.  On other text they stay within bounds.

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

size_t SkipSpace(absl::string_view text, size_t at) {
  while (at < text.size() && IsSpace(text[at])) ++at;
  return at;
}

// The position after the string whose opening quote is at `at`.
size_t EndOfString(absl::string_view text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

size_t EndOfValue(absl::string_view text, size_t at) {
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = EndOfString(text, at);
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      // The end of the object or array that contains the value.
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    }
    if (depth == 0 && (c == ',' || IsSpace(c))) return at;
    ++at;
  }
  return text.size();
}

void AppendUtf8(uint32_t code, std::string& text) {
  const auto append = [&text](uint32_t byte) {
    text.push_back(static_cast<char>(byte));
  };
  if (code < 0x80) {
    append(code);
    return;
  }
  if (code < 0x800) {
    append(0xC0 | (code >> 6));
  } else {
    if (code < 0x10000) {
      append(0xE0 | (code >> 12));
    } else {
      append(0xF0 | (code >> 18));
      append(0x80 | ((code >> 12) & 0x3F));
    }
    append(0x80 | ((code >> 6) & 0x3F));
  }
  append(0x80 | (code & 0x3F));
}

// The four hexadecimal digits at `at`; 0 when there are fewer.
uint32_t HexAt(absl::string_view text, size_t at) {
  uint32_t code = 0;
  if (at + 4 > text.size()) return 0;
  return absl::SimpleHexAtoi(text.substr(at, 4), &code) ? code : 0;
}

// Appends what the escape with its backslash at `at` stands for; returns the
// position after it.
size_t AppendEscape(absl::string_view text, size_t at, std::string& result) {
  const char kind = at + 1 < text.size() ? text[at + 1] : '\\';
  const absl::string_view kNames = "bfnrt";
  const size_t name = kNames.find(kind);
  if (name != absl::string_view::npos) {
    result.push_back("\b\f\n\r\t"[name]);
    return at + 2;
  }
  if (kind != 'u') {
    result.push_back(kind);
    return at + 2;
  }
  uint32_t code = HexAt(text, at + 2);
  at += 6;
  if (code >= 0xD800 && code < 0xE000) {
    const uint32_t low =
        text.substr(at < text.size() ? at : text.size(), 2) == "\\u"
            ? HexAt(text, at + 2)
            : 0;
    if (code < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      at += 6;
    } else {
      code = kReplacement;
    }
  }
  AppendUtf8(code, result);
  return at;
}

std::string Unquote(absl::string_view quoted) {
  const absl::string_view text = quoted.substr(1, quoted.size() - 2);
  if (text.find('\\') == absl::string_view::npos) return std::string(text);
  std::string result;
  size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '\\') {
      at = AppendEscape(text, at, result);
    } else {
      result.push_back(text[at++]);
    }
  }
  return result;
}

}  // namespace

absl::optional<std::string> JsonValue::String() const {
  if (text_.size() < 2 || text_[0] != '"') return absl::nullopt;
  return Unquote(text_);
}

absl::optional<int64_t> JsonValue::Integer() const {
  int64_t value = 0;
  // SimpleAtoi() also accepts spaces and "+", which a JSON value never has.
  if (text_.empty() || text_[0] == '"' || !absl::SimpleAtoi(text_, &value)) {
    return absl::nullopt;
  }
  return value;
}

absl::optional<double> JsonValue::Number() const {
  double value = 0;
  // SimpleAtod() also accepts spaces, "+", "inf" and "nan", which a JSON value
  // never has.
  if (text_.empty() || text_[0] == '"' || !absl::SimpleAtod(text_, &value) ||
      !std::isfinite(value)) {
    return absl::nullopt;
  }
  return value;
}

absl::optional<bool> JsonValue::Bool() const {
  if (text_ == "true") return true;
  if (text_ == "false") return false;
  return absl::nullopt;
}

absl::optional<JsonObject> JsonValue::Object() const {
  if (text_.empty() || text_[0] != '{') return absl::nullopt;
  return JsonObject(text_);
}

absl::optional<std::vector<JsonValue>> JsonValue::Array() const {
  if (text_.empty() || text_[0] != '[') return absl::nullopt;
  std::vector<JsonValue> values;
  size_t at = SkipSpace(text_, 1);
  while (at < text_.size() && text_[at] != ']') {
    const size_t value = at;
    at = EndOfValue(text_, value);
    values.emplace_back(text_.substr(value, at - value));
    // Skip the comma.
    at = SkipSpace(text_, at);
    if (at < text_.size() && text_[at] == ',') at = SkipSpace(text_, at + 1);
  }
  return values;
}

absl::StatusOr<JsonObject> JsonObject::Parse(absl::string_view text) {
  const absl::Status syntax = CheckJsonSyntax(text);
  if (!syntax.ok()) return syntax;
  text = absl::StripAsciiWhitespace(text);
  if (text.empty() || text[0] != '{') {
    return absl::InvalidArgumentError("must be a JSON object");
  }
  return JsonObject(text);
}

JsonObject::JsonObject(absl::string_view text) {
  members_.reserve(8);  // Enough for most objects.
  size_t at = SkipSpace(text, 1);
  while (at < text.size() && text[at] == '"') {
    const size_t name = at;
    at = EndOfString(text, at);
    const size_t name_size = at - name;
    // Skip the colon.
    at = SkipSpace(text, at);
    const size_t value = SkipSpace(text, at < text.size() ? at + 1 : at);
    at = EndOfValue(text, value);
    members_.emplace_back(Unquote(text.substr(name, name_size)),
                          JsonValue(text.substr(value, at - value)));
    at = SkipSpace(text, at);
    if (at < text.size()) at = SkipSpace(text, at + 1);
  }
}

JsonValue JsonObject::Find(absl::string_view name) const {
  for (const Member& member : members_) {
    if (member.first == name) return member.second;
  }
  return JsonValue();
}

std::string JsonQuote(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted.push_back('\\');
      quoted.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<unsigned>(c));
    } else {
      quoted.push_back(c);
    }
  }
  quoted.push_back('"');
  return quoted;
}

}  // namespace multi_backend
