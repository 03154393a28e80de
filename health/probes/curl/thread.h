// CurlThread: the one thread of the process that drives libcurl's transfers.
//
// Each transfer given to Start() gets OnFinished() once, on the thread, unless
// Drop() or the thread's end came first.  Destroying the last reference ends
// what is under way and joins the thread; on the thread itself it does not
// wait.
//
// Threads: any.
#ifndef MULTI_BACKEND_HEALTH_PROBES_CURL_THREAD_H_
#define MULTI_BACKEND_HEALTH_PROBES_CURL_THREAD_H_

#include <curl/curl.h>

#include <memory>

namespace multi_backend {

class CurlThread {
 public:
  class Transfer {
   public:
    virtual ~Transfer() = default;
    // Returns a handle that is set up.  The thread uses it until OnFinished()
    // or the end of the object.
    virtual CURL* handle() = 0;
    virtual void OnFinished(CURLcode result) = 0;
  };

  // The transfer thread of the process; lives as long as a reference to it.
  static std::shared_ptr<CurlThread> Shared();

  ~CurlThread();
  CurlThread(const CurlThread&) = delete;
  CurlThread& operator=(const CurlThread&) = delete;

  void Start(std::shared_ptr<Transfer> transfer);
  // Ends the transfer soon.  Does nothing if it has finished or was never
  // started.
  void Drop(const std::shared_ptr<Transfer>& transfer);

 private:
  struct State;

  CurlThread();

  const std::shared_ptr<State> state_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_PROBES_CURL_THREAD_H_
