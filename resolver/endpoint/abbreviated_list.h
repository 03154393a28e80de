// Texts that name the first of many: "a, b, c, d, e and 7 more".
#ifndef MULTI_BACKEND_RESOLVER_ENDPOINT_ABBREVIATED_LIST_H_
#define MULTI_BACKEND_RESOLVER_ENDPOINT_ABBREVIATED_LIST_H_

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// As many as a reader takes in at a glance.
constexpr size_t kMostNamed = 5;

// The names, which name(i) gives for i < count, up to kMostNamed of them.
template <typename Name>
std::string FirstNames(size_t count, absl::string_view separator, Name name) {
  std::string text;
  for (size_t i = 0; i < count && i < kMostNamed; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : separator, name(i));
  }
  if (count > kMostNamed) {
    absl::StrAppend(&text, " and ", count - kMostNamed, " more");
  }
  return text;
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_ABBREVIATED_LIST_H_
