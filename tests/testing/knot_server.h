// KnotServer: a real DNS server (Knot's knotd) as a child process on the
// loopback interface.  It has one zone, `example`, which tests change by
// dynamic updates (knsupdate).
//
//   MB_REQUIRE_PACKAGE(KnotServer::Installed(), KnotServer::kHowToInstall);
//   auto server = KnotServer::Start();                        // StatusOr
//   (*server)->Update({"add users.example. 1 A 127.0.0.2"});
//   (*server)->Kill(); (*server)->Restart();     // Same port, same records.
//   (*server)->Stop(); (*server)->Continue();    // Frozen: nothing answers.
//
// Every wait is bounded.  The child dies with this object, and with the thread
// that started it.  Threads: only the one that started it.
#ifndef MULTI_BACKEND_TESTS_TESTING_KNOT_SERVER_H_
#define MULTI_BACKEND_TESTS_TESTING_KNOT_SERVER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multi_backend/tests/testing/required_package.h"
#include "multi_backend/tests/testing/store_process.h"

namespace multi_backend {

class KnotServer {
 public:
  static constexpr char kHowToInstall[] =
      "knotd is not installed (packages knot, knot-dnsutils): "
      "run tools/setup --tests";
  static bool Installed();

  static absl::StatusOr<std::unique_ptr<KnotServer>> Start();
  KnotServer(const KnotServer&) = delete;
  KnotServer& operator=(const KnotServer&) = delete;

  std::string address() const {
    return process_->address();
  }  // "127.0.0.1:port".

  // Makes one update, which succeeds or fails as a whole.  The changes are
  // lines of knsupdate without "update": "add a.example. 1 A 127.0.0.2",
  // "delete a.example. A".
  absl::Status Update(const std::vector<std::string>& changes);

  // Sends SIGKILL; the child has ended on return.  Updates are kept.
  void Kill() { process_->Kill(); }
  absl::Status Restart();
  void Stop() { process_->Stop(); }
  void Continue() { process_->Continue(); }

 private:
  explicit KnotServer(std::unique_ptr<StoreProcess> process)
      : process_(std::move(process)) {}
  absl::Status WriteFiles() const;
  absl::Status Launch();

  const std::unique_ptr<StoreProcess> process_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_KNOT_SERVER_H_
