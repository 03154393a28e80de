// CallContext: what travels with one call inside the channel.  The config
// selector makes it; the picks of all attempts and the decisions on retries use
// it.
//
// A CallContext lives in the call's arena, which never runs the destructor, so
// no member may own memory.
#ifndef MULTI_BACKEND_CALL_GRPC_CALL_CONTEXT_H_
#define MULTI_BACKEND_CALL_GRPC_CALL_CONTEXT_H_

#include <atomic>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/call/call_record.h"
#include "multi_backend/call/stream_report.h"
#include "multi_backend/port/core.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class CallContext;

// Decides whether a channel's calls are retried.  Only the channel's LB policy,
// which sets it, knows its content.  Thread-safe.
class RetryDecider {
 public:
  virtual ~RetryDecider() = default;
};

// What the LB policy keeps about one call; only the policy knows its content.
// It lives in the call's arena, which never runs the destructor.
class PolicyPart {
 public:
  // As core::CallAttribute::OnAsked().  An attempt that has not ended has run
  // into its timeout.
  virtual bool OnAsked(bool granted) = 0;
  // Called once no further pick of the call can happen, including after
  // cancellation.
  virtual void OnCommit() = 0;

 protected:
  ~PolicyPart() = default;
};

struct StreamRecord;

// What the LB policy keeps about one attempt, from its pick to its end.
class AttemptPart {
 public:
  // Called when core makes the attempt's stream.  Returns where the stream
  // filter records what becomes of it.
  virtual StreamRecord* OnSent() = 0;

 protected:
  ~AttemptPart() = default;
};

// ChannelRetryState: holds the RetryDecider that the channel's LB policy sets
// for the calls, and finds the context of the call that a pick is for.  The
// resolver makes one per channel and passes it to the policy as a channel arg.
// Each call keeps it alive through its service config.
class ChannelRetryState : public grpc_core::RefCounted<ChannelRetryState> {
 public:
  static absl::string_view ChannelArgName() {
    return "multi_backend.retry_state";
  }
  static int ChannelArgsCompare(const ChannelRetryState* a,
                                const ChannelRetryState* b) {
    return grpc_core::QsortCompare(a, b);
  }

  void Set(std::shared_ptr<RetryDecider> decider) {
    MutexLock lock(&mutex_);
    decider_.swap(decider);
  }
  std::shared_ptr<RetryDecider> Get() const {
    MutexLock lock(&mutex_);
    return decider_;
  }

  // Returns the context of the call that a pick is for, or null for a call
  // without one.  Tests have calls of their own.
  virtual CallContext* ContextOf(
      grpc_core::LoadBalancingPolicy::CallState* call) const;

  // To whom the channel tells about its calls; null without sinks.  Set before
  // the first call.
  void SetObserver(std::unique_ptr<CallObserver> observer) {
    observer_ = std::move(observer);
  }
  CallObserver* observer() const { return observer_.get(); }

  // Returns the object that the LB policy shares with all calls of the channel,
  // and makes it on first use.  The object outlives the policy, because a call
  // that ends later may still use it.  Every caller must name the same type.
  template <typename T>
  std::shared_ptr<T> Shared() {
    MutexLock lock(&mutex_);
    if (shared_ == nullptr) shared_ = std::make_shared<T>();
    return std::static_pointer_cast<T>(shared_);
  }

 private:
  std::unique_ptr<CallObserver> observer_;
  mutable Mutex mutex_;
  std::shared_ptr<RetryDecider> decider_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<void> shared_ ABSL_GUARDED_BY(mutex_);
};

// What the stream filter (call/grpc/filters) records about one attempt.  It
// lives in the call's arena.
struct StreamRecord {
  StreamReport report;
  // The trailing metadata that the server sent.  Valid only while the attempt's
  // tracker finishes; null when the status is not the server's.
  const grpc_metadata_batch* trailers = nullptr;
};

class CallContext final : public core::CallAttribute<CallContext> {
 public:
  // `retry_state` must outlive the call.
  CallContext(grpc_core::Arena* call_arena, ChannelRetryState* retry_state)
      : arena(call_arena), retry_state_(retry_state) {}

  bool OnAsked(bool granted) override {
    return policy_part == nullptr ? CoreDecides()
                                  : policy_part->OnAsked(granted);
  }
  // Whether the method's own retryPolicy says how often and on which codes to
  // retry.
  bool CoreDecides() const {
    return has_method_retry_policy && label.retry != RetryMode::kNever;
  }
  std::shared_ptr<RetryDecider> decider() const { return retry_state_->Get(); }
  void OnCommitted() override {
    if (policy_part != nullptr) policy_part->OnCommit();
  }

  grpc_core::Arena* const arena;
  CallLabel label;                    // Views into the arena or the routes.
  PolicyPart* policy_part = nullptr;  // Null until the first pick.
  absl::string_view method;           // "/package.Service/Method".
  grpc_core::Timestamp deadline = grpc_core::Timestamp::InfFuture();
  // True when the service config has a retryPolicy for the method.
  bool has_method_retry_policy = false;
  // Whether the call may have more than one request or response.  The answer
  // filter sees that from what the application asks for; read it when an
  // attempt ends.
  bool is_streaming = false;
  // The newest attempt.  A pick sets it; null when the pick has bounced, and
  // when the attempt has ended.  Atomic because an attempt that was given up
  // may end beside the pick of the next one.
  std::atomic<AttemptPart*> attempt{nullptr};
  // What the call tells its observers.  Null if the channel has no sinks and
  // the call no trail.
  CallRecord* record = nullptr;
  // The trailing metadata of an earlier attempt, status included, with which
  // the LB policy has ended the call.  Null: the call ends as core says.
  const grpc_metadata_batch* answer = nullptr;

 private:
  ChannelRetryState* const retry_state_;
};

inline CallContext* ChannelRetryState::ContextOf(
    grpc_core::LoadBalancingPolicy::CallState* call) const {
  return CallContext::Of(call);
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_CALL_CONTEXT_H_
