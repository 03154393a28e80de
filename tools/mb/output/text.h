// Text for a terminal, made of what others control.
//
// Names from discovery and error texts of servers may hold anything.  Printed
// as they are, they could move the cursor, set the title of the window or
// reverse the direction of a line.  So every such text goes through
// Printable() before it is printed.  Pure and thread-safe.
#ifndef MULTI_BACKEND_TOOLS_MB_OUTPUT_TEXT_H_
#define MULTI_BACKEND_TOOLS_MB_OUTPUT_TEXT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace multi_backend {
namespace mb {

// The longest text of others that is shown, in characters.
constexpr size_t kMaxShown = 300;

// Returns the text with every control character, and every character that
// changes the direction or the width of others, as an escape: "\n", "\x1b",
// "\u202e".  Bytes that are no UTF-8 become "\xff".  After `max` characters the
// text is cut and ends in "…".
std::string Printable(absl::string_view text, size_t max = kMaxShown);

// Returns the text with each byte that is no UTF-8 as U+FFFD, for messages.
std::string ValidUtf8(absl::string_view text);

// The number of characters of a printable text.
size_t WidthOf(absl::string_view text);

// Columns of texts, each as wide as its widest cell.
class TextTable {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit TextTable(std::vector<Column> columns);

  // Cells may hold anything; missing ones are empty.
  void AddRow(const std::vector<std::string>& cells);

  // One line for the titles and one for each row, each indented by `indent`
  // spaces and without spaces at its end.  Columns whose cells are all empty
  // are left out.
  std::string ToString(size_t indent = 0) const;

 private:
  const std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// "1 error", "2 errors".
std::string Count(size_t number, absl::string_view noun);

// "33.3%".
std::string Percent(double ratio);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_OUTPUT_TEXT_H_
