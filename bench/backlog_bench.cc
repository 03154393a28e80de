// What do callers notice when no backend is usable and calls wait?  Measures
// which calls are refused and how fast, the order in which the others go, and
// the memory that is left, against gRPC's round_robin with wait_for_ready
// calls, whose queue has no limit.
//
//   bazel run -c opt //bench:backlog -- --check
//   bazel run -c opt //bench:backlog -- --scenario expiry
//
// The calls of a burst begin as fast as one thread can begin them, so the time
// of a refusal is mostly its way through gRPC behind the other calls.

#include <grpcpp/grpcpp.h>
#include <malloc.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/bench/bound_table.h"
#include "multi_backend/bench/calls/die.h"
#include "multi_backend/bench/scenarios.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/metadata_dump.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;

struct Options {
  int calls = 10000;
  int limit = 1000;
  int rounds = 4;
};

// Calls that begin one after the other, each with its index as its id.
//
// They use a completion queue, because gRPC's callback API sleeps up to 0.1 s
// between polls when no call has ended for a second.
class Calls {
 public:
  struct Record {
    absl::Duration took;
    grpc::StatusCode code = grpc::StatusCode::OK;
  };

  Calls(Users::Stub& stub, int count, bool wait_for_ready)
      : records_(count), running_(count), ends_([this]() { CollectEnds(); }) {
    for (int i = 0; i < count; ++i) {
      auto* call = new Call();
      call->index = i;
      call->context.AddMetadata(kCallIdKey, absl::StrCat(i));
      call->context.set_deadline(
          absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
      call->context.set_wait_for_ready(wait_for_ready);
      call->start = absl::Now();
      call->reader = stub.AsyncGetUser(&call->context, call->request, &queue_);
      call->reader->Finish(&call->reply, &call->status, call);
    }
  }
  ~Calls() {
    Await(0);
    queue_.Shutdown();
    ends_.join();
  }

  // Waits until at most `running` calls run.  Returns false after a minute.
  bool Await(int running) {
    std::unique_lock<std::mutex> lock(mutex_);
    awaited_ = running;
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(absl::Minutes(1)),
                             [this, running]() { return running_ <= running; });
  }
  // Returns the records of the calls that have ended.
  std::vector<Record> Ended() {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Record> ended;
    for (size_t i = 0; i < records_.size(); ++i) {
      if (records_[i].took > absl::ZeroDuration()) ended.push_back(records_[i]);
    }
    return ended;
  }

 private:
  struct Call {
    int index;
    grpc::ClientContext context;
    GetUserRequest request;
    UserReply reply;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<UserReply>> reader;
    absl::Time start;
  };
  void CollectEnds() {
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
      const std::unique_ptr<Call> call(static_cast<Call*>(tag));
      const Record record{absl::Now() - call->start, call->status.error_code()};
      std::lock_guard<std::mutex> lock(mutex_);
      records_[call->index] = record;
      // Do not wake the waiting thread for each call; it would take time from
      // this one.
      if (--running_ <= awaited_) changed_.notify_all();
    }
  }

  grpc::CompletionQueue queue_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Record> records_;
  int running_;
  int awaited_ = 0;
  std::thread ends_;
};

int64_t Count(const std::vector<Calls::Record>& records,
              grpc::StatusCode code) {
  return std::count_if(
      records.begin(), records.end(),
      [code](const Calls::Record& record) { return record.code == code; });
}

double Slowest(const std::vector<Calls::Record>& records,
               grpc::StatusCode code) {
  absl::Duration slowest;
  for (const Calls::Record& record : records) {
    if (record.code == code) slowest = std::max(slowest, record.took);
  }
  return absl::ToDoubleMilliseconds(slowest);
}

// A backend that serves one call at a time, and a channel to it.  The backend
// therefore sees the calls in the order in which they go.
struct Side {
  MetadataDump dump;
  std::unique_ptr<BackendFleet> fleet;
  std::shared_ptr<BackendPool> pool;  // Null for stock.
  std::unique_ptr<Users::Stub> stub;

  // Returns the number of calls that went before an older one.
  int64_t Inversions() const {
    std::vector<int> order;
    for (const SeenAttempt& attempt : dump.Of("b0")) {
      int index = 0;
      if (!absl::SimpleAtoi(attempt.call_id, &index)) Die(attempt.call_id);
      order.push_back(index);
    }
    int64_t inversions = 0;
    int oldest_to_come = std::numeric_limits<int>::max();
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      inversions += *it > oldest_to_come;
      oldest_to_come = std::min(oldest_to_come, *it);
    }
    return inversions;
  }
};

std::unique_ptr<Side> StartSide(const std::vector<std::string>& flags) {
  auto side = std::make_unique<Side>();
  side->fleet =
      ValueOrDie(BackendFleet::Start({side->dump.Record({"b0", "", flags})}));
  return side;
}

void Connect(Side& side) {
  Calls first(*side.stub, 1, /*wait_for_ready=*/true);
  if (!first.Await(0) || !(first.Ended().size() == 1)) Die("no connection");
}

std::unique_ptr<Side> Ours(const std::string& policy) {
  auto side = StartSide({});
  side->pool = BackendPool::Create();
  ChannelOptions options;
  options.pool = side->pool;
  options.service_config_json = ServiceConfig(policy);
  auto channel =
      CreateChannel(side->fleet->StaticTarget(),
                    grpc::InsecureChannelCredentials(), std::move(options));
  DieUnlessOk(channel.status());
  side->stub = Users::NewStub(*channel);
  Connect(*side);
  return side;
}

std::unique_ptr<Side> Stock() {
  // The server's limit of streams is the only limit that round_robin obeys.
  auto side = StartSide({"--max-concurrent-streams", "1"});
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName("round_robin");
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  auto channel = grpc::CreateCustomChannel(
      side->fleet->Ipv4Target(), grpc::InsecureChannelCredentials(), args);
  side->stub = Users::NewStub(channel);
  Connect(*side);
  side->fleet->server(0).Kill();
  // Wait until the channel has noticed, so that calls wait for a connection and
  // are not sent on the dead one.
  const absl::Time deadline = absl::Now() + kTestTimeout;
  while (channel->GetState(false) == GRPC_CHANNEL_READY) {
    if (absl::Now() > deadline) Die("stock does not notice");
    absl::SleepFor(absl::Milliseconds(1));
  }
  return side;
}

void SetUsable(Side& side, bool usable) {
  const std::string& address = side.fleet->address(0);
  usable ? side.pool->MarkHealthy(address)
         : side.pool->MarkUnhealthy(address, "bench");
}

// --- Scenarios --------------------------------------------------------------

// Starts more calls than may wait; then the backend comes back.
void RunBurst(const Options& options, BoundTable& table) {
  auto ours = Ours(absl::StrCat(
      R"("maxRequestsPerBackend":1,"backlog":{"limit":)", options.limit,
      R"(,"timeout":"60s","overloadTimeout":"60s"})"));
  SetUsable(*ours, false);
  Calls burst(*ours->stub, options.calls, /*wait_for_ready=*/true);
  if (!burst.Await(options.limit)) Die("calls are not refused");
  const auto refused = burst.Ended();
  SetUsable(*ours, true);
  if (!burst.Await(0)) Die("calls are not served");

  auto stock = Stock();
  Calls stock_burst(*stock->stub, options.calls, /*wait_for_ready=*/true);
  const auto stock_refused = stock_burst.Ended();
  if (!stock->fleet->server(0).Restart().ok()) Die("no restart");
  if (!stock_burst.Await(0)) Die("stock's calls are not served");

  const int64_t expected = options.calls - options.limit;
  const auto kUnavailable = grpc::StatusCode::UNAVAILABLE;
  table.AtLeast("burst: refused", Count(refused, kUnavailable),
                Count(stock_refused, kUnavailable), expected);
  table.AtMost("burst: refused, not more", Count(refused, kUnavailable), {},
               expected);
  table.AtMost("burst: slowest refusal, ms", Slowest(refused, kUnavailable), {},
               10);
  table.AtLeast("burst: the others served when it is back",
                Count(burst.Ended(), grpc::StatusCode::OK),
                Count(stock_burst.Ended(), grpc::StatusCode::OK),
                options.limit);
  table.AtMost("burst: of these went before an older one", ours->Inversions(),
               stock->Inversions(), 0);
}

// Starts as many calls as may wait; no backend comes back.
void RunExpiry(const Options& options, BoundTable& table) {
  constexpr int kTimeoutMs = 1000;
  auto ours = Ours(absl::StrCat(R"("backlog":{"limit":)", options.limit,
                                R"(,"timeout":"1s","overloadTimeout":"60s"})"));
  SetUsable(*ours, false);
  Calls calls(*ours->stub, options.limit, /*wait_for_ready=*/true);
  if (!calls.Await(0)) Die("calls do not expire");
  const auto kExpired = grpc::StatusCode::DEADLINE_EXCEEDED;
  table.AtLeast("expiry: calls that expired", Count(calls.Ended(), kExpired),
                {}, options.limit);
  table.AtMost("expiry: latest, ms late",
               Slowest(calls.Ended(), kExpired) - kTimeoutMs, {}, 50);
}

double ResidentMiB() {
  malloc_trim(0);
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    long kib = 0;
    if (std::sscanf(line.c_str(), "VmRSS: %ld", &kib) == 1) return kib / 1024.0;
  }
  Die("no VmRSS");
}

// Measures the memory that rounds of waiting and refusing leave behind.
void RunMemory(const Options& options, BoundTable& table) {
  auto ours =
      Ours(absl::StrCat(R"("backlog":{"limit":)", options.limit,
                        R"(,"timeout":"60s","overloadTimeout":"60s"})"));
  double after_first = 0;
  double waiting = 0;
  double after_last = 0;
  for (int round = 0; round < options.rounds; ++round) {
    SetUsable(*ours, false);
    Calls calls(*ours->stub, options.calls, /*wait_for_ready=*/true);
    if (!calls.Await(options.limit)) Die("calls are not refused");
    waiting = ResidentMiB();
    SetUsable(*ours, true);
    if (!calls.Await(0)) Die("calls are not served");
    after_last = ResidentMiB();
    if (round == 0) after_first = after_last;
  }
  table.Show("memory: MiB while they wait", waiting);
  table.Show("memory: MiB after the first round", after_first);
  table.AtMost("memory: MiB more after the last round",
               after_last - after_first, {}, 2);
}

constexpr Scenario<Options> kScenarios[] = {
    {"burst", RunBurst}, {"expiry", RunExpiry}, {"memory", RunMemory}};

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  CLI::App app("What callers notice when calls wait for a backend");
  multi_backend::Options options;
  std::string only;
  bool smoke = false;
  bool check = false;
  app.add_flag("--smoke", smoke, "a tenth of the calls");
  app.add_flag("--check", check, "exit with 1 when a bound is missed");
  app.add_option("--scenario", only, "only this one: burst, expiry, memory");
  CLI11_PARSE(app, argc, argv);
  if (smoke) options = {1000, 100, 2};
  if (!multi_backend::Register().ok()) return 1;
  return multi_backend::RunScenarios(
      absl::StrCat("backlog: ", options.calls, " calls against a limit of ",
                   options.limit),
      multi_backend::kScenarios, only, options, check);
}
