// Backlog: the calls of one balancer that wait for a usable backend, in
// first-in-first-out order, bounded in number and in time.
//
// gRPC core runs all queued picks again with each new picker, and promises no
// order: some releases begin with the newest, others pick on many threads at
// once.  So the Backlog keeps the order itself, by numbering the calls.  During
// such a pass only the oldest call (or the oldest few, see "Order") may go; all
// others keep waiting, whenever they ask.  A call has the turn until it leaves.
// Its departure requires another pass, which gives the turn to the next one.
// All that core has to promise is that each call that waits picks again with
// the newest picker.  Each call does this:
//   number = NextNumber()         // Once; kept for all picks of the call.
//   !any_waiting() || Ask(number, ...) == kGo ? choose a backend : wait, refuse
//   Join(number, ...)             // When there is no backend to choose.
//   Leave(number)                 // When sent, refused, cancelled or ended.
//
// A call leaves only when it is being sent.  A pick that chose a backend may
// still fail because the connection has just been lost; its call tracker is
// then destroyed without having been started.  Such a call must Join() (again),
// or others overtake it.  Until it leaves, a call keeps its number, its place
// and the time since which it waits.
//
// Order: calls go exactly by number while at most kExact of them wait, or
// kExactInCrowd where backends have no limit of calls.  Above that a pass
// releases the oldest 1/kPasses of the calls together, because releasing them
// one by one would cost a quadratic number of picks.  Calls that are released
// together may overtake each other, but no other call overtakes them.
//
// When all members were down and the first one comes back, the calls go at a
// ReturnPace.
//
// States: in ALIVE calls may wait.  In OVERLOADED all members are down, and
// calls still wait.  After `overload_timeout` without a usable member the state
// is DOWN, in which waiting and new calls are refused.  The first usable member
// makes it ALIVE again.  A member on trial is not usable: one call goes to it,
// and the states go on as if the member were down.
//
// Thread-safe; the steps of one call follow each other, those of different
// calls run at the same time.  Times are nanoseconds of one Clock.  Cost: O(log
// waiting) under a lock for a call that joins, leaves or may go; O(1) without a
// lock for one that has to wait on.  Each waiting call takes about 50 bytes.
#ifndef MULTI_BACKEND_LB_POLICY_WAITING_BACKLOG_H_
#define MULTI_BACKEND_LB_POLICY_WAITING_BACKLOG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/lb_policy/waiting/return_pace.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class Backlog {
 public:
  // Up to this many waiting calls, a pass releases one call.  Releasing them
  // all then takes half a million picks, which does not matter when each has to
  // wait for the end of another call.
  static constexpr size_t kExact = 1024;
  // The same bound where backends take any number of calls, so that all could
  // go at once: eight thousand picks.
  static constexpr size_t kExactInCrowd = 128;
  // Above these bounds a pass releases 1/kPasses of the waiting calls.  A pass
  // over thousands of calls takes milliseconds, in which more than one new call
  // arrives.
  static constexpr size_t kPasses = 64;

  enum class State { kAlive, kOverloaded, kDown };
  enum class Turn {
    kGo,       // Choose a backend now.
    kWait,     // The call waits; it has now joined.
    kFull,     // Refuse: too many calls are waiting.
    kDown,     // Refuse: all members have been down for too long.
    kExpired,  // Refuse: the call has waited for too long.
  };
  struct StateChange {
    State from;
    State to;
    int64_t at;
    std::string reason;
  };

  explicit Backlog(const BacklogConfig& config);

  // Also applies to waiting calls, except that a smaller `limit` removes none
  // of them.
  void SetConfig(const BacklogConfig& config);

  // A call's place in the order; never 0.
  uint64_t NextNumber() {
    return next_number_.fetch_add(1, std::memory_order_relaxed);
  }

  // While false, picks need not call Ask().
  bool any_waiting() const {
    return waiting_count_.load(std::memory_order_relaxed) != 0;
  }

  // No waiting call is refused before this time.  INT64_MAX when no call waits,
  // INT64_MIN while DOWN.
  int64_t quiet_until() const {
    return quiet_until_.load(std::memory_order_relaxed);
  }

  // Asks whether this pick may choose a backend.  `joined` says that this
  // Backlog has told the call kWait and the call has not left.  Takes no lock
  // if it is not yet the turn of such a call.
  Turn Ask(uint64_t number, bool joined, int64_t now) {
    if (joined && number > turn_limit_.load(std::memory_order_relaxed) &&
        now < quiet_until_.load(std::memory_order_relaxed)) {
      return Turn::kWait;
    }
    return AskInFull(number, joined, now);
  }

  // Call when the pick found no backend.  Returns kWait, kFull or kDown.
  Turn Join(uint64_t number, int64_t now);

  // Frees the call's place.  Call when the call is being sent, was refused, or
  // has ended.  Returns true if another call may go now; the caller then
  // publishes a pass.  That requires that a member is usable, or that this call
  // is being `sent` (to any backend).  Does nothing if the call does not wait.
  bool Leave(uint64_t number, bool sent = false);

  // Sets which calls may go in the coming pass over the waiting calls.  Call
  // before each new picker.  One call goes in a pass while at most `exact`
  // wait.  Returns the number of waiting calls.
  size_t BeginPass(int64_t now, size_t exact = kExact);

  // Sets the state of the members.  `any_usable` says that at least one is
  // healthy, even if all healthy ones are at their limit; one on trial is not.
  // `all_down` says that none is usable and none is being connected for the
  // first time.  If both are false, the state stays.  `any_missing` says that
  // at least one is not usable.
  absl::optional<StateChange> SetMembers(bool any_usable, bool all_down,
                                         int64_t now, bool any_missing = false);

  // Call at next_deadline().  The caller then publishes a pass, in which
  // expired calls are refused.
  absl::optional<StateChange> OnTime(int64_t now);

  // The earliest time at which a call expires, the state changes, or more calls
  // may go; INT64_MAX when there is none.
  int64_t next_deadline() const;

  State state() const;
  size_t waiting() const;

  // For observers: takes no lock, so the numbers may be of different moments.
  struct Glance {
    State state;
    size_t waiting;
    size_t limit;
  };
  Glance glance() const {
    return {state_.load(std::memory_order_relaxed),
            waiting_count_.load(std::memory_order_relaxed),
            limit_.load(std::memory_order_relaxed)};
  }

  // Returns the error text for a call that was refused with `turn`.  It says
  // that the call was never sent, and it gives the cause and `backends`, which
  // describes the backends.  Call before Leave().
  std::string RefusalText(Turn turn, uint64_t number, int64_t now,
                          absl::string_view backends) const;

  // UNAVAILABLE, or DEADLINE_EXCEEDED for kExpired.
  static absl::StatusCode RefusalCode(Turn turn);
  static absl::string_view StateName(State state);

 private:
  Turn AskInFull(uint64_t number, bool joined, int64_t now);
  Turn AddLocked(uint64_t number, int64_t now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayGoLocked(uint64_t number) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::optional<StateChange> EnterLocked(State to, int64_t now,
                                          std::string reason)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Updates the fields that are read without the lock.
  void PublishLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::atomic<uint64_t> next_number_{1};
  std::atomic<size_t> waiting_count_{0};
  std::atomic<uint64_t> turn_limit_{0};  // No waiting call beyond it may go.
  std::atomic<int64_t> quiet_until_{INT64_MAX};  // No refusal before it.
  std::atomic<size_t> limit_{0};                 // Written under mutex_.
  std::atomic<State> state_{State::kAlive};      // Written under mutex_.

  mutable Mutex mutex_;
  int64_t timeout_ ABSL_GUARDED_BY(mutex_);
  int64_t overload_timeout_ ABSL_GUARDED_BY(mutex_);
  // Maps the number of a call to the time at which it began to wait.
  absl::btree_map<uint64_t, int64_t> waiting_ ABSL_GUARDED_BY(mutex_);
  // The same as {since, number}.  The call with the smallest number is not
  // always the one that has waited longest.
  absl::btree_set<std::pair<int64_t, uint64_t>> since_ ABSL_GUARDED_BY(mutex_);
  // Calls up to this number may go in this pass.  The oldest call may always
  // go, unless the pace forbids it.
  uint64_t turn_ ABSL_GUARDED_BY(mutex_) = 0;
  ReturnPace pace_ ABSL_GUARDED_BY(mutex_);
  bool any_usable_ ABSL_GUARDED_BY(mutex_) = false;
  // When all members went down; not used in ALIVE.
  int64_t overloaded_at_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_WAITING_BACKLOG_H_
