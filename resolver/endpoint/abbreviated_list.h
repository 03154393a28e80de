// AbbreviatedList: a text that names the first few of many things:
// "a, b, c, d, e and 7 more".
#ifndef MULTI_BACKEND_RESOLVER_ENDPOINT_ABBREVIATED_LIST_H_
#define MULTI_BACKEND_RESOLVER_ENDPOINT_ABBREVIATED_LIST_H_

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// A reader takes in this many at a glance.
constexpr size_t kMostNamed = 5;

// Joins name(0), name(1), … of `count` things, at most kMostNamed of them, with
// `separator`.  The number of the others follows `last_separator`.
template <typename Name>
std::string AbbreviatedList(size_t count, absl::string_view separator,
                            Name name,
                            absl::string_view last_separator = " and ") {
  std::string text;
  for (size_t i = 0; i < count && i < kMostNamed; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : separator, name(i));
  }
  if (count > kMostNamed) {
    absl::StrAppend(&text, last_separator, count - kMostNamed, " more");
  }
  return text;
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_ABBREVIATED_LIST_H_
