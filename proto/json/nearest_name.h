// NearestName(): which of the known names somebody meant by an unknown one.
#ifndef MULTI_BACKEND_PROTO_JSON_NEAREST_NAME_H_
#define MULTI_BACKEND_PROTO_JSON_NEAREST_NAME_H_

#include <vector>

#include "absl/strings/string_view.h"

namespace multi_backend {

// Returns the name that differs from `unknown` by the fewest typing errors: a
// letter too many, missing, wrong, or swapped with the next one.  Case and
// underscores do not count, so "max_retries" is as near to "maxRetries" as can
// be.  When no name is as near as about one error in three letters, it returns
// the first one of which `unknown` is the beginning, or that is the beginning
// of `unknown`; "" when there is none either.  Of several names that are
// equally near, the first of `names` wins.
//
// Cost: the product of the two lengths for each name; names longer than 80
// bytes are near to none.  Pure and thread-safe.
absl::string_view NearestName(absl::string_view unknown,
                              const std::vector<absl::string_view>& names);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_JSON_NEAREST_NAME_H_
