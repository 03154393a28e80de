// What the README's table "Ways to make a channel" promises, a test for each
// cell: every way to make a channel, and what must work on it.

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/interceptor.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/intercepted_channel.h"
#include "multi_backend/tests/testing/pushing_resolver.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;
using testing::HasSubstr;

using MadeChannel = absl::StatusOr<std::shared_ptr<grpc::Channel>>;

struct Configuration {
  std::string policies;  // The value of loadBalancingConfig.
  std::string routing;   // The members of multiBackend.

  std::string Json() const {
    return absl::StrCat(R"({"loadBalancingConfig":)", policies,
                        R"(,"multiBackend":{)", routing, "}}");
  }
  std::string WithoutRouting() const {
    return absl::StrCat(R"({"loadBalancingConfig":)", policies, "}");
  }
};

MadeChannel WithCreateChannel(const std::string& target,
                              const Configuration& configuration,
                              ChannelExtras extras) {
  ChannelOptions options;
  static_cast<ChannelExtras&>(options) = std::move(extras);
  options.service_config_json = configuration.Json();
  return multi_backend::CreateChannel(
      target, grpc::InsecureChannelCredentials(), std::move(options));
}

MadeChannel Plainly(const std::string& target,
                    const Configuration& configuration, ChannelExtras extras) {
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(configuration.Json());
  const absl::Status attached = Attach(std::move(extras), &args);
  if (!attached.ok()) return attached;
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(),
                                   args);
}

// The interceptor has the routing to itself, and the sticky-key function.
MadeChannel WithAnInterceptorByHand(const std::string& target,
                                    const Configuration& configuration,
                                    ChannelExtras extras) {
  auto factory =
      MakeInterceptorFactory(Configuration{"[]", configuration.routing}.Json(),
                             std::exchange(extras.sticky_key, nullptr));
  if (!factory.ok()) return factory.status();
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(configuration.WithoutRouting());
  const absl::Status attached = Attach(std::move(extras), &args);
  if (!attached.ok()) return attached;
  return InterceptedChannel(target, *std::move(factory), args);
}

struct Way {
  const char* name;
  MadeChannel (*make)(const std::string& target,
                      const Configuration& configuration, ChannelExtras extras);
  bool our_target;  // static:/// in place of ipv4:.

  bool IsPlain() const { return make == Plainly; }
  bool IsByHand() const { return make == WithAnInterceptorByHand; }
};

void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

const Way kWays[] = {
    {"CreateChannelOnOurTarget", WithCreateChannel, true},
    {"CreateChannelOnGrpcsTarget", WithCreateChannel, false},
    {"PlainOnOurTarget", Plainly, true},
    {"PlainOnGrpcsTarget", Plainly, false},
    {"InterceptorByHandOnOurTarget", WithAnInterceptorByHand, true},
    {"InterceptorByHandOnGrpcsTarget", WithAnInterceptorByHand, false},
};

std::vector<Way> WaysWithGrpcsTarget() {
  std::vector<Way> ways;
  for (const Way& way : kWays) {
    if (!way.our_target) ways.push_back(way);
  }
  return ways;
}

constexpr char kSticky[] = R"("strategy":"STICKY")";
constexpr char kWritesToThePrimary[] =
    R"("routes":[{"match":{"method":"Create.*"},"role":"primary"}])";
constexpr char kWritesToTheReplicas[] =
    R"("routes":[{"match":{"method":"Create.*"},"role":"replica"}])";

class Registration final : public testing::Environment {
  void SetUp() override {
    RegisterPushingResolver();
    ASSERT_TRUE(Register().ok());
  }
};
const auto* const kRegistration =
    testing::AddGlobalTestEnvironment(new Registration);

// Sets http_proxy to a port where nothing listens, for channels made meanwhile.
class ProxyInTheEnvironment {
 public:
  ProxyInTheEnvironment() { setenv("http_proxy", "http://127.0.0.1:9", 1); }
  ~ProxyInTheEnvironment() { unsetenv("http_proxy"); }
};

using Names = std::set<std::string>;

class WaysTest : public testing::TestWithParam<Way> {
 protected:
  static void SetUpTestSuite() {
    auto fleet = BackendFleet::Start(
        {{"p", "primary", {}}, {"r0", "replica", {}}, {"r1", "replica", {}}});
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = fleet->release();
  }
  static void TearDownTestSuite() {
    delete fleet_;
    fleet_ = nullptr;
  }
  void SetUp() override {
    ASSERT_NE(fleet_, nullptr);
    SetAll(Succeeding());
  }

  static void SetAll(const examples::users::v1::Behaviour& behaviour) {
    for (size_t i = 0; i < fleet_->size(); ++i) {
      fleet_->SetBehaviour(i, behaviour);
    }
  }

  // The members of `policy` with the roles of the fleet, and the members of
  // multiBackend.
  static Configuration WithRoles(const std::string& policy,
                                 const std::string& routing = "") {
    return {
        absl::StrCat(R"([{"multi_backend":{)", policy,
                     policy.empty() ? "" : ",", fleet_->BackendsField(), "}}]"),
        routing};
  }

  static std::string Target() {
    return GetParam().our_target ? fleet_->StaticTarget()
                                 : fleet_->Ipv4Target();
  }

  // A channel to `target`, made in the way that is tested.
  void OpenAt(const std::string& target, const Configuration& configuration,
              ChannelExtras extras = {}) {
    MadeChannel channel =
        GetParam().make(target, configuration, std::move(extras));
    ASSERT_TRUE(channel.ok()) << channel.status();
    stub_ = Users::NewStub(*channel);
  }
  // The same, to the fleet, with a connection to each backend.
  void Open(const Configuration& configuration, ChannelExtras extras = {}) {
    OpenAt(Target(), configuration, std::move(extras));
    ASSERT_NE(stub_, nullptr);
    AwaitConnections();
  }
  void AwaitConnections() {
    std::set<std::string> served;
    ASSERT_TRUE(WaitUntil([&]() {
      std::string by;
      // A key, or the lack of one, spreads the calls of sticky channels.
      if (Call(&Users::Stub::GetUser, &by, absl::StrCat(++key_)).ok()) {
        served.insert(by);
      }
      return served.size() == fleet_->size();
    }));
  }

  template <typename Request>
  grpc::Status Call(grpc::Status (Users::Stub::*method)(grpc::ClientContext*,
                                                        const Request&,
                                                        UserReply*),
                    std::string* served_by = nullptr,
                    const std::string& key = "") {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
    if (!key.empty()) context.AddMetadata("x-key", key);
    UserReply reply;
    const grpc::Status status = (*stub_.*method)(&context, Request(), &reply);
    if (served_by != nullptr) *served_by = reply.served_by();
    return status;
  }

  // The backends that serve `count` calls; a failed call fails the test.
  template <typename Method>
  std::set<std::string> ServedBy(Method method, int count) {
    std::set<std::string> served;
    for (int i = 0; i < count; ++i) {
      std::string by;
      const grpc::Status status = Call(method, &by);
      EXPECT_TRUE(status.ok()) << status.error_message();
      served.insert(by);
    }
    return served;
  }

  // The homes of 40 keys, each of which must have one alone.  All backends are
  // home to one of so many keys, but for one time in 3 million.
  template <typename SetKey>
  Names Homes(SetKey set_key) {
    Names homes;
    for (int i = 0; i < 40; ++i) {
      Names served;
      for (int call = 0; call < 3; ++call) {
        grpc::ClientContext context;
        context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
        GetUserRequest request;
        set_key(absl::StrCat("user-", i), context, request);
        UserReply reply;
        const grpc::Status status = stub_->GetUser(&context, request, &reply);
        EXPECT_TRUE(status.ok()) << status.error_message();
        served.insert(reply.served_by());
      }
      EXPECT_EQ(served.size(), 1u) << i;
      homes.insert(*served.begin());
    }
    return homes;
  }
  Names HomesOfHeaders() {
    return Homes([](const std::string& key, grpc::ClientContext& context,
                    GetUserRequest&) { context.AddMetadata("x-key", key); });
  }

  static BackendFleet* fleet_;
  std::unique_ptr<Users::Stub> stub_;
  int key_ = 0;
};

BackendFleet* WaysTest::fleet_ = nullptr;

TEST_P(WaysTest, RoutesAreFollowed) {
  Open(WithRoles("", kWritesToThePrimary));
  EXPECT_EQ(ServedBy(&Users::Stub::CreateUser, 30), Names({"p"}));
  EXPECT_EQ(ServedBy(&Users::Stub::GetUser, 30), Names({"p", "r0", "r1"}));
}

// The library's own resolvers bring no service config, so these tests are for
// gRPC's targets.
class PushedRoutesTest : public WaysTest {};

TEST_P(PushedRoutesTest, RoutesThatTheResolverBringsLaterAreFollowed) {
  PushConfig("ways", fleet_->addresses(), "");
  // Routes of an interceptor made by hand stay as they are, so it has none.
  OpenAt("pushed:///ways",
         WithRoles("", GetParam().IsByHand() ? "" : kWritesToThePrimary));
  ASSERT_NE(stub_, nullptr);
  AwaitConnections();
  for (const auto& pushed :
       {std::make_pair(kWritesToTheReplicas, Names({"r0", "r1"})),
        std::make_pair(kWritesToThePrimary, Names({"p"}))}) {
    SCOPED_TRACE(pushed.first);
    PushConfig("ways", fleet_->addresses(), WithRoles("", pushed.first).Json());
    ASSERT_TRUE(WaitUntil([&]() {
      return ServedBy(&Users::Stub::CreateUser, 10) == pushed.second;
    }));
    EXPECT_EQ(ServedBy(&Users::Stub::CreateUser, 30), pushed.second);
  }
}

TEST_P(WaysTest, TheStickyKeyComesFromTheHeader) {
  Open(WithRoles(kSticky, R"("stickyKey":{"header":"x-key"})"));
  EXPECT_EQ(HomesOfHeaders(), Names({"p", "r0", "r1"}));
}

TEST_P(WaysTest, TheStickyKeyComesFromAFunction) {
  ChannelExtras extras;
  extras.sticky_key = [](const CallView& call) -> absl::optional<std::string> {
    const auto key = call.GetMetadata("x-key");
    if (!key.has_value()) return absl::nullopt;
    return absl::StrCat(call.method(), *key);
  };
  Open(WithRoles(kSticky), std::move(extras));
  EXPECT_EQ(HomesOfHeaders(), Names({"p", "r0", "r1"}));
}

// Only an interceptor sees the request.
TEST_P(WaysTest, TheStickyKeyComesFromTheRequest) {
  const Configuration configuration =
      WithRoles(kSticky, R"("stickyKey":{"requestField":"user_id"})");
  if (GetParam().IsPlain()) {
    OpenAt(Target(), configuration);
    ASSERT_NE(stub_, nullptr);
    const grpc::Status status = Call(&Users::Stub::GetUser);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
    EXPECT_THAT(status.error_message(),
                HasSubstr("only an interceptor sees the request"));
    return;
  }
  Open(configuration);
  EXPECT_EQ(Homes([](const std::string& key, grpc::ClientContext&,
                     GetUserRequest& request) { request.set_user_id(key); }),
            Names({"p", "r0", "r1"}));
}

// With two retries a call finds the one good backend only if no retry goes to a
// backend that it has tried.
TEST_P(WaysTest, ARetryGoesToABackendThatTheCallHasNotTried) {
  Open(WithRoles(
      R"("failover":{"maxRetries":2,
                     "budget":{"ratio":1,"minRetriesPerSecond":1000}})"));
  fleet_->SetBehaviour(1, Failing());
  fleet_->SetBehaviour(2, Failing());
  EXPECT_EQ(ServedBy(&Users::Stub::GetUser, 60), Names({"p"}));
}

// gRPC alone would say CANCELLED.
TEST_P(WaysTest, TheStatusOfAnAttemptThatTimedOut) {
  Open(WithRoles(R"("failover":{"maxRetries":1,"perTryTimeout":"0.3s"})"));
  SetAll(Hanging());
  EXPECT_EQ(Call(&Users::Stub::GetUser).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
}

// Without a backlog the call would be refused at once, with UNAVAILABLE.
TEST_P(WaysTest, CallsWaitInTheBacklog) {
  ChannelExtras extras;
  const std::shared_ptr<BackendPool> pool = BackendPool::Create();
  extras.pool = pool;
  Open(WithRoles(R"("backlog":{"timeout":"0.3s","overloadTimeout":"30s"})"),
       std::move(extras));
  for (const std::string& address : fleet_->addresses()) {
    pool->MarkUnhealthy(address);
  }
  EXPECT_EQ(Call(&Users::Stub::GetUser).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_P(WaysTest, ThePoolShowsAndMarksTheBackends) {
  ChannelExtras extras;
  const std::shared_ptr<BackendPool> pool = BackendPool::Create();
  extras.pool = pool;
  Open(WithRoles(""), std::move(extras));
  EXPECT_EQ(pool->GetAllBackends().size(), 3u);
  pool->MarkUnhealthy(fleet_->address(0));
  EXPECT_EQ(ServedBy(&Users::Stub::GetUser, 30), Names({"r0", "r1"}));
}

// A sink that counts.
class CountingSink final : public MetricsSink {
 public:
  explicit CountingSink(std::string target) : target_(std::move(target)) {}

  void OnAttemptEnded(const AttemptEnded& attempt) override {
    EXPECT_EQ(attempt.target.text, target_);
    absl::MutexLock lock(&mutex_);
    ++attempts_[absl::StrCat(attempt.role.text, " ",
                             absl::StatusCodeToString(attempt.status))];
  }
  void OnCallEnded(const CallEnded& call) override {
    EXPECT_EQ(call.target.text, target_);
    absl::MutexLock lock(&mutex_);
    ++calls_[absl::StrCat(call.method.text, " ", call.role, " ",
                          absl::StatusCodeToString(call.status))];
    routes_.insert(std::string(call.route.text));
  }

  using Counts = std::map<std::string, int>;
  Counts attempts() const {
    absl::MutexLock lock(&mutex_);
    return attempts_;
  }
  Counts calls() const {
    absl::MutexLock lock(&mutex_);
    return calls_;
  }
  Names routes() const {
    absl::MutexLock lock(&mutex_);
    return routes_;
  }
  void Clear() {
    absl::MutexLock lock(&mutex_);
    attempts_.clear();
    calls_.clear();
    routes_.clear();
  }

 private:
  const std::string target_;
  mutable absl::Mutex mutex_;
  Counts attempts_ ABSL_GUARDED_BY(mutex_);
  Counts calls_ ABSL_GUARDED_BY(mutex_);
  Names routes_ ABSL_GUARDED_BY(mutex_);
};

TEST_P(WaysTest, SinksAreToldOfEachAttemptAndEachCall) {
  const auto sink = std::make_shared<CountingSink>(Target());
  ChannelExtras extras;
  extras.sinks = {sink};
  std::atomic<int> ended{0};
  extras.on_call_end = [&ended](const CallEnded& call) {
    EXPECT_EQ(call.attempts.size(), static_cast<size_t>(call.attempts_made));
    ++ended;
  };
  Open(WithRoles(R"("failover":{"maxRetries":1,
                    "budget":{"ratio":1,"minRetriesPerSecond":1000}},
                    "health":{"passive":{"enabled":false}})",
                 kWritesToTheReplicas),
       std::move(extras));
  fleet_->ResetStats();
  sink->Clear();
  ended = 0;
  fleet_->SetBehaviour(1, Failing());
  fleet_->SetBehaviour(2, Failing());
  for (int i = 0; i < 10; ++i) Call(&Users::Stub::CreateUser);
  EXPECT_EQ(
      sink->calls(),
      (CountingSink::Counts{
          {"/examples.users.v1.Users/CreateUser replica UNAVAILABLE", 10}}));
  EXPECT_EQ(sink->attempts(),
            (CountingSink::Counts{{"replica UNAVAILABLE", 20}}));
  EXPECT_EQ(fleet_->TotalCalls(), 20);
  EXPECT_EQ(ended, 10);
  // The channel does not see the rules of an interceptor made by hand.
  EXPECT_EQ(sink->routes(),
            Names({GetParam().IsByHand() ? "" : "Create.* -> replica"}));
}

// Calls that wait for the resolver, and never get further.
TEST_P(WaysTest, SinksAreToldOfCallsThatNoResolverServes) {
  const std::string target =
      GetParam().our_target ? "group:///nobody" : "dns:///nobody.invalid:1";
  const auto sink = std::make_shared<CountingSink>(target);
  ChannelExtras extras;
  extras.sinks = {sink};
  MadeChannel channel =
      GetParam().make(target, WithRoles(""), std::move(extras));
  if (GetParam().our_target && GetParam().make == WithCreateChannel) {
    EXPECT_FALSE(channel.ok()) << "it knows that there is no such group";
    return;
  }
  ASSERT_TRUE(channel.ok()) << channel.status();
  stub_ = Users::NewStub(*channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(1)));
  context.set_wait_for_ready(true);
  UserReply reply;
  const grpc::Status status =
      stub_->GetUser(&context, GetUserRequest(), &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(sink->calls(),
            (CountingSink::Counts{
                {"/examples.users.v1.Users/GetUser  DEADLINE_EXCEEDED", 1}}));
  EXPECT_EQ(sink->attempts(), CountingSink::Counts());
}

TEST_P(WaysTest, AProxyOfTheEnvironmentIsNotUsed) {
  // The fleet's own channels are made before.
  const ProxyInTheEnvironment proxy;
  OpenAt(Target(), WithRoles(""));
  ASSERT_NE(stub_, nullptr);
  EXPECT_EQ(ServedBy(&Users::Stub::GetUser, 1).size(), 1u);
}

// The label filter refuses the calls of an interceptor made by hand, whose
// channel has no routes of its own.
TEST_P(WaysTest, RoutesBesideAForeignPolicyAreRefused) {
  fleet_->ResetStats();
  MadeChannel channel = GetParam().make(
      Target(), {R"([{"round_robin":{}}])", kWritesToThePrimary}, {});
  const char* const why = GetParam().IsByHand()
                              ? "its channel does not use multi_backend"
                              : "the channel's LB policy is \"round_robin\"";
  if (GetParam().make == WithCreateChannel) {
    EXPECT_EQ(channel.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(channel.status().message()), HasSubstr(why));
    return;
  }
  ASSERT_TRUE(channel.ok()) << channel.status();
  stub_ = Users::NewStub(*channel);
  const grpc::Status status = Call(&Users::Stub::CreateUser);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), HasSubstr(why));
  EXPECT_EQ(fleet_->TotalCalls(), 0);
}

TEST_P(WaysTest, ABadConfigurationIsRefusedWithTheFieldPath) {
  MadeChannel channel = GetParam().make(
      Target(), WithRoles("", R"("routes":[{"match":{"method":"("}}])"), {});
  const char* const why = "routes[0].match.method";
  if (!GetParam().IsPlain()) {
    EXPECT_EQ(channel.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(channel.status().message()), HasSubstr(why));
    return;
  }
  ASSERT_TRUE(channel.ok()) << channel.status();
  stub_ = Users::NewStub(*channel);
  EXPECT_THAT(Call(&Users::Stub::GetUser).error_message(), HasSubstr(why));
}

std::string NameOf(const testing::TestParamInfo<Way>& row) {
  return row.param.name;
}
INSTANTIATE_TEST_SUITE_P(Ways, WaysTest, testing::ValuesIn(kWays), NameOf);
INSTANTIATE_TEST_SUITE_P(Ways, PushedRoutesTest,
                         testing::ValuesIn(WaysWithGrpcsTarget()), NameOf);

// The other targets of gRPC's own resolvers have one backend each, so a route
// to a role that this backend does not have tells whether routes are followed.
class SingleBackendWaysTest : public testing::Test {
 protected:
  class Service final : public Users::Service {
    grpc::Status GetUser(grpc::ServerContext*, const GetUserRequest*,
                         UserReply* reply) override {
      reply->set_served_by("single");
      return grpc::Status::OK;
    }
  };

  static void ExpectRoutesOn(const std::string& target) {
    for (const auto make :
         {WithCreateChannel, Plainly, WithAnInterceptorByHand}) {
      MadeChannel channel =
          make(target, {R"([{"multi_backend":{}}])", kWritesToThePrimary}, {});
      ASSERT_TRUE(channel.ok()) << channel.status();
      const auto stub = Users::NewStub(*channel);
      for (const bool write : {false, true}) {
        grpc::ClientContext context;
        context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
        UserReply reply;
        const grpc::Status status = write
                                        ? stub->CreateUser(&context, {}, &reply)
                                        : stub->GetUser(&context, {}, &reply);
        if (write) {
          EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
          EXPECT_THAT(status.error_message(), HasSubstr("primary"));
        } else {
          EXPECT_TRUE(status.ok()) << status.error_message();
        }
      }
    }
  }
};

TEST_F(SingleBackendWaysTest, Dns) {
  Service service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);
  ExpectRoutesOn(absl::StrCat("dns:///localhost:", port));
  ExpectRoutesOn(absl::StrCat("localhost:", port));
}

TEST_F(SingleBackendWaysTest, Unix) {
  // testing::TempDir() may be longer than a socket's path may be.
  char directory[] = "/tmp/ways-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string address = absl::StrCat("unix:", directory, "/socket");
  {
    Service service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    const auto server = builder.BuildAndStart();
    ASSERT_NE(server, nullptr);
    ExpectRoutesOn(address);
  }
  unlink(absl::StrCat(directory, "/socket").c_str());
  rmdir(directory);
}

}  // namespace
}  // namespace multi_backend
