// ZookeeperServer: a real ZooKeeper as a child process on the loopback
// interface, with short ticks, and what tests write into it.
//
//   MB_REQUIRE_PACKAGE(ZookeeperServer::Installed(),
//                      ZookeeperServer::kHowToInstall);
//   auto server = ZookeeperServer::Start();                       // StatusOr
//   (*server)->Put({{"/services/users/a", "10.0.0.1:80"}});
//   (*server)->Kill(); (*server)->Restart();     // Same port, same data.
//   (*server)->Stop(); (*server)->Continue();    // Frozen: nothing answers.
//   (*server)->Kill(); (*server)->Wipe(); (*server)->Restart();
//
// Every wait is bounded.  The child dies with this object, and with the thread
// that started it.  Threads: one, the one that started it.
#ifndef MULTI_BACKEND_TESTS_TESTING_ZOOKEEPER_SERVER_H_
#define MULTI_BACKEND_TESTS_TESTING_ZOOKEEPER_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/tests/testing/required_package.h"
#include "multi_backend/tests/testing/store_process.h"

namespace multi_backend {

class ZookeeperServer {
 public:
  static constexpr char kHowToInstall[] =
      "ZooKeeper is not installed (packages zookeeper, default-jre-headless): "
      "run tools/setup --tests";
  static bool Installed();

  // Sessions may be as short as two of them, and end at the first one after.
  static constexpr absl::Duration kTick = absl::Milliseconds(100);

  // Whatever its clients ask for, their sessions are as short as this.
  static absl::StatusOr<std::unique_ptr<ZookeeperServer>> Start(
      absl::Duration longest_session = absl::Seconds(60));
  ZookeeperServer(const ZookeeperServer&) = delete;
  ZookeeperServer& operator=(const ZookeeperServer&) = delete;

  std::string address() const {
    return process_->address();
  }  // "127.0.0.1:port".
  bool running() const { return process_->running(); }

  // Nodes, path and data: made, with their parents, or set.  `digest`: of
  // "user:password", who alone may then read and write what is made.
  using Nodes = std::vector<std::pair<std::string, std::string>>;
  absl::Status Put(const Nodes& nodes, absl::string_view digest = "");
  absl::Status Delete(const std::vector<std::string>& paths);
  // In no order; NOT_FOUND without the node.
  absl::StatusOr<std::vector<std::string>> Children(absl::string_view path);
  absl::StatusOr<std::string> Data(absl::string_view path);

  // `limit`, and what a busy machine adds: some of the writes that it can do
  // just now.  For tests of "within a second".
  absl::Duration Allow(absl::Duration limit);

  // How many watches clients have set; connections of clients.
  absl::StatusOr<int64_t> WatchCount();
  absl::StatusOr<int64_t> ConnectionCount();

  // SIGKILL; the child is gone on return.  The data are kept.
  void Kill() { process_->Kill(); }
  // Of a killed server: its data, and all that it knew of sessions.
  void Wipe();
  absl::Status Restart();
  void Stop() { process_->Stop(); }
  void Continue() { process_->Continue(); }

 private:
  explicit ZookeeperServer(std::unique_ptr<StoreProcess> process)
      : process_(std::move(process)) {}
  absl::Status WriteFiles(absl::Duration longest_session) const;
  absl::Status Launch();
  // One of ZooKeeper's four letter words; "" when the server does not answer.
  std::string Ask(absl::string_view word, int patience_ms) const;
  absl::StatusOr<int64_t> Monitored(absl::string_view name) const;

  const std::unique_ptr<StoreProcess> process_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_ZOOKEEPER_SERVER_H_
