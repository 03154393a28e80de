#include "multi_backend/bench/fault_scenario.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/bench/calls/die.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/stock_settings.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;

constexpr absl::Duration kConnectTimeout = absl::Seconds(20);

std::unique_ptr<BackendFleet> StartFleet(
    size_t backends, const std::vector<std::string>& flags) {
  return ValueOrDie(BackendFleet::Start(backends, flags));
}

void CallUntilAllHaveAnswered(const FaultSide& side) {
  std::set<std::string> answered;
  const absl::Time deadline = absl::Now() + kConnectTimeout;
  while (answered.size() < side.fleet->size()) {
    if (absl::Now() > deadline) {
      Die("not all backends answer");
    }
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.set_deadline(absl::ToChronoTime(deadline));
    UserReply reply;
    if (side.stub->GetUser(&context, GetUserRequest(), &reply).ok()) {
      answered.insert(reply.served_by());
    }
  }
}

}  // namespace

uint64_t FaultSide::AttemptsOn(size_t backend) const {
  for (const BackendSnapshot& one : pool->GetAllBackends()) {
    if (one.address == fleet->address(backend)) return one.calls;
  }
  return 0;
}

FaultSide OurSide(size_t backends, absl::string_view policy,
                  const std::vector<std::string>& flags) {
  FaultSide side;
  side.fleet = StartFleet(backends, flags);
  side.pool = BackendPool::Create();
  ChannelOptions options;
  options.pool = side.pool;
  SetReconnectBackoff(options.args);
  options.service_config_json = ServiceConfig(policy);
  auto channel =
      CreateChannel(side.fleet->StaticTarget(),
                    grpc::InsecureChannelCredentials(), std::move(options));
  DieUnlessOk(channel.status());
  side.stub = Users::NewStub(*channel);
  CallUntilAllHaveAnswered(side);
  return side;
}

FaultSide StockSide(size_t backends, const std::vector<std::string>& flags) {
  FaultSide side;
  side.fleet = StartFleet(backends, flags);
  grpc::ChannelArguments args;
  SetReconnectBackoff(args);
  SetKeepalive(args);
  args.SetServiceConfigJSON(StockConfig(R"({"round_robin":{}})"));
  side.stub = Users::NewStub(grpc::CreateCustomChannel(
      side.fleet->Ipv4Target(), grpc::InsecureChannelCredentials(), args));
  CallUntilAllHaveAnswered(side);
  return side;
}

void Wait(absl::Duration time) { absl::SleepFor(time); }

int64_t CountIf(const Calls& calls,
                absl::FunctionRef<bool(const TimedCall&)> condition) {
  return std::count_if(calls.begin(), calls.end(), condition);
}

int64_t Lost(const Calls& calls) {
  PrintReasons(calls);
  return CountIf(calls, [](const TimedCall& call) { return !call.ok(); });
}

void PrintReasons(const Calls& calls) {
  constexpr size_t kMost = 5;
  std::map<std::string, int> reasons;
  for (const TimedCall& call : calls) {
    if (!call.ok()) ++reasons[absl::StrCat(call.code, ": ", call.message)];
  }
  std::vector<std::pair<int, std::string>> sorted;
  for (const auto& reason : reasons) {
    sorted.emplace_back(reason.second, reason.first);
  }
  std::sort(sorted.rbegin(), sorted.rend());
  if (sorted.size() > kMost) sorted.resize(kMost);
  for (const auto& reason : sorted) {
    std::fprintf(stderr, "  %d x %s\n", reason.first, reason.second.c_str());
  }
}

double ShareOf(const Calls& calls, absl::string_view name, absl::Time from,
               absl::Time to) {
  int64_t all = 0;
  int64_t own = 0;
  for (const TimedCall& call : calls) {
    if (!call.ok() || call.end < from || call.end >= to) continue;
    ++all;
    own += call.served_by == name;
  }
  return all == 0 ? 0 : static_cast<double>(own) / static_cast<double>(all);
}

}  // namespace multi_backend
