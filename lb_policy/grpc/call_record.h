// CallRecord: the attempts of one call, from its first pick to its end.
//
// Lives in the call's arena.  Threads: picks touch it under the channel's pick
// lock, core's retry code and the attempts' ends in the call combiner, and an
// attempt that was given up may end at any later time; so everything is atomic
// or under the (never contended) mutex, which success does not take.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_CALL_RECORD_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_CALL_RECORD_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "multi_backend/lb_policy/grpc/channel_state.h"
#include "multi_backend/lb_policy/pick_request.h"
#include "multi_backend/port/call_context.h"

namespace multi_backend {

class CallRecord final : public CallAttempts {
 public:
  CallRecord(const CallContext* context, std::shared_ptr<ChannelState> state)
      : context_(context), state_(std::move(state)) {}

  // --- For picks ---

  // What the next pick needs to know.
  PickRequest MakeRequest() const;
  // Core replays an attempt that never reached a server without asking
  // ShouldRetry(); its backend may be tried again when there is no other.
  bool IsTransparentRetry() const;
  uint32_t last_backend() const {
    return last_backend_.load(std::memory_order_relaxed);
  }
  // The method's own retryPolicy may want a backend again.
  bool may_repeat_backends() const { return context_->own_retry_policy; }
  // A pick found no backend and says so to the caller.
  void OnPickFailed() { pick_failed_.store(true, std::memory_order_relaxed); }
  // How the newest attempt ended; what the caller sees when nothing is left.
  absl::Status last_status() const;

  // --- For attempts ---

  // An attempt on `backend` starts; returns its number, from 1.
  int OnAttemptStarted(uint32_t backend);
  void OnAttemptSucceeded() { open_.store(false, std::memory_order_relaxed); }
  // `retriable`: whether the end by itself allows a retry.
  void OnAttemptFailed(int attempt, const absl::Status& status, bool retriable);

  absl::Duration TimeLeft() const;
  const ChannelState& state() const { return *state_; }

  bool ShouldRetry() override;

 private:
  bool NewestAttemptIsRetriable() const;

  const CallContext* const context_;
  const std::shared_ptr<ChannelState> state_;
  std::atomic<int> attempts_{0};       // Started.
  std::atomic<bool> open_{false};      // The newest has started, not ended.
  std::atomic<bool> asked_{false};     // ShouldRetry() since the newest started.
  std::atomic<bool> pick_failed_{false};
  std::atomic<uint32_t> last_backend_{0};
  std::array<std::atomic<uint32_t>, TriedBackends::kCapacity> tried_{};
  mutable absl::Mutex mutex_;
  absl::Status last_status_ ABSL_GUARDED_BY(mutex_);
  bool last_retriable_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_CALL_RECORD_H_
