// Traffic: makes reads and writes of users at a fixed rate through one channel.
//
// The loop is open: call number k is due at begin + k / rate, however long
// earlier calls take, as with many independent clients.  Out of ten calls,
// three are writes, six are unary reads and one is a server stream.
//
// Threads: totals() and Stop() may be called from any thread.  The class makes
// the calls on threads of its own.
#ifndef MULTI_BACKEND_EXAMPLES_TRAFFIC_H_
#define MULTI_BACKEND_EXAMPLES_TRAFFIC_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "multi_backend/examples/users.grpc.pb.h"

namespace examples {

class Traffic {
 public:
  struct Options {
    double calls_per_second = 300;
    // Each thread makes one call at a time.  There must be enough threads to
    // keep the schedule while some calls wait for a frozen backend.
    int threads = 32;
    absl::Duration call_timeout = absl::Seconds(5);
    // The name of the backend that must answer writes.  Writes that another
    // backend answered are counted as misplaced.
    std::string writes_served_by;
  };

  struct Totals {
    int64_t calls = 0;  // That have ended.
    int64_t writes = 0;
    int64_t failed = 0;
    int64_t misplaced_writes = 0;
    std::vector<std::string> first_errors;  // At most five.
    std::vector<absl::Duration> latencies;  // One for each call.
  };

  // Starts the calls at once.
  Traffic(const std::shared_ptr<grpc::Channel>& channel, Options options);
  ~Traffic() { Stop(); }
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  // Starts no more calls, and returns when all have ended.  Idempotent.
  void Stop();
  Totals totals() const;

 private:
  struct Outcome {
    bool is_write = false;
    grpc::Status status;
    std::string served_by;
  };

  void Loop();
  Outcome MakeCall(int64_t number);
  // `kind` is the position of the call in a round of ten.
  grpc::Status Write(int kind, int64_t number, grpc::ClientContext* context,
                     users::v1::UserReply* reply);
  grpc::Status Read(int kind, int64_t number, grpc::ClientContext* context,
                    users::v1::UserReply* reply);
  void Record(const Outcome& outcome, int64_t number, absl::Duration latency);

  const Options options_;
  const std::unique_ptr<users::v1::Users::Stub> stub_;
  const absl::Time begin_;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> stopped_{false};
  mutable absl::Mutex mutex_;
  Totals totals_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace examples

#endif  // MULTI_BACKEND_EXAMPLES_TRAFFIC_H_
