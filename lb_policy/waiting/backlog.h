// Backlog: the calls of one balancer that wait for a usable backend, first in
// first out, bounded in number and in time.
//
// Core keeps waiting picks on a list that is last in first out, and runs them
// all again, newest first, with each new picker.  So the order is kept here, by
// numbers: in such a pass the oldest call may go, all others wait on, and its
// departure calls for another pass.  From one call:
//   number = NextNumber()         // Once, kept for all its picks.
//   !any_waiting() || Ask(number, ...) == kGo ? choose a backend : wait, refuse
//   Join(number, ...)             // When there is none to choose.
//   Leave(number)                 // When sent, refused, cancelled, ended.
// A pick that chose a backend may bounce, as its connection has just been lost
// (its tracker dies unstarted: Join() it then, or others overtake it): only a
// call that is being sent leaves.  Until then it keeps its number, its place
// and the time since which it waits.
//
// Order: exactly by number where backends have a limit of calls, with at most
// kExact waiting.  Above that, or above kExactInCrowd where all may go at once,
// one in kPasses goes in one pass, or releasing them all would be quadratic:
// these may change places among themselves, and nobody else goes before them.
//
// When all were down they go at a ReturnPace.
//
// States: ALIVE, calls may wait; OVERLOADED, all members are down; after
// `overload_timeout` without a usable one DOWN: those who wait and who come are
// refused; ALIVE again with the first usable member.
//
// Thread-safe.  Times are those of a Clock.  Cost: O(log waiting) under a lock,
// O(1) for waiting on; some 50 bytes for each call that waits.
#ifndef MULTI_BACKEND_LB_POLICY_WAITING_BACKLOG_H_
#define MULTI_BACKEND_LB_POLICY_WAITING_BACKLOG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
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

namespace multi_backend {

class Backlog {
 public:
  // One per pass up to here: half a million picks until all have gone, which
  // does not matter when each has to wait for the end of another call.
  static constexpr size_t kExact = 1024;
  // When backends take as many as come: eight thousand picks.
  static constexpr size_t kExactInCrowd = 128;
  // Above it as many go in a pass as let all go in so many: a pass over
  // thousands takes milliseconds, in which more calls come than one.
  static constexpr size_t kPasses = 64;

  enum class State { kAlive, kOverloaded, kDown };
  enum class Turn {
    kGo,       // Choose a backend now.
    kWait,     // The call waits: it has joined if it had not.
    kFull,     // Refuse: too many wait.
    kDown,     // Refuse: all members have been down for too long.
    kExpired,  // Refuse: it has waited for too long.
  };
  struct StateChange {
    State from;
    State to;
    int64_t at;
    std::string reason;
  };

  explicit Backlog(const BacklogConfig& config);

  // Applies to those who wait, too; but `limit` sends nobody away.
  void SetConfig(const BacklogConfig& config);

  // A call's place in the order; never 0.
  uint64_t NextNumber() {
    return next_number_.fetch_add(1, std::memory_order_relaxed);
  }

  // While false, picks need not Ask().
  bool any_waiting() const {
    return waiting_count_.load(std::memory_order_relaxed) != 0;
  }

  // Before this time nobody who waits is refused; INT64_MAX when nobody waits.
  int64_t quiet_until() const {
    return quiet_until_.load(std::memory_order_relaxed);
  }

  // May this pick go?  `joined`: this Backlog told it kWait, and it has not
  // left.  Takes no lock when such a call's turn has not come.
  Turn Ask(uint64_t number, bool joined, int64_t now) {
    if (joined && number > turn_limit_.load(std::memory_order_relaxed) &&
        now < quiet_until_.load(std::memory_order_relaxed)) {
      return Turn::kWait;
    }
    return AskInFull(number, joined, now);
  }

  // Its pick has found nobody: kWait, kFull or kDown.
  Turn Join(uint64_t number, int64_t now);

  // The call is being sent, was refused, or has ended: frees its place.  True
  // when another one may go now, for which the caller publishes a pass: a
  // member is usable, or this call is being `sent`, be it elsewhere.  Does
  // nothing for a number that does not wait.
  bool Leave(uint64_t number, bool sent = false);

  // To be called before each new picker: sets who may go in the pass over the
  // waiting calls that follows: one of up to `exact`.  Returns how many wait.
  size_t BeginPass(int64_t now, size_t exact = kExact);

  // What the members are.  `any_usable`: some are, be it that they have as many
  // calls as they may.  `all_down`: none is, and none is being connected for
  // the first time.  Neither: the state remains.  `any_missing`: not all are
  // usable.
  absl::optional<StateChange> SetMembers(bool any_usable, bool all_down,
                                         int64_t now, bool any_missing = false);

  // To be called at next_deadline(), and then a pass to be published, in which
  // those who have expired are refused.
  absl::optional<StateChange> OnTime(int64_t now);

  // The earliest expiry of a call, change of state, or time when more may go;
  // INT64_MAX when none.
  int64_t next_deadline() const;

  State state() const;
  size_t waiting() const;

  // Why `turn`, a refusal of this call, was given: that it was never sent, the
  // cause, and `backends`, which describes them.  Ask before Leave().
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
  // Sets what is read without the lock.
  void PublishLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::atomic<uint64_t> next_number_{1};
  std::atomic<size_t> waiting_count_{0};
  std::atomic<uint64_t> turn_limit_{0};  // Beyond it no waiting call may go.
  std::atomic<int64_t> quiet_until_{INT64_MAX};  // None is refused before.

  mutable std::mutex mutex_;
  size_t limit_ ABSL_GUARDED_BY(mutex_);
  int64_t timeout_ ABSL_GUARDED_BY(mutex_);
  int64_t overload_timeout_ ABSL_GUARDED_BY(mutex_);
  // By number: since when each waits.
  absl::btree_map<uint64_t, int64_t> waiting_ ABSL_GUARDED_BY(mutex_);
  // The same as {since, number}: who waits longest is not always the oldest.
  absl::btree_set<std::pair<int64_t, uint64_t>> since_ ABSL_GUARDED_BY(mutex_);
  // Numbers up to this may go in this pass, and the oldest always, unless the
  // pace forbids.
  uint64_t turn_ ABSL_GUARDED_BY(mutex_) = 0;
  ReturnPace pace_ ABSL_GUARDED_BY(mutex_);
  State state_ ABSL_GUARDED_BY(mutex_) = State::kAlive;
  bool any_usable_ ABSL_GUARDED_BY(mutex_) = false;
  // When all members went down; unless ALIVE.
  int64_t overloaded_at_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_WAITING_BACKLOG_H_
