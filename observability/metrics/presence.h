// Presence: which channels and backends exist, and for how long others have
// been gone.
//
// A series ends some time after what it is about has left, and not at once, so
// that people can still see what left and a backend that flaps keeps its
// counters.
//
// Not thread-safe: it is the collector's.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_PRESENCE_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_PRESENCE_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace multi_backend {

class Presence {
 public:
  explicit Presence(absl::Duration lifetime) : lifetime_(lifetime) {}

  // `owner` is a channel's target, or a backend of it, and exists at `now`.
  void Seen(uint64_t owner, absl::Time now) { last_seen_[owner] = now; }

  // Whether `owner` was gone for the whole lifetime.  The absence of one that
  // was never seen begins when it is first asked about.
  bool Ended(uint64_t owner, absl::Time now) {
    const absl::Time last = last_seen_.try_emplace(owner, now).first->second;
    return now - last >= lifetime_;
  }

  // Forgets the ended ones.  Call after their series have been retired.
  void Forget(absl::Time now) {
    absl::erase_if(last_seen_, [&](const auto& entry) {
      return now - entry.second >= lifetime_;
    });
  }

 private:
  const absl::Duration lifetime_;
  absl::flat_hash_map<uint64_t, absl::Time> last_seen_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_PRESENCE_H_
