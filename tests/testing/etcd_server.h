// EtcdServer: a real etcd as a child process on the loopback interface, with a
// data directory of its own.
//
//   MB_REQUIRE_PACKAGE(EtcdServer::Installed(), EtcdServer::kHowToInstall);
//   auto server = EtcdServer::Start();                        // StatusOr
//   (*server)->Put("/users/a", "127.0.0.1:50051");
//   (*server)->Kill(); (*server)->Restart();     // Same port, same data.
//   (*server)->Wipe();                           // Same port, no data.
//   (*server)->Stop(); (*server)->Continue();    // Frozen: nothing answers.
//
// The server accepts pings every 100 ms and leases of 1 s, and it starts
// quickly.  Every wait is bounded.  The child dies with this object, and with
// the thread that started it.  This class makes gRPC channels, so a test that
// calls Register() must do so first.  Threads: only the one that started it.
#ifndef MULTI_BACKEND_TESTS_TESTING_ETCD_SERVER_H_
#define MULTI_BACKEND_TESTS_TESTING_ETCD_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/grpc/etcd/etcd.pb.h"
#include "multi_backend/tests/testing/required_package.h"
#include "multi_backend/tests/testing/store_process.h"

namespace multi_backend {

class EtcdServer {
 public:
  struct Options {
    // PEM files; "" = plaintext.  The certificate must be for 127.0.0.1.
    std::string key_file;
    std::string cert_file;
    std::string ca_pem;  // For the calls that this object makes.
  };

  static constexpr char kHowToInstall[] =
      "etcd is not installed (package etcd-server): run tools/setup --tests";
  static bool Installed();

  static absl::StatusOr<std::unique_ptr<EtcdServer>> Start(Options options);
  static absl::StatusOr<std::unique_ptr<EtcdServer>> Start() {
    return Start(Options());
  }
  EtcdServer(const EtcdServer&) = delete;
  EtcdServer& operator=(const EtcdServer&) = delete;

  std::string address() const {
    return process_->address();
  }  // "127.0.0.1:port".
  bool running() const { return process_->running(); }

  absl::Status Put(const std::string& key, const std::string& value);
  // Puts all entries in one revision.
  absl::Status PutAll(const std::map<std::string, std::string>& entries);
  absl::Status DeletePrefix(const std::string& prefix);
  // The keys, including those that belong to leases.
  absl::StatusOr<std::vector<std::string>> KeysOf(const std::string& prefix);
  // Makes the server forget all changes up to now.
  absl::Status Compact();
  // From now on every call needs a user.  "root" may do everything, and "guest"
  // nothing; both have this `password`.
  absl::Status EnableUsers(const std::string& password);
  // The number of watches that clients have now.
  absl::StatusOr<int> Watches() const;

  // Sends SIGKILL; the child has ended on return.
  void Kill() { process_->Kill(); }
  absl::Status Restart();
  absl::Status Wipe();
  void Stop() { process_->Stop(); }
  void Continue() { process_->Continue(); }

 private:
  EtcdServer(Options options, std::unique_ptr<StoreProcess> process)
      : options_(std::move(options)), process_(std::move(process)) {}
  absl::Status Launch();
  absl::Status AwaitServing();
  absl::StatusOr<etcd::RangeResponse> Range(const std::string& prefix);
  // Makes one call, with the user's token.
  template <typename Request, typename Response>
  absl::Status Call(const std::string& method, const Request& request,
                    Response& response);

  const Options options_;
  const std::unique_ptr<StoreProcess> process_;
  std::shared_ptr<grpc::Channel> channel_;
  std::string token_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_ETCD_SERVER_H_
