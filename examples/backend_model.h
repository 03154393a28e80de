// BackendModel: decides what a demonstration backend does with its calls
// (succeed, fail, wait, hang) and counts them.
//
// A service makes a BackendModel::Call for each call.  It asks Admit() before
// it answers and, for a stream, AfterFirstResponse() after the first message.
//
// Threads: any thread may use BackendModel; one thread uses a Call.  The
// synchronous server does not report cancellation, so a waiting call checks
// every 20 ms whether its client has gone.
#ifndef MULTI_BACKEND_EXAMPLES_BACKEND_MODEL_H_
#define MULTI_BACKEND_EXAMPLES_BACKEND_MODEL_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <fstream>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "multi_backend/examples/users.pb.h"

namespace examples {

class BackendModel {
 public:
  struct Options {
    std::string name;
    std::string role;
    // The file to which the metadata of each call is appended, a line per
    // entry:
    // "<method>\t<key>\t<value with C escapes>"; "" = none.
    std::string metadata_dump;
  };

  explicit BackendModel(const Options& options);
  BackendModel(const BackendModel&) = delete;
  BackendModel& operator=(const BackendModel&) = delete;

  const std::string& name() const { return options_.name; }

  // INVALID_ARGUMENT if the behaviour is not possible; the old one stays.
  absl::Status SetBehaviour(const users::v1::Behaviour& behaviour);
  users::v1::BackendStats GetStats(bool reset);
  // Calls `serving` now and after each successful SetBehaviour(), and says
  // whether the health service should report SERVING.  To be called once,
  // before the first call.
  void WatchServing(std::function<void(bool)> serving);
  // Ends every wait, present and future, with UNAVAILABLE.
  void ShutDown();

  // One call, from its arrival to its end.  `method` is the short name.
  class Call {
   public:
    Call(BackendModel* model, absl::string_view method,
         grpc::ServerContext* context);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    // Waits as the behaviour says.  OK means to answer now; any other status is
    // the answer.
    grpc::Status Admit();
    // For streams, after the first response.  OK means to go on; any other
    // status ends the stream.
    grpc::Status AfterFirstResponse();

   private:
    grpc::Status Fail();

    BackendModel* const model_;
    grpc::ServerContext* const context_;
    bool has_worker_ = false;
    // What Admit() decided.
    bool fails_ = false;
    users::v1::Behaviour behaviour_;
  };

 private:
  // Waits until `deadline` or until the model may have changed, and releases
  // the mutex meanwhile.  Returns false if the call must end.
  bool WaitLocked(absl::Time deadline, const grpc::ServerContext& context)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasFreeWorkerLocked() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void DumpMetadata(absl::string_view method,
                    const grpc::ServerContext& context);

  const Options options_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  users::v1::Behaviour behaviour_ ABSL_GUARDED_BY(mutex_);
  users::v1::BackendStats stats_ ABSL_GUARDED_BY(mutex_);
  int64_t busy_workers_ ABSL_GUARDED_BY(mutex_) = 0;
  // The number of calls admitted under the current behaviour.
  int64_t admitted_ ABSL_GUARDED_BY(mutex_) = 0;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void(bool)> serving_ ABSL_GUARDED_BY(mutex_);

  absl::Mutex dump_mutex_;
  std::ofstream dump_ ABSL_GUARDED_BY(dump_mutex_);
};

}  // namespace examples

#endif  // MULTI_BACKEND_EXAMPLES_BACKEND_MODEL_H_
