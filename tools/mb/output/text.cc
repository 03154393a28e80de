#include "multi_backend/tools/mb/output/text.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace multi_backend {
namespace mb {
namespace {

// A character of a text, or a byte that is none.
struct Character {
  size_t size = 1;
  bool valid = false;
  uint32_t code = 0;
};

// Reads the character at the beginning of `text`, which is not empty (RFC
// 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF).
Character ReadCharacter(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {1, true, first};
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return {};
  uint32_t code = first & (0x7f >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool overlong =
      (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    return {};
  }
  return {size, true, code};
}

// Whether a terminal shows the character in its own place and direction.
bool IsShown(uint32_t code) {
  const struct {
    uint32_t first, last;
  } hidden[] = {
      {0x00, 0x1f},       // C0 controls.
      {0x7f, 0x9f},       // DEL and C1 controls.
      {0xad, 0xad},       // Soft hyphen.
      {0x061c, 0x061c},   // Arabic letter mark.
      {0x180e, 0x180e},   // Mongolian vowel separator.
      {0x200b, 0x200f},   // Zero width, marks of direction.
      {0x2028, 0x202e},   // Separators, embeddings and overrides.
      {0x2060, 0x206f},   // Joiners, isolates.
      {0xfe00, 0xfe0f},   // Variation selectors.
      {0xfeff, 0xfeff},   // Byte order mark.
      {0xfff0, 0xfffb},   // Specials.
      {0xe0000, 0xe0fff}  // Tags.
  };
  return std::none_of(std::begin(hidden), std::end(hidden),
                      [code](const auto& range) {
                        return code >= range.first && code <= range.last;
                      });
}

std::string Escape(const Character& character, absl::string_view bytes) {
  if (!character.valid) {
    return absl::StrFormat("\\x%02x", static_cast<uint8_t>(bytes[0]));
  }
  if (character.code == '\n') return "\\n";
  if (character.code == '\r') return "\\r";
  if (character.code == '\t') return "\\t";
  if (character.code < 0x80) return absl::StrFormat("\\x%02x", character.code);
  return absl::StrFormat("\\u%04x", character.code);
}

}  // namespace

std::string Printable(absl::string_view text, size_t max) {
  std::string printable;
  size_t shown = 0;
  while (!text.empty()) {
    if (shown++ == max) return printable + "…";
    const Character character = ReadCharacter(text);
    const absl::string_view bytes = text.substr(0, character.size);
    if (character.valid && IsShown(character.code)) {
      absl::StrAppend(&printable, bytes);
    } else {
      absl::StrAppend(&printable, Escape(character, bytes));
    }
    text.remove_prefix(character.size);
  }
  return printable;
}

std::string ValidUtf8(absl::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const Character character = ReadCharacter(text);
    absl::StrAppend(&valid, character.valid ? text.substr(0, character.size)
                                            : "\xef\xbf\xbd");
    text.remove_prefix(character.size);
  }
  return valid;
}

size_t WidthOf(absl::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<uint8_t>(c) & 0xc0) != 0x80;
  });
}

TextTable::TextTable(std::vector<Column> columns)
    : columns_(std::move(columns)) {}

void TextTable::AddRow(const std::vector<std::string>& cells) {
  std::vector<std::string> row;
  for (size_t i = 0; i < columns_.size(); ++i) {
    row.push_back(i < cells.size() ? Printable(cells[i]) : "");
  }
  rows_.push_back(std::move(row));
}

std::string TextTable::ToString(size_t indent) const {
  std::vector<size_t> widths;  // 0 = the column is left out.
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = 0;
    for (const auto& row : rows_) width = std::max(width, WidthOf(row[i]));
    if (width > 0) width = std::max(width, WidthOf(columns_[i].title));
    widths.push_back(width);
  }
  std::string text;
  const auto append_line = [&](auto cell) {
    std::string line(indent, ' ');
    bool first = true;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (widths[i] == 0) continue;
      if (!first) line += "  ";
      first = false;
      const std::string padding(widths[i] - WidthOf(cell(i)), ' ');
      const bool right = columns_[i].align == Align::kRight;
      absl::StrAppend(&line, right ? padding : "", cell(i),
                      right ? "" : padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  };
  append_line(
      [&](size_t i) -> const std::string& { return columns_[i].title; });
  for (const auto& row : rows_) {
    append_line([&](size_t i) -> const std::string& { return row[i]; });
  }
  return text;
}

std::string Count(size_t number, absl::string_view noun) {
  return absl::StrCat(number, " ", noun, number == 1 ? "" : "s");
}

std::string Percent(double ratio) {
  return absl::StrFormat("%.1f%%", 100 * ratio);
}

}  // namespace mb
}  // namespace multi_backend
