// Register() followed by gRPC's own functions: what works with which resolver,
// and that channels which do not use this library are left alone.

#include <grpcpp/grpcpp.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/interceptor.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/intercepted_channel.h"

namespace multi_backend {
namespace {

using examples::users::v1::Behaviour;
using examples::users::v1::CreateUserRequest;
using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;
using testing::AllOf;
using testing::HasSubstr;

constexpr absl::Duration kCallTimeout = absl::Seconds(10);

class PlainGrpcTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    auto fleet = BackendFleet::Start(
        {{"p", "primary", {}}, {"r0", "replica", {}}, {"r1", "replica", {}}});
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }

  std::unique_ptr<Users::Stub> StubFor(const std::string& target,
                                       const grpc::ChannelArguments& args) {
    return Users::NewStub(grpc::CreateCustomChannel(
        target, grpc::InsecureChannelCredentials(), args));
  }

  // With the routing interceptor: Create… goes to the primary.
  std::unique_ptr<Users::Stub> RoutedStubFor(
      const std::string& target, const grpc::ChannelArguments& args) {
    auto factory = MakeInterceptorFactory(R"({"multiBackend":{"routes":[
        {"match":{"method":"Create.*"},"role":"primary"}]}})");
    EXPECT_TRUE(factory.ok()) << factory.status();
    return Users::NewStub(
        InterceptedChannel(target, *std::move(factory), args));
  }

  // Returns a service config with the members of `policy`, the roles of the
  // fleet, and the members of `multiBackend`.
  std::string ConfigWithRoles(const std::string& policy,
                              const std::string& routing = "") {
    return absl::StrCat(R"({"loadBalancingConfig":[{"multi_backend":{)", policy,
                        fleet_->BackendsField(), R"(}}],"multiBackend":{)",
                        routing, "}}");
  }

  template <typename Request>
  static grpc::Status Call(
      Users::Stub& stub,
      grpc::Status (Users::Stub::*method)(grpc::ClientContext*, const Request&,
                                          UserReply*),
      std::string* served_by = nullptr) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    UserReply reply;
    const grpc::Status status = (stub.*method)(&context, Request(), &reply);
    if (served_by != nullptr) *served_by = reply.served_by();
    return status;
  }

  // Makes `calls` calls and returns the count for each backend; a failed call
  // fails the test.
  static std::map<std::string, int> Spread(Users::Stub& stub, int calls) {
    std::map<std::string, int> served;
    for (int i = 0; i < calls; ++i) {
      std::string by;
      const grpc::Status status = Call(stub, &Users::Stub::GetUser, &by);
      EXPECT_TRUE(status.ok()) << status.error_message();
      ++served[by];
    }
    return served;
  }
  // Calls until `count` backends have served one.
  static bool CallUntilServedBy(Users::Stub& stub, size_t count) {
    std::map<std::string, int> served;
    const absl::Time deadline = absl::Now() + kCallTimeout;
    while (served.size() < count && absl::Now() < deadline) {
      for (const auto& item : Spread(stub, 10)) served[item.first] = 1;
    }
    return served.size() == count;
  }
  static void ExpectEvenSpread(Users::Stub& stub) {
    ASSERT_TRUE(CallUntilServedBy(stub, 3));
    const std::map<std::string, int> served = Spread(stub, 300);
    EXPECT_EQ(served.size(), 3u);
    for (const auto& item : served) EXPECT_EQ(item.second, 100) << item.first;
  }

  std::unique_ptr<BackendFleet> fleet_;
};

TEST_F(PlainGrpcTest, ThePolicyByNameBalancesAnyResolversAddresses) {
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName("multi_backend");
  for (const std::string& target :
       {fleet_->Ipv4Target(), fleet_->StaticTarget()}) {
    SCOPED_TRACE(target);
    auto stub = StubFor(target, args);
    ExpectEvenSpread(*stub);
  }
}

TEST_F(PlainGrpcTest, ThePolicyByNameBalancesARegisteredGroup) {
  EndpointList endpoints;
  for (const std::string& address : fleet_->addresses()) {
    endpoints.push_back(*Endpoint::Parse(address));
  }
  auto group = StaticEndpointGroup::Make(std::move(endpoints));
  ASSERT_TRUE(group.ok()) << group.status();
  ASSERT_TRUE(EndpointGroupRegistry::Register("plain", *group).ok());
  grpc::ChannelArguments by_name;
  by_name.SetLoadBalancingPolicyName("multi_backend");
  // The target alone is enough, too.
  for (const grpc::ChannelArguments& args :
       {by_name, grpc::ChannelArguments()}) {
    auto stub = StubFor("group:///plain", args);
    ExpectEvenSpread(*stub);
  }
  EndpointGroupRegistry::Unregister("plain");
}

TEST_F(PlainGrpcTest, AGroupThatIsUnknownFailsEachCall) {
  auto stub = StubFor("group:///unknown", grpc::ChannelArguments());
  for (int i = 0; i < 5; ++i) {
    for (const auto& status : {Call(*stub, &Users::Stub::GetUser),
                               Call(*stub, &Users::Stub::CreateUser)}) {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
      EXPECT_THAT(
          status.error_message(),
          HasSubstr("multi_backend: group \"unknown\" is not registered"));
    }
  }
  EXPECT_EQ(fleet_->TotalCalls(), 0);
}

TEST_F(PlainGrpcTest, AGroupMayBeRegisteredAfterItsChannel) {
  auto stub = StubFor("group:///later", grpc::ChannelArguments());
  EXPECT_THAT(Call(*stub, &Users::Stub::GetUser).error_message(),
              HasSubstr("group \"later\" is not registered"));
  EndpointList endpoints;
  for (const std::string& address : fleet_->addresses()) {
    endpoints.push_back(*Endpoint::Parse(address));
  }
  auto group = StaticEndpointGroup::Make(std::move(endpoints));
  ASSERT_TRUE(group.ok()) << group.status();
  ASSERT_TRUE(EndpointGroupRegistry::Register("later", *group).ok());
  // The channel hears of it on another thread.
  const absl::Time deadline = absl::Now() + kCallTimeout;
  grpc::Status status;
  do {
    status = Call(*stub, &Users::Stub::GetUser);
  } while (!status.ok() && absl::Now() < deadline);
  EXPECT_TRUE(status.ok()) << status.error_message();
  ExpectEvenSpread(*stub);
  EndpointGroupRegistry::Unregister("later");
}

TEST_F(PlainGrpcTest, TheServiceConfigOfTheArgumentsConfiguresThePolicy) {
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(ConfigWithRoles(R"("strategy":"PRIMARY",)"));
  for (const std::string& target :
       {fleet_->Ipv4Target(), fleet_->StaticTarget()}) {
    SCOPED_TRACE(target);
    auto stub = StubFor(target, args);
    // The other backends serve until the first one is connected.
    std::string by;
    const absl::Time deadline = absl::Now() + kCallTimeout;
    while (by != "p" && absl::Now() < deadline) {
      ASSERT_TRUE(Call(*stub, &Users::Stub::GetUser, &by).ok());
    }
    const std::map<std::string, int> all_by_the_first = {{"p", 100}};
    EXPECT_EQ(Spread(*stub, 100), all_by_the_first);
  }
}

constexpr char kWritesToThePrimary[] =
    R"("routes":[{"match":{"method":"Create.*"},"role":"primary"}])";

TEST_F(PlainGrpcTest, RoutesOfTheServiceConfigAreFollowedOnEveryTarget) {
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(ConfigWithRoles("", kWritesToThePrimary));
  for (const std::string& target :
       {fleet_->StaticTarget(), fleet_->Ipv4Target()}) {
    SCOPED_TRACE(target);
    auto stub = StubFor(target, args);
    ASSERT_TRUE(CallUntilServedBy(*stub, 3));
    fleet_->ResetStats();
    for (int i = 0; i < 30; ++i) {
      const grpc::Status status = Call(*stub, &Users::Stub::CreateUser);
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
    EXPECT_EQ(fleet_->CallsOf(0, "CreateUser"), 30);
    EXPECT_EQ(fleet_->TotalCalls(), 30);
  }
}

// The policy's name alone does not choose another service config.
TEST_F(PlainGrpcTest, RoutesAreFollowedWhenOnlyMultiBackendIsGiven) {
  EndpointList endpoints;
  for (size_t i = 0; i < fleet_->size(); ++i) {
    endpoints.push_back(
        Endpoint::Parse(fleet_->address(i))->WithRole(fleet_->role(i)));
  }
  auto group = StaticEndpointGroup::Make(std::move(endpoints));
  ASSERT_TRUE(group.ok()) << group.status();
  ASSERT_TRUE(EndpointGroupRegistry::Register("with-roles", *group).ok());
  for (const char* policy : {"", R"("loadBalancingPolicy":"multi_backend",)"}) {
    SCOPED_TRACE(policy);
    grpc::ChannelArguments args;
    args.SetServiceConfigJSON(absl::StrCat("{", policy, R"("multiBackend":{)",
                                           kWritesToThePrimary, "}}"));
    auto stub = StubFor("group:///with-roles", args);
    ASSERT_TRUE(CallUntilServedBy(*stub, 3));
    for (int i = 0; i < 30; ++i) {
      std::string by;
      ASSERT_TRUE(Call(*stub, &Users::Stub::CreateUser, &by).ok());
      EXPECT_EQ(by, "p");
    }
  }
  EndpointGroupRegistry::Unregister("with-roles");
}

TEST_F(PlainGrpcTest, ARouteWhoseRoleHasNoBackendFailsTheCall) {
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(ConfigWithRoles(
      "", R"("routes":[{"match":{"method":"Create.*"},"role":"nobody"}])"));
  for (const std::string& target :
       {fleet_->StaticTarget(), fleet_->Ipv4Target()}) {
    SCOPED_TRACE(target);
    auto stub = StubFor(target, args);
    const grpc::Status status = Call(*stub, &Users::Stub::CreateUser);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_THAT(status.error_message(), HasSubstr("nobody"));
    EXPECT_EQ(fleet_->TotalCalls(), 0);
  }
}

TEST_F(PlainGrpcTest, TheStickyKeyHeaderOfTheServiceConfigIsRead) {
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(ConfigWithRoles(
      R"("strategy":"STICKY",)", R"("stickyKey":{"header":"x-user"})"));
  for (const std::string& target :
       {fleet_->StaticTarget(), fleet_->Ipv4Target()}) {
    SCOPED_TRACE(target);
    auto stub = StubFor(target, args);
    ASSERT_TRUE(CallUntilServedBy(*stub, 3));
    std::set<std::string> homes;
    for (int key = 0; key < 40; ++key) {
      std::set<std::string> served_by;
      for (int i = 0; i < 3; ++i) {
        grpc::ClientContext context;
        context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
        // The trail's own entry comes before the key, and is taken off.
        absl::optional<AttemptTrail> trail;
        if (i == 1) trail.emplace(&context);
        context.AddMetadata("x-user", absl::StrCat("user-", key));
        if (i == 1) context.AddMetadata("x-user-after", "another");
        UserReply reply;
        const grpc::Status status =
            stub->GetUser(&context, GetUserRequest(), &reply);
        ASSERT_TRUE(status.ok()) << status.error_message();
        served_by.insert(reply.served_by());
      }
      EXPECT_EQ(served_by.size(), 1u) << key;
      homes.insert(*served_by.begin());
    }
    EXPECT_EQ(homes.size(), 3u);
  }
}

TEST_F(PlainGrpcTest, ARequestFieldNeedsAnInterceptorAndIsRefusedWithoutOne) {
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(ConfigWithRoles(
      R"("strategy":"STICKY",)", R"("stickyKey":{"requestField":"user_id"})"));
  auto stub = StubFor(fleet_->StaticTarget(), args);
  const grpc::Status status = Call(*stub, &Users::Stub::GetUser);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(),
              AllOf(HasSubstr("stickyKey.requestField"),
                    HasSubstr("only an interceptor sees the request")));
  EXPECT_EQ(fleet_->TotalCalls(), 0);
}

// An xDS control plane chooses the policies itself.
TEST_F(PlainGrpcTest, RoutesOnAnXdsTargetFailEachCallWithTheReason) {
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(ConfigWithRoles("", kWritesToThePrimary));
  auto stub = StubFor("xds:///users", args);
  const grpc::Status status = Call(*stub, &Users::Stub::CreateUser);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), HasSubstr("the control plane chooses"));
}

// When another policy is chosen beside routes, no call is sent anywhere.
TEST_F(PlainGrpcTest, RoutesBesideAnotherPolicyFailEachCallWithTheReason) {
  struct Row {
    const char* name;
    std::string config;
    const char* policy_arg;
  };
  const std::string routing =
      absl::StrCat(R"("multiBackend":{)", kWritesToThePrimary, "}");
  const Row rows[] = {
      {"InTheList",
       absl::StrCat(R"({"loadBalancingConfig":[{"round_robin":{}}],)", routing,
                    "}"),
       nullptr},
      {"FirstInTheList",
       absl::StrCat(R"({"loadBalancingConfig":[{"round_robin":{}},
                        {"multi_backend":{}}],)",
                    routing, "}"),
       nullptr},
      {"ByTheOldName",
       absl::StrCat(R"({"loadBalancingPolicy":"round_robin",)", routing, "}"),
       nullptr},
      {"InTheArgs", absl::StrCat("{", routing, "}"), "round_robin"},
  };
  for (const Row& row : rows) {
    for (const std::string& target :
         {fleet_->StaticTarget(), fleet_->Ipv4Target()}) {
      SCOPED_TRACE(absl::StrCat(row.name, " ", target));
      grpc::ChannelArguments args;
      args.SetServiceConfigJSON(row.config);
      if (row.policy_arg != nullptr) {
        args.SetLoadBalancingPolicyName(row.policy_arg);
      }
      auto stub = StubFor(target, args);
      for (const auto& status : {Call(*stub, &Users::Stub::CreateUser),
                                 Call(*stub, &Users::Stub::GetUser)}) {
        EXPECT_FALSE(status.ok());
        EXPECT_THAT(status.error_message(),
                    AllOf(HasSubstr("multiBackend"),
                          HasSubstr("cannot be followed: the channel's LB "
                                    "policy is \"round_robin\"")));
        EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
      }
    }
  }
  EXPECT_EQ(fleet_->TotalCalls(), 0);
}

// The interceptor's route takes precedence over the service config's own route,
// which would send the calls to a replica.
TEST_F(PlainGrpcTest, RoutesOfAnInterceptorMadeByHandWinOnEveryTarget) {
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(ConfigWithRoles(
      "", R"("routes":[{"match":{"method":"Create.*"},"role":"replica"}])"));
  for (const std::string& target :
       {fleet_->StaticTarget(), fleet_->Ipv4Target()}) {
    SCOPED_TRACE(target);
    auto stub = RoutedStubFor(target, args);
    ASSERT_TRUE(CallUntilServedBy(*stub, 3));
    for (int i = 0; i < 30; ++i) {
      std::string by;
      const grpc::Status status = Call(*stub, &Users::Stub::CreateUser, &by);
      ASSERT_TRUE(status.ok()) << status.error_message();
      EXPECT_EQ(by, "p");
    }
  }
}

// Sets http_proxy to a port where nothing listens, for channels made meanwhile.
class ProxyInTheEnvironment {
 public:
  ProxyInTheEnvironment() { setenv("http_proxy", "http://127.0.0.1:9", 1); }
  ~ProxyInTheEnvironment() { unsetenv("http_proxy"); }
};

// Core gives the whole target to the proxy, whose address would then be the
// only backend.
TEST_F(PlainGrpcTest, AProxyOfTheEnvironmentDoesNotTakeOurTargets) {
  auto group =
      StaticEndpointGroup::Make({*Endpoint::Parse(fleet_->address(0)),
                                 *Endpoint::Parse(fleet_->address(1)),
                                 *Endpoint::Parse(fleet_->address(2))});
  ASSERT_TRUE(group.ok()) << group.status();
  ASSERT_TRUE(EndpointGroupRegistry::Register("proxied", *group).ok());
  grpc::ChannelArguments named;
  named.SetLoadBalancingPolicyName("multi_backend");
  const struct {
    std::string target;
    grpc::ChannelArguments args;
  } rows[] = {
      {fleet_->StaticTarget(), {}},
      {"group:///proxied", {}},
      {fleet_->StaticTarget(), named},
      {fleet_->Ipv4Target(), named},
  };
  const ProxyInTheEnvironment proxy;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.target);
    auto stub = StubFor(row.target, row.args);
    ExpectEvenSpread(*stub);
    if (HasFailure()) break;  // Each call to the proxy fails.
  }
  EndpointGroupRegistry::Unregister("proxied");
}

TEST_F(PlainGrpcTest, AProxyThatTheArgsAskForIsUsed) {
  const ProxyInTheEnvironment proxy;
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 1);
  auto stub = StubFor(fleet_->StaticTarget(), args);
  EXPECT_THAT(Call(*stub, &Users::Stub::GetUser).error_message(),
              HasSubstr("127.0.0.1:9"));
}

// Channels that do not use this library keep the proxy.
TEST_F(PlainGrpcTest, AStockChannelKeepsTheProxyOfTheEnvironment) {
  const ProxyInTheEnvironment proxy;
  auto stub = StubFor(fleet_->Ipv4Target(), grpc::ChannelArguments());
  EXPECT_FALSE(Call(*stub, &Users::Stub::GetUser).ok());
}

TEST_F(PlainGrpcTest, AStockRoundRobinChannelIsUntouched) {
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName("round_robin");
  auto stub = StubFor(fleet_->Ipv4Target(), args);
  ExpectEvenSpread(*stub);
  Behaviour failing;
  failing.set_fail_code("UNAVAILABLE");
  fleet_->SetBehaviour(1, failing);
  int failed = 0;
  for (int i = 0; i < 30; ++i) {
    failed += !Call(*stub, &Users::Stub::GetUser).ok();
  }
  EXPECT_EQ(failed, 10);  // This library does not retry.
}

TEST_F(PlainGrpcTest, AStockChannelFollowsItsOwnServiceConfig) {
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(
      R"({"loadBalancingConfig":[{"round_robin":{}}],
          "methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":3,
            "initialBackoff":"0.002s","maxBackoff":"0.01s",
            "backoffMultiplier":2,
            "retryableStatusCodes":["UNAVAILABLE"]}}]})");
  for (const std::string& target :
       {fleet_->Ipv4Target(), fleet_->StaticTarget()}) {
    SCOPED_TRACE(target);
    fleet_->SetBehaviour(1, Behaviour());
    auto stub = StubFor(target, args);
    ExpectEvenSpread(*stub);
    Behaviour failing;
    failing.set_fail_code("UNAVAILABLE");
    fleet_->SetBehaviour(1, failing);
    EXPECT_EQ(Spread(*stub, 60).count("r0"), 0u);  // Its own retries.
  }
}

TEST_F(PlainGrpcTest, AChannelWithoutAnyConfigurationIsGrpcsPickFirst) {
  auto stub = StubFor(fleet_->Ipv4Target(), grpc::ChannelArguments());
  EXPECT_EQ(Spread(*stub, 50).size(), 1u);
}

}  // namespace
}  // namespace multi_backend
