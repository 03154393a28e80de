// OpenLoad: makes calls at a fixed rate, whether or not earlier ones have
// ended, as the users of a service do, and records how each call ended.
//
//   OpenLoad load(stub, {/*rate=*/2000, /*deadline=*/absl::Seconds(1)});
//   ... something breaks ...
//   std::vector<TimedCall> calls = load.Stop();
//
// One thread begins the calls, and gRPC's threads end them.  If the thread did
// not get a core for some time, it begins the missed calls at once.
//
// Not thread-safe.
#ifndef MULTI_BACKEND_BENCH_OPEN_LOAD_H_
#define MULTI_BACKEND_BENCH_OPEN_LOAD_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

struct TimedCall {
  absl::Time start;
  absl::Time end;
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string message;    // The error message of a failure.
  std::string served_by;  // The backend's name; "" if the call failed.

  bool ok() const { return code == grpc::StatusCode::OK; }
  absl::Duration took() const { return end - start; }
};

class OpenLoad {
 public:
  struct Options {
    double rate = 2000;  // Calls per second.
    absl::Duration deadline = absl::Seconds(1);
    bool wait_for_ready = false;
  };

  // `stub` must outlive this object.
  OpenLoad(examples::users::v1::Users::Stub& stub, const Options& options);
  ~OpenLoad();
  OpenLoad(const OpenLoad&) = delete;
  OpenLoad& operator=(const OpenLoad&) = delete;

  uint64_t begun() const { return begun_.load(); }
  // Begins no more calls, and waits until all have ended.  Returns them in the
  // order of their ends.
  std::vector<TimedCall> Stop();

 private:
  struct Call;
  void Run();
  void Begin();
  void End(Call* call, const grpc::Status& status);

  examples::users::v1::Users::Stub& stub_;
  const Options options_;
  std::atomic<uint64_t> begun_{0};
  std::atomic<bool> stop_{false};

  Mutex mutex_;
  CondVar ended_;
  std::vector<TimedCall> records_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_OPEN_LOAD_H_
