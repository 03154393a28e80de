// ProbedServer: a server in this process.  It answers grpc.health.v1 Check as
// the test says and all other calls with an empty message, and it records each
// call.
//
// Thread-safe.
#ifndef MULTI_BACKEND_TESTS_TESTING_PROBED_SERVER_H_
#define MULTI_BACKEND_TESTS_TESTING_PROBED_SERVER_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class ProbedServer {
 public:
  enum class Answer { kServing, kNotServing, kUnimplemented };
  // Returns the answer to a Check; Checks are numbered from 0.
  using Answers = std::function<Answer(int64_t number)>;

  struct Seen {
    std::string method;  // "/package.Service/Method".
    std::string peer;    // Different for each connection.
    absl::Time at;
    std::vector<std::pair<std::string, std::string>> metadata;
  };

  // Ends the program if it cannot listen.
  explicit ProbedServer(Answers answers,
                        const std::shared_ptr<grpc::ServerCredentials>& creds =
                            grpc::InsecureServerCredentials());
  ~ProbedServer();
  ProbedServer(const ProbedServer&) = delete;
  ProbedServer& operator=(const ProbedServer&) = delete;

  const std::string& address() const { return address_; }
  // The Checks, and all other calls, in the order of arrival.
  std::vector<Seen> checks() const { return Select(/*checks=*/true); }
  std::vector<Seen> calls() const { return Select(/*checks=*/false); }

 private:
  class Service;
  class Reactor;
  std::vector<Seen> Select(bool checks) const;
  // Records the call and returns the answer to it.
  Answer OnCall(grpc::GenericCallbackServerContext& context);

  const Answers answers_;
  const std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;

  mutable Mutex mutex_;
  int64_t check_count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Seen> seen_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_PROBED_SERVER_H_
