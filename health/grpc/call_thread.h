// CallThread: the one thread of a process that completes the calls of all gRPC
// probes.
//
// The thread polls gRPC only while a call is under way, and sleeps otherwise.
// gRPC's epoll1 engine lets one thread at a time read the sockets of the whole
// process.  A thread that always polls would become that thread, and each call
// of the application would pay for a thread switch.
//
// Guarantees: each call that is started after Begin() gets one OnFinished().
// Destroying the last reference ends the thread after the calls under way and
// joins it.  It does not join when that happens on this thread, or inside a
// callback of core, which may hold locks that the calls need.  The thread then
// ends by itself soon after.
//
// Threads: any.
#ifndef MULTI_BACKEND_HEALTH_GRPC_CALL_THREAD_H_
#define MULTI_BACKEND_HEALTH_GRPC_CALL_THREAD_H_

#include <grpcpp/completion_queue.h>

#include <memory>

namespace multi_backend {

class CallThread {
 public:
  class Call {
   public:
    virtual ~Call() = default;
    // Called on the thread when the call has finished; may destroy the object.
    // Return true if another Call has been started on the same queue in its
    // place.
    virtual bool OnFinished() = 0;
  };

  // Returns the thread that the process shares.  It ends with the last
  // reference and is started anew when needed.
  static std::shared_ptr<CallThread> Shared();

  ~CallThread();
  CallThread(const CallThread&) = delete;
  CallThread& operator=(const CallThread&) = delete;

  // Announces a call and returns the queue for it.  The caller must start the
  // call at once, with its `Call*` as its only tag.
  grpc::CompletionQueue* Begin();

 private:
  struct State;

  CallThread();

  const std::shared_ptr<State> state_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_GRPC_CALL_THREAD_H_
