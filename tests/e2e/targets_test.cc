// Targets: which ones are refused, and with what text; and that each of gRPC's
// own resolvers works behind CreateChannel(), with routes and failover.

#include <grpcpp/grpcpp.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"

namespace multi_backend {
namespace {

using examples::users::v1::Behaviour;
using examples::users::v1::CreateUserRequest;
using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;
using testing::HasSubstr;

constexpr absl::Duration kCallTimeout = absl::Seconds(10);

struct BadTarget {
  const char* name;
  std::string target;
  absl::StatusCode code;
  std::string message;
};

void PrintTo(const BadTarget& row, std::ostream* out) { *out << row.target; }

class BadTargetTest : public testing::TestWithParam<BadTarget> {};

TEST_P(BadTargetTest, IsRefusedByCreateChannel) {
  const auto channel = multi_backend::CreateChannel(
      GetParam().target, grpc::InsecureChannelCredentials());
  EXPECT_EQ(channel.status().code(), GetParam().code);
  EXPECT_EQ(std::string(channel.status().message()), GetParam().message);
}

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

INSTANTIATE_TEST_SUITE_P(
    Targets, BadTargetTest,
    testing::Values(
        BadTarget{"PortTooLarge", "static:///a:99999", kInvalid,
                  "static target: endpoint 1: address \"a:99999\": port must "
                  "be 1..65535"},
        BadTarget{"PortZero", "static:///a:0", kInvalid,
                  "static target: endpoint 1: address \"a:0\": port must be "
                  "1..65535"},
        BadTarget{"PortIsAWord", "static:///a:http", kInvalid,
                  "static target: endpoint 1: address \"a:http\": port "
                  "\"http\" is not a number"},
        BadTarget{"NoPort", "static:///10.0.0.1:1,b", kInvalid,
                  "static target: endpoint 2: address \"b\": port is missing, "
                  "write host:port"},
        BadTarget{"NoHost", "static:///:50051", kInvalid,
                  "static target: endpoint 1: address \":50051\": host is "
                  "missing, write host:port"},
        BadTarget{"EmptyElement", "static:///a:1,,b:2", kInvalid,
                  "static target: endpoint 2 is empty"},
        BadTarget{"TrailingComma", "static:///a:1,", kInvalid,
                  "static target: endpoint 2 is empty"},
        BadTarget{"EmptyList", "static:///", kInvalid,
                  "target \"static:///\": empty list: write "
                  "static:///host:port,host:port, or give `backends` in the "
                  "service config"},
        BadTarget{"EmptyListWithoutSlashes", "static:", kInvalid,
                  "target \"static:///\": empty list: write "
                  "static:///host:port,host:port, or give `backends` in the "
                  "service config"},
        BadTarget{"DuplicateAddress", "static:///a:1,b:2,A:1", kInvalid,
                  "static target: endpoint 3: address \"A:1\" is a duplicate "
                  "of endpoint 1"},
        BadTarget{"DuplicateIpv6Spelling",
                  "static:///%5B::1%5D:1,%5B0:0::1%5D:1", kInvalid,
                  "static target: endpoint 2: address \"[0:0::1]:1\" is a "
                  "duplicate of endpoint 1"},
        BadTarget{"UnclosedBracket", "static:///%5B::1:50051", kInvalid,
                  "static target: endpoint 1: address \"[::1:50051\": \"[\" "
                  "has no matching \"]\""},
        BadTarget{"BadIpv4", "static:///1.2.3.256:1", kInvalid,
                  "static target: endpoint 1: address \"1.2.3.256:1\": host is "
                  "not an IPv4 address"},
        BadTarget{"SpaceInHost", "static:///a%20b:1", kInvalid,
                  "static target: endpoint 1: address \"a b:1\": host must not "
                  "contain \" \""},
        BadTarget{
            "UnknownGroup", "group:///unknown", absl::StatusCode::kNotFound,
            "group \"unknown\" is not registered; no group is registered"},
        BadTarget{"GroupWithoutName", "group:///", kInvalid,
                  "group name \"\" is empty"},
        BadTarget{"GroupNameWithSlash", "group:///a/b", kInvalid,
                  "group name \"a/b\" must not contain \"/\", only letters, "
                  "digits and \"_.-\""},
        BadTarget{"GroupNameTooLong",
                  absl::StrCat("group:///", std::string(129, 'x')), kInvalid,
                  absl::StrCat("group name \"", std::string(128, 'x'),
                               "...\" is longer than 128 characters")},
        BadTarget{"Empty", "", kInvalid, "target \"\" is not valid"},
        BadTarget{"BadIpv4Target", "ipv4:1.2.3.4.5:1", kInvalid,
                  "target \"ipv4:1.2.3.4.5:1\" is not valid"},
        BadTarget{"BadIpv6Target", "ipv6:zz", kInvalid,
                  "target \"ipv6:zz\" is not valid"}),
    [](const testing::TestParamInfo<BadTarget>& info) {
      return std::string(info.param.name);
    });

TEST(TargetsTest, NullCredentialsAreRefused) {
  const auto channel =
      multi_backend::CreateChannel("static:///127.0.0.1:1", nullptr);
  EXPECT_EQ(channel.status(),
            absl::InvalidArgumentError("CreateChannel: creds is null"));
}

// gRPC takes a text without a known scheme as a name to look up in DNS.
TEST(TargetsTest, ANonsenseSchemeFailsCallsAsAnUnknownHostDoes) {
  ChannelOptions options;
  options.args.SetInt(GRPC_ARG_DNS_ARES_QUERY_TIMEOUT_MS, 200);
  auto channel = multi_backend::CreateChannel(
      "nonsense://a:1", grpc::InsecureChannelCredentials(), std::move(options));
  ASSERT_TRUE(channel.ok()) << channel.status();
  auto stub = Users::NewStub(*channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  UserReply reply;
  const grpc::Status status = stub->GetUser(&context, GetUserRequest(), &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE)
      << status.error_message();
}

class WorkingTargetsTest : public testing::Test {
 protected:
  void StartFleet(const std::vector<BackendSpec>& specs) {
    ASSERT_TRUE(Register().ok());
    auto fleet = BackendFleet::Start(specs);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }

  std::unique_ptr<Users::Stub> StubFor(const std::string& target,
                                       ChannelOptions options = {}) {
    auto channel = multi_backend::CreateChannel(
        target, grpc::InsecureChannelCredentials(), std::move(options));
    EXPECT_TRUE(channel.ok()) << channel.status();
    return channel.ok() ? Users::NewStub(*channel) : nullptr;
  }

  template <typename Request>
  grpc::Status Call(Users::Stub& stub,
                    grpc::Status (Users::Stub::*method)(grpc::ClientContext*,
                                                        const Request&,
                                                        UserReply*),
                    std::string* served_by = nullptr) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    context.set_wait_for_ready(true);
    UserReply reply;
    const grpc::Status status = (stub.*method)(&context, Request(), &reply);
    if (served_by != nullptr) *served_by = reply.served_by();
    return status;
  }

  // Calls until each backend has begun one; false when a call fails first.
  bool CallUntilAllServed(Users::Stub& stub) {
    const absl::Time deadline = absl::Now() + kCallTimeout;
    while (absl::Now() < deadline) {
      for (int i = 0; i < 20; ++i) {
        for (const grpc::Status& status :
             {Call(stub, &Users::Stub::GetUser),
              Call(stub, &Users::Stub::CreateUser)}) {
          EXPECT_TRUE(status.ok()) << status.error_message();
          if (!status.ok()) return false;
        }
      }
      size_t served = 0;
      for (size_t i = 0; i < fleet_->size(); ++i) {
        served += fleet_->CallsOf(i) > 0;
      }
      if (served == fleet_->size()) return true;
    }
    return false;
  }

  std::string PortOf(size_t index) {
    return absl::StrCat(fleet_->server(index).port());
  }

  std::unique_ptr<BackendFleet> fleet_;
};

TEST_F(WorkingTargetsTest, HostNamesAndAddressesMixInOneList) {
  StartFleet({{"a", "", {}}, {"b", "", {}}, {"c", "", {}}});
  auto stub =
      StubFor(absl::StrCat("static:///localhost:", PortOf(0), ",",
                           fleet_->address(1), ",LOCALHOST:", PortOf(2)));
  EXPECT_TRUE(CallUntilAllServed(*stub));
}

// c-ares gives up on this name; the others must not wait long for that.
TEST_F(WorkingTargetsTest, AHostNameThatDoesNotResolveLeavesTheOthersInUse) {
  StartFleet({{"a", "", {}}});
  auto stub = StubFor(
      absl::StrCat("static:///no-such-host.invalid:1,", fleet_->address(0)));
  EXPECT_TRUE(CallUntilAllServed(*stub));
}

TEST_F(WorkingTargetsTest, OnlyUnresolvableHostsAreNamedInTheError) {
  ASSERT_TRUE(Register().ok());
  auto stub = StubFor("static:///no-such-host.invalid:1");
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  UserReply reply;
  const grpc::Status status = stub->GetUser(&context, GetUserRequest(), &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("no-such-host.invalid:1"));
  EXPECT_THAT(status.error_message(), HasSubstr("the call was not sent"));
}

TEST_F(WorkingTargetsTest, AnEmptyStaticTargetTakesTheConfiguredBackends) {
  StartFleet({{"a", "", {}}, {"b", "", {}}});
  ChannelOptions options;
  options.service_config_json = absl::StrCat(
      R"({"loadBalancingConfig":[{"multi_backend":{"backends":[{"address":")",
      fleet_->address(0), R"("},{"address":")", fleet_->address(1),
      R"("}]}}]})");
  auto stub = StubFor("static:///", std::move(options));
  EXPECT_TRUE(CallUntilAllServed(*stub));
}

// Routes by the roles that `backends` lays over the addresses of any resolver.
std::string RoutedConfig(const BackendFleet& fleet,
                         const std::vector<std::string>& addresses) {
  std::vector<std::string> backends;
  for (size_t i = 0; i < fleet.size(); ++i) {
    backends.push_back(absl::StrCat(R"({"address":")", addresses[i],
                                    R"(","role":")", fleet.role(i), R"("})"));
  }
  return absl::StrCat(
      R"({"loadBalancingConfig":[{"multi_backend":{
          "health":{"passive":{"enabled":false}},"backends":[)",
      absl::StrJoin(backends, ","),
      R"(],"failover":{"budget":{"ratio":1}}}}],
          "multiBackend":{"routes":[
            {"match":{"method":"Create.*"},"role":"primary"},
            {"match":{"method":"Get.*"},"role":"replica"}]}})");
}

TEST_F(WorkingTargetsTest, RoutesAndFailoverWorkBehindGrpcsIpv4Resolver) {
  StartFleet(
      {{"p", "primary", {}}, {"r0", "replica", {}}, {"r1", "replica", {}}});
  ChannelOptions options;
  options.service_config_json = RoutedConfig(*fleet_, fleet_->addresses());
  auto stub = StubFor(fleet_->Ipv4Target(), std::move(options));
  ASSERT_TRUE(CallUntilAllServed(*stub));
  fleet_->ResetStats();
  Behaviour failing;
  failing.set_fail_code("UNAVAILABLE");
  fleet_->SetBehaviour(1, failing);
  std::string by;
  for (int i = 0; i < 50; ++i) {
    grpc::Status status = Call(*stub, &Users::Stub::CreateUser, &by);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(by, "p");
    status = Call(*stub, &Users::Stub::GetUser, &by);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(by, "r1");
  }
  EXPECT_GT(fleet_->CallsOf(1), 10);  // Its calls failed over.
}

TEST_F(WorkingTargetsTest, RoutesAndFailoverWorkBehindGrpcsDnsResolver) {
  StartFleet({{"p", "primary", {}}});
  ChannelOptions options;
  options.service_config_json = RoutedConfig(*fleet_, fleet_->addresses());
  auto stub =
      StubFor(absl::StrCat("dns:///localhost:", PortOf(0)), std::move(options));
  grpc::Status status = Call(*stub, &Users::Stub::CreateUser);
  EXPECT_TRUE(status.ok()) << status.error_message();
  // There is no replica, so the route fails, which shows that it is followed.
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  UserReply reply;
  status = stub->GetUser(&context, GetUserRequest(), &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(),
              HasSubstr("no usable backend with role \"replica\""));
  // Every second call fails, and there is no other backend to try.
  Behaviour failing;
  failing.set_fail_code("UNAVAILABLE");
  failing.set_fail_every(2);
  fleet_->SetBehaviour(0, failing);
  int failed = 0;
  for (int i = 0; i < 10; ++i) {
    failed += !Call(*stub, &Users::Stub::CreateUser).ok();
  }
  EXPECT_EQ(failed, 5);
}

TEST_F(WorkingTargetsTest, ABareHostAndPortIsADnsTarget) {
  StartFleet({{"a", "", {}}});
  auto stub = StubFor(absl::StrCat("localhost:", PortOf(0)));
  EXPECT_TRUE(CallUntilAllServed(*stub));
}

// A server in this process that listens on a socket in the file system.
TEST_F(WorkingTargetsTest, UnixSocketsWork) {
  class Service final : public Users::Service {
    grpc::Status GetUser(grpc::ServerContext*, const GetUserRequest*,
                         UserReply* reply) override {
      reply->set_served_by("unix");
      return grpc::Status::OK;
    }
  };
  ASSERT_TRUE(Register().ok());
  // Short, because a socket's path has at most 107 bytes.
  char directory[] = "/tmp/mbXXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string path = absl::StrCat(directory, "/s");
  Service service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(absl::StrCat("unix:", path),
                           grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  auto server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);
  for (const char* scheme : {"unix:", "unix://"}) {
    auto stub = StubFor(absl::StrCat(scheme, path));
    std::string by;
    const grpc::Status status = Call(*stub, &Users::Stub::GetUser, &by);
    EXPECT_TRUE(status.ok()) << scheme << ": " << status.error_message();
    EXPECT_EQ(by, "unix");
  }
  server->Shutdown(absl::ToChronoTime(absl::Now()));
  unlink(path.c_str());
  rmdir(directory);
}

}  // namespace
}  // namespace multi_backend
