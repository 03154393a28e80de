// Reads a text that should be UTF-8, one character after the other.
#ifndef MULTI_BACKEND_TEXT_UTF8_H_
#define MULTI_BACKEND_TEXT_UTF8_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace multi_backend {

struct Utf8Character {
  size_t size = 0;  // In bytes; 0 = there is no well-formed character.
  uint32_t code = 0;
};

// The character at the beginning of `text`, which is not empty (RFC 3629: no
// overlong forms, no surrogates, nothing above U+10FFFF).  It reads at most
// four bytes.  Pure.
Utf8Character FirstUtf8Character(absl::string_view text);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TEXT_UTF8_H_
