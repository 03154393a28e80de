// Tests a program that links only //:core and //sources:dns: what works in it,
// and its errors for the parts that are not linked.  tests/consumer checks the
// libraries that such a program links.

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/validate_service_config.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/registrar.h"
#include "multi_backend/sources.h"
#include "multi_backend/tests/testing/backend_fleet.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;
using testing::HasSubstr;
using testing::Not;

constexpr char kDnsIsMissing[] =
    "scheme \"dns+addr\" is not linked: add @multi_backend//sources:dns to the "
    "deps (in CMake, multi_backend::dns) and call multi_backend::RegisterDns() "
    "first";
constexpr char kZookeeperIsMissing[] =
    "scheme \"zookeeper\" is not linked: add "
    "@multi_backend//sources:zookeeper to the deps (in CMake, "
    "multi_backend::zookeeper) and call "
    "multi_backend::RegisterZookeeper() first";
constexpr char kEtcdIsMissing[] =
    "scheme \"etcd\" is not linked: add @multi_backend//sources:etcd to the "
    "deps (in CMake, multi_backend::etcd) and call "
    "multi_backend::RegisterEtcd() first";
constexpr char kHttpIsMissing[] =
    "[field:health.active.probe error:HTTP is not linked: add "
    "@multi_backend//probes:http to the deps (in CMake, "
    "multi_backend::http_probe) and call "
    "multi_backend::RegisterHttpProbe() before the channel is made]";

std::string Probing(absl::string_view kind) {
  return absl::StrCat(
      R"({"loadBalancingConfig":[{"multi_backend":{"health":{"active":{)",
      R"("probe":")", kind, R"(","interval":"0.1s"}}}}]})");
}

absl::Status StatusOf(const std::string& target,
                      const std::string& service_config = "") {
  ChannelOptions options;
  options.service_config_json = service_config;
  return multi_backend::CreateChannel(
             target, grpc::InsecureChannelCredentials(), std::move(options))
      .status();
}

grpc::Status Call(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  UserReply reply;
  return Users::NewStub(channel)->GetUser(&context, GetUserRequest(), &reply);
}

grpc::Status CallOnPlainChannel(const std::string& target,
                                const std::string& service_config = "{}") {
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName("multi_backend");
  args.SetServiceConfigJSON(service_config);
  return Call(grpc::CreateCustomChannel(
      target, grpc::InsecureChannelCredentials(), args));
}

class CoreAloneTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(Register(), absl::OkStatus()); }
};

TEST_F(CoreAloneTest, CreateChannelSaysWhichSourceToLink) {
  EXPECT_EQ(StatusOf("zookeeper://127.0.0.1:1/users"),
            absl::InvalidArgumentError(kZookeeperIsMissing));
  EXPECT_EQ(StatusOf("etcd://127.0.0.1:1/users/"),
            absl::InvalidArgumentError(kEtcdIsMissing));
}

TEST_F(CoreAloneTest, CallsOnAPlainChannelSayWhichSourceToLink) {
  for (const char* server : {"127.0.0.1:1", "me:secret@127.0.0.1:1"}) {
    const grpc::Status status =
        CallOnPlainChannel(absl::StrCat("zookeeper://", server, "/users"));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_THAT(status.error_message(), HasSubstr(kZookeeperIsMissing));
    EXPECT_THAT(status.error_message(), Not(HasSubstr("secret")));
  }
}

TEST_F(CoreAloneTest, MakeRegistrarSaysWhichSourceToLink) {
  EXPECT_EQ(
      MakeRegistrar("etcd://127.0.0.1:1/users/", Endpoint::Of("a", 1)).status(),
      absl::InvalidArgumentError(kEtcdIsMissing));
}

TEST_F(CoreAloneTest, ASourceMayBeRegisteredAfterTheFirstChannel) {
  const std::string target = "dns+addr://127.0.0.1:1/users.example:1";
  EXPECT_EQ(StatusOf(target), absl::InvalidArgumentError(kDnsIsMissing));
  EXPECT_THAT(CallOnPlainChannel(target).error_message(),
              HasSubstr(kDnsIsMissing));

  EXPECT_EQ(RegisterDns(), absl::OkStatus());
  EXPECT_EQ(RegisterDns(), absl::OkStatus());
  EXPECT_EQ(StatusOf(target), absl::OkStatus());
  // No server answers at that address, but the source is there now.
  EXPECT_THAT(CallOnPlainChannel(target).error_message(),
              Not(HasSubstr("is not linked")));
}

TEST_F(CoreAloneTest, HttpProbesAreRefusedAsAnyWrongField) {
  const absl::Status status =
      StatusOf("static:///127.0.0.1:1", Probing("HTTP"));
  EXPECT_EQ(status,
            absl::InvalidArgumentError(absl::StrCat(
                "errors validating multi_backend config: ", kHttpIsMissing)));
  // Core checks the configuration of a plain channel.  If it is wrong, core
  // logs why and makes a channel whose calls all fail.
  EXPECT_THAT(grpc::experimental::ValidateServiceConfigJSON(Probing("HTTP")),
              HasSubstr(kHttpIsMissing));
  EXPECT_FALSE(
      CallOnPlainChannel("static:///127.0.0.1:1", Probing("HTTP")).ok());
}

TEST_F(CoreAloneTest, FilesAndTheOtherProbesWork) {
  auto fleet = BackendFleet::Start(1);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  const std::string path = absl::StrCat(testing::TempDir(), "/backends.json");
  std::ofstream(path) << R"({"endpoints":[{"address":")" << (*fleet)->address(0)
                      << R"("}]})";
  for (const char* kind : {"GRPC", "TCP"}) {
    ChannelOptions options;
    options.service_config_json = Probing(kind);
    const auto channel = multi_backend::CreateChannel(
        absl::StrCat("file://", path), grpc::InsecureChannelCredentials(),
        std::move(options));
    ASSERT_TRUE(channel.ok()) << channel.status();
    const grpc::Status status = Call(*channel);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
}

}  // namespace
}  // namespace multi_backend
