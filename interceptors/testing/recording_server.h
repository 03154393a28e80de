// RecordingServer: a real gRPC server in this process that accepts any method,
// records the metadata of every call, and answers with the first request
// message.
//
// Thread-safe.  The destructor stops the server.
#ifndef MULTI_BACKEND_INTERCEPTORS_TESTING_RECORDING_SERVER_H_
#define MULTI_BACKEND_INTERCEPTORS_TESTING_RECORDING_SERVER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server.h"
#include "grpcpp/support/status.h"

namespace multi_backend {
namespace testing {

using ReceivedMetadata = std::multimap<std::string, std::string>;

class RecordingServer {
 public:
  RecordingServer();  // On a free port of 127.0.0.1.
  ~RecordingServer();

  RecordingServer(const RecordingServer&) = delete;
  RecordingServer& operator=(const RecordingServer&) = delete;

  // "127.0.0.1:port"
  const std::string& address() const { return address_; }

  // Returns the metadata of all calls since the last TakeCalls().
  std::vector<ReceivedMetadata> TakeCalls();

  // Sets the status of calls that begin from now on.
  void SetStatus(const grpc::Status& status);

 private:
  class Service;
  class Call;

  mutable absl::Mutex mu_;
  std::vector<ReceivedMetadata> calls_ ABSL_GUARDED_BY(mu_);
  grpc::Status status_ ABSL_GUARDED_BY(mu_);
  std::string address_;  // Set in the constructor only.
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace testing
}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_TESTING_RECORDING_SERVER_H_
