// Ends a bench that could not measure anything.
#ifndef MULTI_BACKEND_BENCH_CALLS_DIE_H_
#define MULTI_BACKEND_BENCH_CALLS_DIE_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// Ends the program with exit code 1, and says why.
[[noreturn]] void Die(absl::string_view why);

void DieUnlessOk(const absl::Status& status);

template <typename T>
T ValueOrDie(absl::StatusOr<T> value) {
  DieUnlessOk(value.status());
  return *std::move(value);
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_CALLS_DIE_H_
