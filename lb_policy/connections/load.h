// ConnectionLoad: the number of streams on one connection, and whether a call
// has been answered on it, as the calls report it.
//
// Thread-safe.  The object lives until its last reference is gone; each stream
// holds one.
#ifndef MULTI_BACKEND_LB_POLICY_CONNECTIONS_LOAD_H_
#define MULTI_BACKEND_LB_POLICY_CONNECTIONS_LOAD_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"

namespace multi_backend {

class alignas(ABSL_CACHELINE_SIZE) ConnectionLoad {
 public:
  ConnectionLoad() = default;
  ConnectionLoad(const ConnectionLoad&) = delete;
  ConnectionLoad& operator=(const ConnectionLoad&) = delete;

  int streams() const { return streams_.load(); }
  // Begins a stream, even on a full connection.
  void BeginStream() {
    streams_.fetch_add(1, std::memory_order_relaxed);
    OnBegun();
  }
  // Begins a stream unless the connection has `max` already.  Picks that run at
  // the same time may all have found room for one more.
  ABSL_MUST_USE_RESULT bool TryBeginStream(int max) {
    int streams = streams_.load(std::memory_order_relaxed);
    do {
      if (streams >= max) return false;
    } while (!streams_.compare_exchange_weak(streams, streams + 1,
                                             std::memory_order_relaxed));
    OnBegun();
    return true;
  }
  // Call when a stream ends.  Returns whether a call waits for a stream
  // to end.
  bool EndStream() {
    streams_.fetch_sub(1);
    const bool awaited = awaited_.load() && awaited_.exchange(false);
    Unref();
    return awaited;
  }
  // Call when a call begins to wait for the end of a stream.  Read streams()
  // again after it: a stream that ended before is not reported.
  void AwaitEnd() { awaited_.store(true); }
  // Called when a call has been answered.
  void OnAnswered() {
    if (!answered()) answered_.store(true, std::memory_order_relaxed);
  }
  // Whether a call has been answered since OnConnected().
  bool answered() const { return answered_.load(std::memory_order_relaxed); }
  void OnConnected() { answered_.store(false, std::memory_order_relaxed); }
  // The number of streams begun so far.  If it is the same at two checks, and
  // there is no stream at the second, the connection was idle in between.
  uint64_t begun() const { return begun_.load(std::memory_order_relaxed); }

  void Ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  ~ConnectionLoad() = default;
  void OnBegun() {
    refs_.fetch_add(1, std::memory_order_relaxed);
    begun_.fetch_add(1, std::memory_order_relaxed);
  }

  std::atomic<uint32_t> refs_{1};
  std::atomic<int32_t> streams_{0};
  std::atomic<uint64_t> begun_{0};
  std::atomic<bool> answered_{false};
  std::atomic<bool> awaited_{false};
};

// Owns one reference to a ConnectionLoad, or none.
class ConnectionLoadRef {
 public:
  ConnectionLoadRef() = default;
  static ConnectionLoadRef New(ConnectionLoad* load) {
    load->Ref();
    return ConnectionLoadRef(load);
  }
  ConnectionLoadRef(ConnectionLoadRef&& other) noexcept
      : load_(std::exchange(other.load_, nullptr)) {}
  ConnectionLoadRef& operator=(ConnectionLoadRef other) noexcept {
    std::swap(load_, other.load_);
    return *this;
  }
  ~ConnectionLoadRef() {
    if (load_ != nullptr) load_->Unref();
  }

  ConnectionLoad* get() const { return load_; }
  ConnectionLoad* operator->() const { return load_; }

 private:
  explicit ConnectionLoadRef(ConnectionLoad* load) : load_(load) {}
  ConnectionLoad* load_ = nullptr;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_CONNECTIONS_LOAD_H_
