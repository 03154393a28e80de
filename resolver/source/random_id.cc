#include "multi_backend/resolver/source/random_id.h"

#include <random>

#include "absl/strings/str_format.h"

namespace multi_backend {

std::string RandomId() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) absl::StrAppendFormat(&id, "%08x", random());
  return id;
}

}  // namespace multi_backend
