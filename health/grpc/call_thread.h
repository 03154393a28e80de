// CallThread: the one thread of the process that finishes the calls of probes.
//
// It polls gRPC only while a call is under way and sleeps otherwise: a thread
// that always polls would become the one that reads the sockets of the whole
// process (epoll1 has one such thread at a time), and each call of the
// application would pay for a change of threads.
//
// Guarantees: each call started after Begin() gets OnFinished() once.
// Destroying the last reference ends the thread after the calls under way, and
// joins it; not when that happens on this thread or in a callback of core's,
// whose locks the calls may need: the thread then ends by itself, soon.
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
    // Runs on the thread; `this` may go.  True: another Call has been started
    // on the same queue in its place.
    virtual bool OnFinished() = 0;
  };

  // The process's one, which lives as long as somebody holds it.
  static std::shared_ptr<CallThread> Shared();

  ~CallThread();
  CallThread(const CallThread&) = delete;
  CallThread& operator=(const CallThread&) = delete;

  // Where a call is to be started, at once and with its `Call*` as its one tag.
  grpc::CompletionQueue* Begin();

 private:
  struct State;

  CallThread();

  const std::shared_ptr<State> state_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_GRPC_CALL_THREAD_H_
