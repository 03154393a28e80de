// Quoted(): a text that may be of any length and contain anything, as a message
// shows it.  Messages go to logs and into the status of calls.
//
//   Quoted("a\n") is "\"a\\n\""
//   Quoted("10.0.0.1", /*most=*/4) is "\"10.0…\""
#ifndef MULTI_BACKEND_RESOLVER_ENDPOINT_QUOTED_H_
#define MULTI_BACKEND_RESOLVER_ENDPOINT_QUOTED_H_

#include <cstddef>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// Shows at most the first `most` bytes, each of which may become four.
inline std::string Quoted(absl::string_view text, size_t most = 300) {
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, most)),
                      text.size() > most ? "…\"" : "\"");
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_QUOTED_H_
