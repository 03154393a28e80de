// BackendControl: what an operator has decided about one backend: that it
// drains, and its weight.
//
// A drain has two parts.  At first the backend takes only the calls whose
// sticky key lives there.  When no call is in flight, or kKeysStayShare of
// the timeout is over, its keys move to other backends.  The backend is drained
// when no call is in flight or the timeout is over, and takes no calls until
// Undrain().  Picks see each step at once, by flags of LoadStats.
//
// Pure: time is an argument.  Threads: any.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_CONTROL_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_CONTROL_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/lb_policy/load_stats.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class BackendControl {
 public:
  // The share of a drain's timeout for which calls with a sticky key go on.
  static constexpr double kKeysStayShare = 0.5;

  enum class Drain { kNone, kDraining, kDrained };
  // "serving", "draining", "drained".
  static absl::string_view DrainName(Drain drain);

  struct Change {
    std::string from;
    std::string to;
    std::string reason;
  };

  // `load` must outlive this object.
  explicit BackendControl(LoadStats* load) : load_(load) {}
  BackendControl(const BackendControl&) = delete;
  BackendControl& operator=(const BackendControl&) = delete;

  // Each returns the change, if there is one.  The caller then makes it an
  // event and calls OnTime(), which may find that the drain is done.

  // A backend that drains already gets the new timeout; one that is drained
  // stays so.
  absl::optional<Change> BeginDrain(absl::Duration timeout,
                                    absl::string_view reason, absl::Time now);
  absl::optional<Change> EndDrain(absl::string_view reason);
  // nullopt = as listed.
  absl::optional<Change> SetWeight(absl::optional<uint32_t> weight,
                                   absl::string_view reason);
  // Call when the time has come or a call has ended.
  absl::optional<Change> OnTime(absl::Time now);

  Drain drain() const { return drain_.load(std::memory_order_acquire); }
  bool drains() const { return drain() != Drain::kNone; }
  // "draining: <reason>", or "" when it does not drain.
  std::string DrainText() const;
  // Takes no lock.
  uint32_t WeightOr(uint32_t listed) const {
    const uint32_t weight = weight_.load(std::memory_order_relaxed);
    return weight == 0 ? listed : weight;
  }

  // As those of BackendHealth, for a backend that no channel lists.
  bool IsDecided() const { return drains() || WeightOr(0) != 0; }
  void TakeOver(const BackendControl& other);

 private:
  // What there is to know of a drain beside its state.
  struct Progress {
    bool keys_moved = false;
    std::string reason;
    absl::Time move_keys_at;
    absl::Time deadline;
  };

  void WriteFlagsLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  LoadStats* const load_;
  std::atomic<uint32_t> weight_{0};         // 0 = as listed.
  std::atomic<Drain> drain_{Drain::kNone};  // Written under mutex_.
  mutable Mutex mutex_;
  Progress progress_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_CONTROL_H_
