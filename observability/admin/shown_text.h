// ShownText(): a text that others control, made fit to be shown.
//
// Names from discovery and error texts of servers may have any bytes and any
// length.  Messages carry them as valid UTF-8 without control characters, and
// bounded, so that no output can be flooded, or a terminal be given commands.
// Escaping for HTML or JSON is the work of each output.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_SHOWN_TEXT_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_SHOWN_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace multi_backend {

// Enough for every sentence of the library, and for most of a server's.
constexpr size_t kMaxShownText = 512;

// At most `max` bytes and "…" of `text`; each byte that is not part of valid
// UTF-8, and each control character, becomes U+FFFD.  O(max).
std::string ShownText(absl::string_view text, size_t max = kMaxShownText);

// ShownText() of TargetWithoutSecrets(): "***" stands for a user and password
// before an "@" of the authority.
std::string ShownTarget(absl::string_view target);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_SHOWN_TEXT_H_
