// BackendModel: what one demonstration backend does with its calls (succeed,
// fail, wait, hang) and what it has counted of them.
//
// Each call makes a BackendModel::Call, asks Admit() before it answers and, if
// it is a stream, AfterFirstResponse() after its first message.
//
// Threads: BackendModel may be used from any thread; a Call by one thread.  The
// synchronous server gives no notice of cancellation, so a waiting call looks
// every 5 ms whether its client has gone.
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
    // File to which each call's metadata is appended, one line per entry:
    // "<method>\t<key>\t<value with C escapes>"; "" = none.
    std::string metadata_dump;
  };

  explicit BackendModel(const Options& options);
  BackendModel(const BackendModel&) = delete;
  BackendModel& operator=(const BackendModel&) = delete;

  const std::string& name() const { return options_.name; }

  // INVALID_ARGUMENT when the behaviour is not possible; it is not taken then.
  absl::Status SetBehaviour(const users::v1::Behaviour& behaviour);
  users::v1::BackendStats GetStats(bool reset);
  // Calls `serving` now, and in each SetBehaviour() that is taken, with whether
  // the server's health is to be SERVING.  Once, before the first call.
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

    // Waits as the behaviour says.  OK: answer now; otherwise end with it.
    grpc::Status Admit();
    // For streams, after the first response: OK, or how to end.
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
  // Waits until `deadline`, or a change of the model; false when the call must
  // not go on.
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
  // Calls admitted under the present behaviour.
  int64_t admitted_ ABSL_GUARDED_BY(mutex_) = 0;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void(bool)> serving_ ABSL_GUARDED_BY(mutex_);

  absl::Mutex dump_mutex_;
  std::ofstream dump_ ABSL_GUARDED_BY(dump_mutex_);
};

}  // namespace examples

#endif  // MULTI_BACKEND_EXAMPLES_BACKEND_MODEL_H_
