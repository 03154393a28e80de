// A status page for the tests in a browser: a channel of three backends that
// the test controls by lines on stdin, and texts that try to become HTML.
//
//   eject NAME     a failed call takes the backend out
//   recover NAME   it comes back
//
// The first line of stdout is the URL.  Ends with stdin.
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/observability/admin/http/status_server.h"
#include "multi_backend/observability/admin/monitor.h"

namespace multi_backend {
namespace {

constexpr char kTarget[] =
    "etcd://root:planted-password@h:1/<script>window.planted=1</script>";
constexpr char kPlanted[] =
    "\"'><script>window.planted=1</script><img src=x onerror=window.planted=1>";

// The status of a channel, from its pool.
class PoolSource : public ChannelSource {
 public:
  explicit PoolSource(std::shared_ptr<BackendPool> pool)
      : pool_(std::move(pool)) {}

  const std::string& target() const override { return target_; }
  std::shared_ptr<BackendPool> pool() const override { return pool_; }
  ChannelStatus Status() const override {
    ChannelStatus status;
    status.target = target_;
    status.state = "READY";
    status.config_json = absl::StrCat(
        "{\"x\": \"<script>window.planted=1"
        "</script>\"}");
    status.warnings = {kPlanted};
    for (const BackendSnapshot& from : pool_->GetAllBackends()) {
      BackendStatus backend;
      backend.address = from.address;
      backend.name = from.name;
      backend.role = kPlanted;
      backend.zone = kPlanted;
      backend.weight = from.weight;
      backend.effective_weight = 1000;
      backend.state = std::string(StateName(from.state));
      backend.absent = from.absent;
      backend.draining = from.draining;
      backend.drained = from.drained;
      backend.reason = from.reason;
      backend.since = from.since;
      backend.link = "FAILED";
      backend.link_error = kPlanted;
      backend.last_probe = kPlanted;
      status.backends.push_back(std::move(backend));
    }
    BalancerStatus balancer;
    balancer.path = kPlanted;
    balancer.strategy = "ROUND_ROBIN";
    balancer.panic = true;
    status.balancers.push_back(balancer);
    status.routes.resize(2);
    status.routes[0].name = kPlanted;
    status.routes[0].matches = 3;
    status.routes[0].last_method = kPlanted;
    status.routes[1].name = "users.Users/DeleteUser";
    status.resolver.last_error = kPlanted;
    return status;
  }

 private:
  const std::string target_ = kTarget;
  const std::shared_ptr<BackendPool> pool_;
};

// Attempts and calls, so that the page has something to draw.
void MakeTraffic(Monitor& monitor) {
  std::vector<AttemptEnded> attempts(2);
  for (AttemptEnded& attempt : attempts) {
    attempt.target = Label(kTarget);
    attempt.method = Label(kPlanted);
    attempt.latency_nanos = 3'000'000;
  }
  const std::string planted_backend = absl::StrCat(kPlanted, ":1");
  attempts[0].backend = Label(planted_backend);
  attempts[0].status = absl::StatusCode::kUnavailable;
  attempts[0].message = kPlanted;
  attempts[1].backend = Label("b.example:1");
  const PassedOver passed{kPlanted, PassedOver::Why::kTried};
  attempts[1].passed_over = absl::MakeConstSpan(&passed, 1);
  for (const AttemptEnded& attempt : attempts) monitor.OnAttemptEnded(attempt);
  CallEnded call;
  call.target = Label(kTarget);
  call.method = Label(kPlanted);
  call.route = Label(kPlanted);
  call.status = absl::StatusCode::kUnknown;
  call.message = kPlanted;
  call.attempts_made = 2;
  call.attempts = attempts;
  monitor.OnCallEnded(call);
}

int Run() {
  const auto pool = BackendPool::Create();
  std::vector<std::unique_ptr<BackendPool::Lease>> leases;
  leases.push_back(pool->Acquire("10.0.0.1:1", "a.example:1"));
  leases.push_back(pool->Acquire("10.0.0.2:1", "b.example:1"));
  leases.push_back(pool->Acquire("10.0.0.3:1", absl::StrCat(kPlanted, ":1")));
  const auto source = std::make_shared<PoolSource>(pool);
  StatusOptions options;
  options.monitor = Monitor::Create();
  options.monitor->OnChannel(source);
  options.enable_actions = true;
  const auto monitor = options.monitor;
  auto server = ServeStatus(std::move(options));
  if (!server.ok()) {
    std::cerr << server.status() << std::endl;
    return 1;
  }
  MakeTraffic(*monitor);
  std::cout << (*server)->url() << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string command;
    std::string name;
    words >> command >> name;
    StateChanged change;
    change.target = Label(kTarget);
    change.backend = Label(name);
    change.who = name;
    change.reason = kPlanted;
    change.time = absl::Now();
    change.from = command == "eject" ? "ALIVE" : "DOWN";
    change.to = command == "eject" ? "DOWN" : "ALIVE";
    if (command == "eject") {
      change.ejection = Ejection::kFailedCalls;
      pool->MarkUnhealthy(name, kPlanted);
    } else {
      pool->MarkHealthy(name, kPlanted);
    }
    monitor->OnStateChanged(change);
    std::cout << "done" << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace multi_backend

int main() { return multi_backend::Run(); }
