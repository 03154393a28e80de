// ProbeLog: how many probes of a backend passed and failed, and what the newest
// one said.  Thread-safe.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_PROBE_LOG_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_PROBE_LOG_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class ProbeLog {
 public:
  // Longer details, which servers can write, are cut to this many bytes.
  static constexpr size_t kMaxDetailBytes = 200;

  struct Numbers {
    uint64_t passed = 0;
    uint64_t failed = 0;
    // "passed", or "failed: " and why; "" before the first probe.
    std::string last;
  };

  void Add(bool passed, absl::string_view detail) {
    MutexLock lock(&mutex_);
    ++(passed ? numbers_.passed : numbers_.failed);
    numbers_.last =
        passed ? "passed"
               : absl::StrCat("failed: ", detail.substr(0, kMaxDetailBytes));
  }
  Numbers numbers() const {
    MutexLock lock(&mutex_);
    return numbers_;
  }

 private:
  mutable Mutex mutex_;
  Numbers numbers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_PROBE_LOG_H_
