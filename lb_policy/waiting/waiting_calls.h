// WaitingCalls: what one channel knows of its calls that wait for a backend:
// whether there are any, and when the next of them has to pick again.
//
// Picks write it, the code that frees capacity reads whether calls wait, and
// the LB policy reads the times, by which it sets its timer.  What must not
// happen is that a call begins to wait and nobody wakes it, so the order of the
// steps matters on both sides:
//  * A pick: if Add() returns false, ask for a pass, which looks again.
//  * Capacity that becomes free: make the backend usable; then, if channels is
//    not 0, ask for a pass.
//  * Before a pass: Clear(); count the calls that wait; Add() if any does.
//
// Thread-safe.
#ifndef MULTI_BACKEND_LB_POLICY_WAITING_WAITING_CALLS_H_
#define MULTI_BACKEND_LB_POLICY_WAITING_WAITING_CALLS_H_

#include <atomic>
#include <cstdint>

namespace multi_backend {

class WaitingCalls {
 public:
  // `channels` counts the channels with waiting calls.  Must outlive this
  // object.
  explicit WaitingCalls(std::atomic<uint32_t>* channels)
      : channels_(channels) {}
  ~WaitingCalls() { Clear(); }
  WaitingCalls(const WaitingCalls&) = delete;
  WaitingCalls& operator=(const WaitingCalls&) = delete;

  // Records that a call waits.  Returns whether that was on record.  Either way
  // the channel is among `channels` when this returns, so capacity that becomes
  // free from then on wakes the call.
  bool Add() {
    if (any_.load()) return true;
    // Before any_, so that no other call relies on a count still to come.
    channels_->fetch_add(1);
    if (!any_.exchange(true)) return false;
    channels_->fetch_sub(1);
    return true;
  }
  // Records that no call waits.
  void Clear() {
    if (any_.exchange(false)) channels_->fetch_sub(1);
  }

  // A call must pick again by `at`.
  void RepickBy(int64_t at) { LowerTo(at, repick_due_at_); }
  // The earliest such time since ClearRepickDue(); INT64_MAX = none.
  int64_t repick_due_at() const { return repick_due_at_.load(); }
  void ClearRepickDue() { repick_due_at_.store(INT64_MAX); }

  // Records that something is due at `at`.  Returns true if the policy's timer
  // would fire later; the caller must then make the policy set it anew.
  bool WakeBy(int64_t at) { return LowerTo(at, wake_at_); }
  // Records that the policy's timer will fire at `at`.  The policy calls it
  // with INT64_MAX before it reads the deadlines from which it computes `at`,
  // so that it misses no deadline set after that.
  void SetWakeAt(int64_t at) { wake_at_.store(at); }

 private:
  // Returns whether `time` was later than `at`.
  static bool LowerTo(int64_t at, std::atomic<int64_t>& time) {
    int64_t before = time.load();
    while (at < before) {
      if (time.compare_exchange_weak(before, at)) return true;
    }
    return false;
  }

  std::atomic<uint32_t>* const channels_;
  std::atomic<bool> any_{false};
  std::atomic<int64_t> wake_at_{INT64_MAX};
  std::atomic<int64_t> repick_due_at_{INT64_MAX};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_WAITING_WAITING_CALLS_H_
