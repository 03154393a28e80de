// ConnectionLoad: the number of streams on one connection, and whether a call
// has been answered on it, as the calls report it.
//
// Thread-safe.  The object lives until it has neither an owner nor a stream,
// and it keeps its backend alive, so a call needs no reference of its own to
// either.
#ifndef MULTI_BACKEND_LB_POLICY_CONNECTIONS_LOAD_H_
#define MULTI_BACKEND_LB_POLICY_CONNECTIONS_LOAD_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "multi_backend/lb_policy/backends/backend.h"

namespace multi_backend {

class alignas(ABSL_CACHELINE_SIZE) ConnectionLoad {
 public:
  // Has one owner, which calls RemoveOwner().
  explicit ConnectionLoad(BackendRef backend) : backend_(std::move(backend)) {}
  ConnectionLoad(const ConnectionLoad&) = delete;
  ConnectionLoad& operator=(const ConnectionLoad&) = delete;

  int streams() const { return StreamsOf(state_.load()); }
  // Begins a stream, even on a full connection.
  void BeginStream() {
    state_.fetch_add(kStream + kBegun, std::memory_order_relaxed);
  }
  // Begins a stream unless the connection has `max` already.  Picks that run at
  // the same time may all have found room for one more.
  ABSL_MUST_USE_RESULT bool TryBeginStream(int max) {
    uint64_t state = state_.load(std::memory_order_relaxed);
    do {
      if (StreamsOf(state) >= max) return false;
    } while (!state_.compare_exchange_weak(state, state + kStream + kBegun,
                                           std::memory_order_relaxed));
    return true;
  }
  // Call when a stream ends, and do not use the object afterwards unless you
  // own it.  Returns whether a call waits for a stream to end.
  bool EndStream() {
    uint64_t state = state_.load(std::memory_order_relaxed);
    while (!state_.compare_exchange_weak(state, (state - kStream) & ~kAwaited,
                                         std::memory_order_acq_rel,
                                         std::memory_order_relaxed)) {
    }
    const bool awaited = (state & kAwaited) != 0;
    if (IsUnused(state - kStream)) delete this;
    return awaited;
  }
  // Call when a call begins to wait for the end of a stream.  Read streams()
  // again after it: a stream that ended before is not reported.
  void AwaitEnd() { state_.fetch_or(kAwaited); }
  // Called when a call has been answered.
  void OnAnswered() {
    if (!answered()) answered_.store(true, std::memory_order_relaxed);
  }
  // Whether a call has been answered since OnConnected().
  bool answered() const { return answered_.load(std::memory_order_relaxed); }
  void OnConnected() { answered_.store(false, std::memory_order_relaxed); }
  // The number of streams begun so far, modulo 2^24.  If it is the same at two
  // checks, and there is no stream at the second, the connection was idle in
  // between; that exactly 2^24 streams have come and gone is too unlikely to
  // matter.
  uint32_t begun() const {
    return static_cast<uint32_t>(state_.load(std::memory_order_relaxed) /
                                 kBegun);
  }

  void AddOwner() { state_.fetch_add(kOwner, std::memory_order_relaxed); }
  void RemoveOwner() {
    const uint64_t before = state_.fetch_sub(kOwner, std::memory_order_acq_rel);
    if (IsUnused(before - kOwner)) delete this;
  }

 private:
  // Changes of atomics are what costs most in a pick, so all that a call
  // changes is in one word.  Bits 0 to 23 count the streams, bit 24 is set
  // while a call waits for an end, bits 25 to 39 count the owners, and bits 40
  // to 63 the streams begun so far.  The owners are few: the connection, the
  // newest picker, and those that a thread is just picking with.
  static constexpr uint64_t kStream = 1;
  static constexpr uint64_t kAwaited = uint64_t{1} << 24;
  static constexpr uint64_t kOwner = uint64_t{1} << 25;
  static constexpr uint64_t kBegun = uint64_t{1} << 40;

  static int StreamsOf(uint64_t state) {
    return static_cast<int>(state % kAwaited);
  }
  static bool IsUnused(uint64_t state) {
    return StreamsOf(state) == 0 && state % kBegun < kOwner;
  }

  ~ConnectionLoad() = default;

  std::atomic<uint64_t> state_{kOwner};
  std::atomic<bool> answered_{false};
  const BackendRef backend_;
};

// Owns a share of one ConnectionLoad, or of none.
class ConnectionLoadRef {
 public:
  ConnectionLoadRef() = default;
  static ConnectionLoadRef New(ConnectionLoad* load) {
    load->AddOwner();
    return ConnectionLoadRef(load);
  }
  ConnectionLoadRef(ConnectionLoadRef&& other) noexcept
      : load_(std::exchange(other.load_, nullptr)) {}
  ConnectionLoadRef& operator=(ConnectionLoadRef other) noexcept {
    std::swap(load_, other.load_);
    return *this;
  }
  ~ConnectionLoadRef() {
    if (load_ != nullptr) load_->RemoveOwner();
  }

  ConnectionLoad* get() const { return load_; }
  ConnectionLoad* operator->() const { return load_; }

 private:
  explicit ConnectionLoadRef(ConnectionLoad* load) : load_(load) {}
  ConnectionLoad* load_ = nullptr;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_CONNECTIONS_LOAD_H_
