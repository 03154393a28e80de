#include "multi_backend/lb_policy/grpc/testing/policy_driver.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "multi_backend/port/fakes.h"
#include "multi_backend/resolver/endpoint/text_record.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;

const grpc_core::LoadBalancingPolicyRegistry& Registry() {
  return grpc_core::CoreConfiguration::Get().lb_policy_registry();
}

template <typename T>
T ValueOrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    absl::FPrintF(stderr, "%s\n", value.status().ToString());
    abort();
  }
  return *std::move(value);
}

grpc_resolved_address Ipv4Address(uint32_t ip, uint16_t port) {
  grpc_resolved_address address;
  memset(&address, 0, sizeof(address));
  auto* in = reinterpret_cast<sockaddr_in*>(address.addr);
  in->sin_family = AF_INET;
  in->sin_port = htons(port);
  in->sin_addr.s_addr = htonl(ip);
  address.len = sizeof(sockaddr_in);
  return address;
}

}  // namespace

PolicyDriver::PolicyDriver(
    absl::string_view config_json, ChannelArgs args,
    std::shared_ptr<grpc_core::WorkSerializer> serializer,
    std::unique_ptr<Policy::ChannelControlHelper> control,
    std::function<void()> settle)
    : args_(std::move(args)),
      serializer_(std::move(serializer)),
      settle_(std::move(settle)) {
  SetConfig(config_json);
  Policy::Args policy_args;
  policy_args.work_serializer = serializer_;
  policy_args.channel_control_helper = std::move(control);
  policy_args.args = args_;
  Run([&]() {
    policy_ = Registry().CreateLoadBalancingPolicy(config_->name(),
                                                   std::move(policy_args));
  });
  if (policy_ == nullptr) abort();
}

PolicyDriver::~PolicyDriver() { ShutDown(); }

core::AddressList PolicyDriver::Addresses(size_t count, size_t first) {
  core::AddressList list;
  list.reserve(count);
  for (size_t i = first; i < first + count; ++i) {
    list.emplace_back(
        Ipv4Address(0x0A000000u + static_cast<uint32_t>(i), 50051),
        ChannelArgs());
  }
  return list;
}

core::AddressList PolicyDriver::Endpoints(
    const std::vector<std::string>& records) {
  core::AddressList list;
  for (const std::string& record : records) {
    auto endpoint =
        std::make_shared<const Endpoint>(ValueOrDie(ParseTextRecord(record)));
    in_addr ip;
    if (inet_pton(AF_INET, endpoint->host.c_str(), &ip) != 1) abort();
    const grpc_resolved_address address =
        Ipv4Address(ntohl(ip.s_addr), endpoint->port);
    list.push_back(
        core::MakeAddress(address, ChannelArgs(), std::move(endpoint)));
  }
  return list;
}

void PolicyDriver::SetConfig(absl::string_view config_json) {
  config_ = ValueOrDie(core::ParsePolicyConfig(config_json));
}

absl::Status PolicyDriver::Update(absl::StatusOr<core::AddressList> addresses,
                                  std::string note) {
  absl::Status status;
  Run([&]() {
    Policy::UpdateArgs args;
    core::SetAddresses(args, std::move(addresses));
    args.config = config_;
    args.resolution_note = std::move(note);
    args.args = args_;
    status = policy_->UpdateLocked(std::move(args));
  });
  return status;
}

void PolicyDriver::ResetBackoff() {
  Run([this]() { policy_->ResetBackoffLocked(); });
}

void PolicyDriver::ExitIdle() {
  Run([this]() { policy_->ExitIdleLocked(); });
}

void PolicyDriver::ShutDown(const std::function<void()>& then) {
  if (policy_ == nullptr) return;
  Run([&]() {
    policy_.reset();
    if (then != nullptr) then();
  });
}

void PolicyDriver::Leak() {
  policy_.release();
  new std::shared_ptr<grpc_core::WorkSerializer>(serializer_);
}

void PolicyDriver::Run(const std::function<void()>& fn) {
  absl::Notification ran;
  serializer_->Run(
      [&]() {
        fn();
        ran.Notify();
      },
      DEBUG_LOCATION);
  // Core 1.51 has run it on this thread, and 1.83 leaves it to an engine.
  if (!ran.HasBeenNotified() && settle_ != nullptr) settle_();
  if (!ran.WaitForNotificationWithTimeout(absl::Seconds(30))) abort();
}

}  // namespace multi_backend
