#include "multi_backend/health/probes/tcp_probe.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/health/probes/callback_gate.h"
#include "multi_backend/health/probes/connect_thread.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

class TcpAttempt final : public ConnectThread::Attempt {
 public:
  TcpAttempt(Endpoint where, absl::Duration timeout, Probe::Done done,
             std::shared_ptr<CallbackGate> gate)
      : Attempt(std::move(where), timeout),
        done_(std::move(done)),
        gate_(std::move(gate)) {}

  void OnFinished(const absl::Status& status) override {
    const Probe::Done done = std::move(done_);
    gate_->Run([&] { done(Judge(status)); });
  }

 private:
  ProbeResult Judge(const absl::Status& status) const {
    if (status.ok()) return {true, "connected"};
    if (absl::IsDeadlineExceeded(status)) {
      return {false,
              absl::StrCat("no answer in ", absl::FormatDuration(timeout()))};
    }
    return {false, std::string(status.message())};
  }

  Probe::Done done_;
  const std::shared_ptr<CallbackGate> gate_;
};

class TcpProbe final : public Probe {
 public:
  explicit TcpProbe(absl::StatusOr<Endpoint> where)
      : where_(std::move(where)),
        thread_(ConnectThread::Shared()),
        gate_(std::make_shared<CallbackGate>()) {}

  ~TcpProbe() override {
    if (attempt_ != nullptr) thread_->Drop(attempt_);
    gate_->Close();
  }

  void Start(absl::Duration timeout, Done done) override {
    if (!where_.ok()) {
      done({false, std::string(where_.status().message())});
      return;
    }
    attempt_ =
        std::make_shared<TcpAttempt>(*where_, timeout, std::move(done), gate_);
    thread_->Start(attempt_);
  }

  ProbeIdentity identity() const override {
    if (!where_.ok()) return {};
    return {absl::StrCat("tcp\n", where_->address()), nullptr};
  }

 private:
  // An error when the factory got a text that is no address.
  const absl::StatusOr<Endpoint> where_;
  const std::shared_ptr<ConnectThread> thread_;
  const std::shared_ptr<CallbackGate> gate_;
  std::shared_ptr<TcpAttempt> attempt_;  // The newest.
};

class TcpProbeFactory final : public ProbeFactory {
 public:
  explicit TcpProbeFactory(absl::optional<uint16_t> port) : port_(port) {}

  std::unique_ptr<Probe> Make(const Endpoint& /*endpoint*/,
                              absl::string_view address) const override {
    absl::StatusOr<Endpoint> where = Endpoint::Parse(address);
    if (where.ok() && port_.has_value()) where->port = *port_;
    return std::make_unique<TcpProbe>(std::move(where));
  }

 private:
  const absl::optional<uint16_t> port_;
};

}  // namespace

std::unique_ptr<ProbeFactory> MakeTcpProbeFactory(
    const ActiveHealthConfig& config) {
  return std::make_unique<TcpProbeFactory>(config.port);
}

}  // namespace multi_backend
