// ConnectThread: the process-wide thread that opens TCP connections to see
// whether they open.  It sends nothing and closes each connection at once.
//
// Start() calls OnFinished() of the attempt once, on the thread, unless Drop()
// or the end of the thread comes first.  Destroying the last reference ends all
// attempts and joins the thread.  When that happens on the thread itself, the
// destructor does not wait.
//
// An attempt on a host name resolves the name first, on another thread, because
// the system's resolver blocks.  That thread outlives an attempt that is
// dropped.  Attempts on the same host and port share one, and there are at most
// 256; an attempt that has to wait for a thread waits within its timeout.  The
// addresses of a name are tried one after the other, each for its share of the
// remaining time.
//
// Cost: one socket for each attempt, and one poll() over all sockets for each
// event.  Programs that the process starts do not inherit the sockets.
//
// Threads: any.
#ifndef MULTI_BACKEND_HEALTH_PROBES_CONNECT_THREAD_H_
#define MULTI_BACKEND_HEALTH_PROBES_CONNECT_THREAD_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

class ConnectThread {
 public:
  class Attempt {
   public:
    Attempt(Endpoint where, absl::Duration timeout)
        : where_(std::move(where)), timeout_(timeout) {}
    virtual ~Attempt() = default;

    // OK when the connection has opened, DEADLINE_EXCEEDED when it has not
    // opened in time.  Any other status says why it cannot open.
    virtual void OnFinished(const absl::Status& status) = 0;

    const Endpoint& where() const { return where_; }
    absl::Duration timeout() const { return timeout_; }

   private:
    const Endpoint where_;
    const absl::Duration timeout_;
  };

  // The instance of the process.  It lives as long as a reference to it.
  static std::shared_ptr<ConnectThread> Shared();

  ~ConnectThread();
  ConnectThread(const ConnectThread&) = delete;
  ConnectThread& operator=(const ConnectThread&) = delete;

  void Start(std::shared_ptr<Attempt> attempt);
  // Ends the attempt soon.  Does nothing if the attempt has finished or was
  // never started.
  void Drop(const std::shared_ptr<Attempt>& attempt);

 private:
  struct State;

  ConnectThread();

  // Shared with the thread, which may outlive this object by one callback.
  const std::shared_ptr<State> state_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_PROBES_CONNECT_THREAD_H_
