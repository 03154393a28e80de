#include "multi_backend/tools/mb/output/text.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "multi_backend/text/utf8.h"

namespace multi_backend {
namespace mb {
namespace {

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

// `bytes` is the character, or a byte that is none.
std::string Escape(const Utf8Character& character, absl::string_view bytes) {
  if (character.size == 0) {
    return absl::StrFormat("\\x%02x", static_cast<uint8_t>(bytes[0]));
  }
  if (character.code == '\n') return "\\n";
  if (character.code == '\r') return "\\r";
  if (character.code == '\t') return "\\t";
  if (character.code < 0x80) return absl::StrFormat("\\x%02x", character.code);
  return absl::StrFormat("\\u%04x", character.code);
}

// Removes from `text` the bytes of its first character, or a byte that is none.
absl::string_view TakeBytes(const Utf8Character& character,
                            absl::string_view& text) {
  const absl::string_view bytes =
      text.substr(0, std::max<size_t>(character.size, 1));
  text.remove_prefix(bytes.size());
  return bytes;
}

}  // namespace

std::string Printable(absl::string_view text, size_t max) {
  std::string printable;
  size_t shown = 0;
  while (!text.empty()) {
    if (shown++ == max) return printable + "…";
    const Utf8Character character = FirstUtf8Character(text);
    const absl::string_view bytes = TakeBytes(character, text);
    if (character.size > 0 && IsShown(character.code)) {
      absl::StrAppend(&printable, bytes);
    } else {
      absl::StrAppend(&printable, Escape(character, bytes));
    }
  }
  return printable;
}

std::string ValidUtf8(absl::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const Utf8Character character = FirstUtf8Character(text);
    const absl::string_view bytes = TakeBytes(character, text);
    absl::StrAppend(&valid, character.size > 0 ? bytes : "\xef\xbf\xbd");
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
