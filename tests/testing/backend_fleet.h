// BackendFleet: starts several backend processes, reads what each one has
// counted, and changes what each one does.
//
//   auto fleet = BackendFleet::Start({{"a", "primary"}, {"b", "replica"}});
//   ... calls to (*fleet)->StaticTarget() ...
//   (*fleet)->SetBehaviour(1, behaviour);
//   (*fleet)->CallsOf(1, "CreateUser");
//
// Counts and behaviour live in the process: a restart resets the counts to 0
// and the behaviour to the flags.  Control calls use a separate port without
// TLS.  They end the test program when the server does not answer within
// kServerProcessTimeout, so do not make them while the server is stopped.  The
// first control call makes a channel, so Register() must run before it.
//
// Threads: as for ServerProcess.  Control calls to different backends may run
// at the same time.
#ifndef MULTI_BACKEND_TESTS_TESTING_BACKEND_FLEET_H_
#define MULTI_BACKEND_TESTS_TESTING_BACKEND_FLEET_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/tests/testing/server_process.h"

namespace multi_backend {

struct BackendSpec {
  std::string name;
  std::string role;
  std::vector<std::string> flags;  // Additional flags; see `backend --help`.
};

class BackendFleet {
 public:
  static absl::StatusOr<std::unique_ptr<BackendFleet>> Start(
      const std::vector<BackendSpec>& specs);
  // `count` backends named "b0", "b1", …, all with `flags`, without roles.
  static absl::StatusOr<std::unique_ptr<BackendFleet>> Start(
      size_t count, const std::vector<std::string>& flags = {});

  size_t size() const { return members_.size(); }
  ServerProcess& server(size_t index) { return *members_[index].server; }
  const std::string& name(size_t index) const {
    return members_[index].spec.name;
  }
  const std::string& role(size_t index) const {
    return members_[index].spec.role;
  }
  const std::string& address(size_t index) const {
    return members_[index].address;
  }
  std::vector<std::string> addresses() const;
  // Sends SIGKILL to all backends, as close together as possible.  They have
  // ended on return.
  void KillAll();

  // "static:///ip:port,…", for multi_backend, and "ipv4:ip:port,…", for gRPC's
  // own resolver.
  std::string StaticTarget() const;
  std::string Ipv4Target() const;
  // For the policy's configuration: "backends":[…], with all addresses and
  // roles.
  std::string BackendsField() const;

  void SetBehaviour(size_t index,
                    const examples::users::v1::Behaviour& behaviour);
  examples::users::v1::BackendStats Stats(size_t index);
  // Sets the counts of all running backends to 0.
  void ResetStats();

  // The number of calls that backend `index` has started, of one method or of
  // all.
  int64_t CallsOf(size_t index, absl::string_view method);
  int64_t CallsOf(size_t index);
  // The sum over all running backends.
  int64_t TotalCalls();
  std::map<std::string, int64_t> CallsByName();

 private:
  struct Member {
    BackendSpec spec;
    std::unique_ptr<ServerProcess> server;
    std::string address;
    // `control` is made again when a new process has another control port.
    std::string control_address;
    std::unique_ptr<examples::users::v1::BackendControl::Stub> control;
  };

  BackendFleet() = default;
  examples::users::v1::BackendControl::Stub* Control(size_t index);
  examples::users::v1::BackendStats GetStats(size_t index, bool reset);

  std::vector<Member> members_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_BACKEND_FLEET_H_
