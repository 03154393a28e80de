#include "multi_backend/tests/testing/backend_fleet.h"

#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <stdlib.h>

#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"

namespace multi_backend {
namespace {

using examples::users::v1::BackendControl;
using examples::users::v1::BackendStats;
using examples::users::v1::Behaviour;

// A connection may fail for a reason of the machine's, which says nothing about
// the backend: the call waits for the next one.
void SetDeadline(grpc::ClientContext* context) {
  context->set_deadline(
      absl::ToChronoTime(absl::Now() + kServerProcessTimeout));
  context->set_wait_for_ready(true);
}

// A test without working control calls proves nothing, so the program ends.
void CheckControl(const grpc::Status& status, const std::string& name) {
  if (status.ok()) return;
  std::cerr << "control of backend " << name << ": " << status.error_message()
            << std::endl;
  abort();
}

}  // namespace

absl::StatusOr<std::unique_ptr<BackendFleet>> BackendFleet::Start(
    const std::vector<BackendSpec>& specs) {
  std::unique_ptr<BackendFleet> fleet(new BackendFleet);
  for (const BackendSpec& spec : specs) {
    ServerProcess::Options options;
    options.flags = {"--name", spec.name, "--role", spec.role};
    options.flags.insert(options.flags.end(), spec.flags.begin(),
                         spec.flags.end());
    auto server = ServerProcess::Start(std::move(options));
    if (!server.ok()) return server.status();
    Member member;
    member.spec = spec;
    member.address = (*server)->address();
    member.server = *std::move(server);
    fleet->members_.push_back(std::move(member));
  }
  return fleet;
}

absl::StatusOr<std::unique_ptr<BackendFleet>> BackendFleet::Start(
    size_t count, const std::vector<std::string>& flags) {
  std::vector<BackendSpec> specs;
  for (size_t i = 0; i < count; ++i) {
    specs.push_back({absl::StrCat("b", i), "", flags});
  }
  return Start(specs);
}

std::vector<std::string> BackendFleet::addresses() const {
  std::vector<std::string> addresses;
  for (const Member& member : members_) addresses.push_back(member.address);
  return addresses;
}

void BackendFleet::KillAll() {
  for (const Member& member : members_) {
    if (member.server->pid() != 0) kill(member.server->pid(), SIGKILL);
  }
  for (const Member& member : members_) member.server->Kill();
}

std::string BackendFleet::StaticTarget() const {
  return absl::StrCat("static:///", absl::StrJoin(addresses(), ","));
}

std::string BackendFleet::BackendsField() const {
  std::vector<std::string> entries;
  for (size_t i = 0; i < size(); ++i) {
    entries.push_back(absl::StrCat(R"({"address":")", address(i),
                                   R"(","role":")", role(i), "\"}"));
  }
  return absl::StrCat(R"("backends":[)", absl::StrJoin(entries, ","), "]");
}

std::string BackendFleet::Ipv4Target() const {
  return absl::StrCat("ipv4:", absl::StrJoin(addresses(), ","));
}

BackendControl::Stub* BackendFleet::Control(size_t index) {
  Member& member = members_[index];
  const std::string address = member.server->control_address();
  if (member.control_address != address) {
    member.control_address = address;
    member.control = BackendControl::NewStub(
        grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  }
  return member.control.get();
}

void BackendFleet::SetBehaviour(size_t index, const Behaviour& behaviour) {
  grpc::ClientContext context;
  SetDeadline(&context);
  examples::users::v1::SetBehaviourReply reply;
  CheckControl(Control(index)->SetBehaviour(&context, behaviour, &reply),
               name(index));
}

BackendStats BackendFleet::GetStats(size_t index, bool reset) {
  grpc::ClientContext context;
  SetDeadline(&context);
  examples::users::v1::GetStatsRequest request;
  request.set_reset(reset);
  BackendStats stats;
  CheckControl(Control(index)->GetStats(&context, request, &stats),
               name(index));
  return stats;
}

BackendStats BackendFleet::Stats(size_t index) {
  return GetStats(index, /*reset=*/false);
}

void BackendFleet::ResetStats() {
  for (size_t i = 0; i < size(); ++i) {
    if (server(i).running()) GetStats(i, /*reset=*/true);
  }
}

int64_t BackendFleet::CallsOf(size_t index, absl::string_view method) {
  const BackendStats stats = Stats(index);
  const auto found = stats.calls().find(std::string(method));
  return found == stats.calls().end() ? 0 : found->second;
}

int64_t BackendFleet::CallsOf(size_t index) {
  const BackendStats stats = Stats(index);
  int64_t calls = 0;
  for (const auto& entry : stats.calls()) calls += entry.second;
  return calls;
}

int64_t BackendFleet::TotalCalls() {
  const std::map<std::string, int64_t> by_name = CallsByName();
  int64_t calls = 0;
  for (const auto& entry : by_name) calls += entry.second;
  return calls;
}

std::map<std::string, int64_t> BackendFleet::CallsByName() {
  std::map<std::string, int64_t> calls;
  for (size_t i = 0; i < size(); ++i) {
    if (server(i).running()) calls[name(i)] = CallsOf(i);
  }
  return calls;
}

}  // namespace multi_backend
