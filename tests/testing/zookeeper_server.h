// ZookeeperServer: a real ZooKeeper as a child process on the loopback
// interface, with short ticks.  Tests write into it with the functions of this
// class.
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
// that started it.  Threads: only the one that started it.
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

  // Sessions last at least two ticks, and end at the first tick after their
  // time.
  static constexpr absl::Duration kTick = absl::Milliseconds(100);

  // Sessions last at most `longest_session`, whatever the clients ask for.
  static absl::StatusOr<std::unique_ptr<ZookeeperServer>> Start(
      absl::Duration longest_session = absl::Seconds(60));
  ZookeeperServer(const ZookeeperServer&) = delete;
  ZookeeperServer& operator=(const ZookeeperServer&) = delete;

  std::string address() const {
    return process_->address();
  }  // "127.0.0.1:port".
  bool running() const { return process_->running(); }

  // Sets the data of the nodes, given as path and data, and makes nodes and
  // parents that are missing.  `digest` is that of "user:password"; only this
  // user may then read and write the new nodes.
  using Nodes = std::vector<std::pair<std::string, std::string>>;
  absl::Status Put(const Nodes& nodes, absl::string_view digest = "");
  absl::Status Delete(const std::vector<std::string>& paths);
  // The children in no particular order; NOT_FOUND if there is no such node.
  absl::StatusOr<std::vector<std::string>> Children(absl::string_view path);
  absl::StatusOr<std::string> Data(absl::string_view path);

  // Returns `limit` plus an allowance for a busy machine, which is the time
  // that some writes take just now.  For tests that something happens in time.
  absl::Duration Allow(absl::Duration limit);

  // The number of watches that clients have set, and of their connections.
  absl::StatusOr<int64_t> WatchCount();
  absl::StatusOr<int64_t> ConnectionCount();

  // Sends SIGKILL; the child has ended on return.  The data are kept.
  void Kill() { process_->Kill(); }
  // Removes the data of a killed server, including its sessions.
  void Wipe();
  absl::Status Restart();
  void Stop() { process_->Stop(); }
  void Continue() { process_->Continue(); }

 private:
  explicit ZookeeperServer(std::unique_ptr<StoreProcess> process)
      : process_(std::move(process)) {}
  absl::Status WriteFiles(absl::Duration longest_session) const;
  absl::Status Launch();
  // Sends one of ZooKeeper's four letter words; "" if the server does not
  // answer.
  std::string Ask(absl::string_view word, int patience_ms) const;
  absl::StatusOr<int64_t> Monitored(absl::string_view name) const;

  const std::unique_ptr<StoreProcess> process_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_ZOOKEEPER_SERVER_H_
