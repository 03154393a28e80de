// Two backends answer each request in another broken or malicious way, beside a
// good one, for a minute.  Run it longer by hand:
//
//   bazel test --config=asan //tests/e2e:hostile_storm_test --test_timeout=2000
//       --test_env=HOSTILE_SECONDS=1800

#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/hostile_server.h"
#include "multi_backend/tests/testing/hostilities.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using examples::users::v1::ListUsersRequest;
using examples::users::v1::UserReply;

constexpr int kDefaultSeconds = 60;
constexpr int kReconnectMillis = 100;

absl::Duration Length() {
  const char* const text = std::getenv("HOSTILE_SECONDS");
  int seconds = kDefaultSeconds;
  if (text != nullptr && !absl::SimpleAtoi(text, &seconds)) {
    ADD_FAILURE() << "HOSTILE_SECONDS is no number: " << text;
  }
  return absl::Seconds(seconds);
}

// Chooses among all rows at random.  Called by one thread at a time.
class AnyHostility {
 public:
  explicit AnyHostility(uint64_t seed) : random_(seed) {}
  const Hostility& operator()() {
    return rows_[std::uniform_int_distribution<size_t>(
        0, rows_.size() - 1)(random_)];
  }

 private:
  const std::vector<Hostility> rows_ = AllHostilities();
  std::mt19937_64 random_;
};

void ReadList(UsersClient& client) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(1)));
  ListUsersRequest request;
  request.set_count(3);
  const auto reader = client.stub().ListUsers(&context, request);
  UserReply reply;
  while (reader->Read(&reply)) {
  }
  reader->Finish();
}

TEST(HostileStormTest, EndsNoProcessAndHurtsNoOtherBackend) {
  const uint64_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  AnyHostility any(seed);
  AnyHostility other(seed + 1);
  HostileServer one([&any]() -> const Hostility& { return any(); });
  HostileServer two([&other]() -> const Hostility& { return other(); });
  auto fleet = BackendFleet::Start(1);
  ASSERT_TRUE(fleet.ok()) << fleet.status();

  ChannelOptions options;
  // The hostile backends are connected again soon, and get calls again soon.
  options.args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMillis);
  options.args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMillis);
  options.args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  options.service_config_json = ServiceConfig(
      R"("failover":{"perTryTimeout":"0.2s",
                     "budget":{"ratio":1,"minRetriesPerSecond":10000}},
         "health":{"active":{"interval":"0.1s","timeout":"0.1s",
                             "unhealthyAfter":50,"healthyAfter":1},
                   "passive":{"unhealthyAfter":50}},
         "pool":{"min":1,"max":3,"maxStreamsPerConnection":4},
         "backlog":{"timeout":"0.5s"})",
      R"("routes":[{"match":{"method":"Create.*"},"retry":"NEVER"}])");
  auto client =
      UsersClient::Make(absl::StrCat("static:///", (*fleet)->address(0), ",",
                                     one.address(), ",", two.address()),
                        std::move(options));
  ASSERT_TRUE(client.ok()) << client.status();
  auto innocent =
      UsersClient::Make((*fleet)->StaticTarget(), ServiceConfig(""));
  ASSERT_TRUE(innocent.ok()) << innocent.status();

  BackgroundLoad load(**client, /*threads=*/4, [](int64_t index) {
    UsersCall call;
    call.method = index % 4 == 0 ? "CreateUser" : "GetUser";
    call.timeout = absl::Seconds(1);
    return call;
  });
  int64_t innocent_calls = 0;
  for (const absl::Time end = absl::Now() + Length(); absl::Now() < end;) {
    ReadList(**client);
    const CallOutcome outcome = (*innocent)->Call();
    EXPECT_TRUE(outcome.ok()) << outcome.ToString();
    ++innocent_calls;
  }
  const LoadResult stormy = load.Stop();
  EXPECT_GT(innocent_calls, 0);
  EXPECT_GT(stormy.calls, stormy.failed);
  EXPECT_TRUE(WaitUntil([&client] { return (*client)->IsIdle(); }));
  std::cout << stormy.calls << " calls, of which " << stormy.failed
            << " failed; " << one.requests() + two.requests()
            << " requests to hostile backends over "
            << one.accepted() + two.accepted() << " connections; "
            << innocent_calls << " calls to the good backend alone"
            << std::endl;
}

}  // namespace
}  // namespace multi_backend
