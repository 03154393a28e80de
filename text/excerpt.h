// Excerpt(), Quoted() and Shortened(): a text that may be of any length, as a
// message shows it.  Messages go to logs, pages and the status of calls.
//
//   Excerpt("a\n") is "a\\n"
//   Excerpt("10.0.0.1", /*most=*/4) is "10.0..."
//   Quoted("10.0.0.1", /*most=*/4) is "\"10.0...\""
#ifndef MULTI_BACKEND_TEXT_EXCERPT_H_
#define MULTI_BACKEND_TEXT_EXCERPT_H_

#include <cstddef>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// For a text that may contain anything.  Shows at most the first `most` bytes,
// each of which may become four.
inline std::string Excerpt(absl::string_view text, size_t most = 300) {
  return absl::StrCat(absl::CHexEscape(text.substr(0, most)),
                      text.size() > most ? "..." : "");
}

// The same in double quotes.
inline std::string Quoted(absl::string_view text, size_t most = 300) {
  return absl::StrCat("\"", Excerpt(text, most), "\"");
}

// Cuts, but does not escape: for a text that has been escaped.
inline std::string Shortened(absl::string_view text, size_t most = 300) {
  return absl::StrCat(text.substr(0, most), text.size() > most ? "..." : "");
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TEXT_EXCERPT_H_
