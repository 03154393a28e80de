// How much do several connections to one backend gain if its server limits the
// number of streams on each, against gRPC's round_robin, which has one?
//
//   bazel run -c opt //bench:pool -- --check
//
// The callers call again as soon as they are answered.  There are four times as
// many callers as a connection has streams, and each call takes 10 ms.  By
// default a connection has 5 streams, where most servers allow 100; the shape
// is the same, and two cores are enough for the clients and the server.

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/bench/bound_table.h"
#include "multi_backend/bench/calls/die.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/accepted_connections.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/stock_settings.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;

constexpr int kMaxConnections = 4;

struct Options {
  int streams = 5;  // The server's limit for one connection.
  int delay_ms = 10;
  absl::Duration measured = absl::Seconds(4);
  absl::Duration idle_timeout = absl::Seconds(1);
  int rounds = 3;
};

// Callers that call again as soon as they are answered, until Stop().
class Callers {
 public:
  Callers(Users::Stub& stub, int count) : stub_(stub), calling_(count) {
    for (int i = 0; i < count; ++i) Begin();
  }
  ~Callers() { Stop(); }

  int64_t answered() const { return answered_.load(); }
  int64_t lost() const { return lost_.load(); }
  void Stop() {
    stop_.store(true);
    std::unique_lock<std::mutex> lock(mutex_);
    ended_.wait(lock, [this]() { return calling_ == 0; });
  }

 private:
  struct Call {
    grpc::ClientContext context;
    GetUserRequest request;
    UserReply reply;
  };

  void Begin() {
    auto* call = new Call();
    call->context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
    stub_.async()->GetUser(&call->context, &call->request, &call->reply,
                           [this, call](grpc::Status status) {
                             delete call;
                             End(status);
                           });
  }
  void End(const grpc::Status& status) {
    if (status.ok()) {
      answered_.fetch_add(1);
    } else if (lost_.fetch_add(1) == 0) {
      std::fprintf(stderr, "lost: %s\n", status.error_message().c_str());
    }
    if (!stop_.load()) {
      Begin();
      return;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    if (--calling_ == 0) ended_.notify_all();
  }

  Users::Stub& stub_;
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> answered_{0};
  std::atomic<int64_t> lost_{0};
  std::mutex mutex_;
  std::condition_variable ended_;
  int calling_;
};

struct Figures {
  double per_second = 0;
  int64_t lost = 0;
  int most = 0;  // The most connections under load.
  int left = 0;  // The connections after the idle timeout.
};

// The best round counts, because other work on the machine slows down the
// others.
Figures Measure(const Options& options, BackendFleet& fleet,
                const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = Users::NewStub(channel);
  const int port = fleet.server(0).port();
  Figures figures;
  for (int round = 0; round < options.rounds; ++round) {
    Callers callers(*stub, options.streams * kMaxConnections);
    // By then all connections are open.
    absl::SleepFor(options.measured / 4);
    const int64_t before = callers.answered();
    const absl::Time start = absl::Now();
    absl::SleepFor(options.measured);
    const double per_second = static_cast<double>(callers.answered() - before) /
                              absl::ToDoubleSeconds(absl::Now() - start);
    figures.most = std::max(figures.most, AcceptedConnections(port));
    callers.Stop();
    figures.per_second = std::max(figures.per_second, per_second);
    figures.lost += callers.lost();
    absl::SleepFor(options.idle_timeout + absl::Seconds(1));
    figures.left = AcceptedConnections(port);
  }
  return figures;
}

std::unique_ptr<BackendFleet> StartServer(const Options& options) {
  return ValueOrDie(BackendFleet::Start(
      1, {"--max-concurrent-streams", absl::StrCat(options.streams),
          "--delay-ms", absl::StrCat(options.delay_ms)}));
}

Figures MeasureOurs(const Options& options, int max) {
  auto fleet = StartServer(options);
  ChannelOptions channel_options;
  channel_options.service_config_json = ServiceConfig(absl::StrCat(
      R"("pool":{"min":1,"max":)", max, R"(,"maxStreamsPerConnection":)",
      options.streams, R"(,"idleTimeout":")",
      absl::ToDoubleSeconds(options.idle_timeout), R"(s"})"));
  const auto channel = ValueOrDie(
      CreateChannel(fleet->StaticTarget(), grpc::InsecureChannelCredentials(),
                    std::move(channel_options)));
  return Measure(options, *fleet, channel);
}

// Core may open `connections`, which gRPC 1.51 cannot do.
Figures MeasureStock(const Options& options, int connections) {
  auto fleet = StartServer(options);
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(
      absl::StrCat("{", ConnectionScaling(connections), "}"));
  args.SetLoadBalancingPolicyName("round_robin");
  return Measure(
      options, *fleet,
      grpc::CreateCustomChannel(fleet->Ipv4Target(),
                                grpc::InsecureChannelCredentials(), args));
}

int Run(const Options& options, bool smoke, bool check) {
  BoundTable table(absl::StrCat(
      "pool: ", options.streams, " streams on a connection, ",
      options.streams * kMaxConnections, " wanted, ", options.delay_ms, " ms"));
  const Figures stock = MeasureStock(options, 1);
  const Figures one = MeasureOurs(options, 1);
  const Figures ours = MeasureOurs(options, kMaxConnections);
  table.Show("calls/s on one connection", one.per_second, stock.per_second);
  table.Show("calls/s on 1 to 4 connections", ours.per_second,
             stock.per_second);
#if GRPC_CPP_VERSION_MINOR != 51
  const Figures scaled = MeasureStock(options, kMaxConnections);
  table.Show("the same beside core's own scaling", ours.per_second,
             scaled.per_second);
#endif
  // A short run on a machine that is busy with other tests says little.
  const double bound = smoke ? 1.5 : 3.5;
  table.AtLeast("times one connection's throughput",
                ours.per_second / one.per_second,
                stock.per_second / one.per_second, bound);
  table.AtLeast("connections under load", ours.most, stock.most,
                kMaxConnections);
  table.AtMost("connections after idleTimeout", ours.left, stock.left, 1);
  table.AtMost("calls lost", static_cast<double>(ours.lost),
               static_cast<double>(stock.lost), 0);
  return table.ExitCode(check);
}

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  CLI::App app("What several connections to one backend are worth");
  multi_backend::Options options;
  bool smoke = false;
  bool check = false;
  std::string only;
  app.add_flag("--smoke", smoke, "a short run, with a lower bound");
  app.add_flag("--check", check, "exit with 1 when a bound is missed");
  app.add_option("--scenario", only, "there is one: pool")
      ->check(CLI::IsMember({"pool"}));
  app.add_option("--streams", options.streams, "on one connection");
  app.add_option("--delay-ms", options.delay_ms, "of each call");
  CLI11_PARSE(app, argc, argv);
  if (smoke) {
    options.measured = absl::Seconds(1);
    options.idle_timeout = absl::Milliseconds(300);
    options.rounds = 1;
  }
  multi_backend::EnableConnectionScaling();
  if (!multi_backend::Register().ok()) return 1;
  return multi_backend::Run(options, smoke, check);
}
