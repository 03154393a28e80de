// A channel's service config is parsed once, on every way to make the channel,
// and its warnings are logged once.

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/call/grpc/parsed_configs.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/interceptor.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/intercepted_channel.h"
#include "multi_backend/tests/testing/scripted_group.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr absl::Duration kCallTimeout = absl::Seconds(10);

// A service config that core gets in two forms, because of perTryTimeout.  Each
// test names another strategy: the channels of earlier tests may still hold
// their configurations.
std::string ConfigWith(const std::string& strategy) {
  return absl::StrCat(R"({"loadBalancingConfig":[{"multi_backend":{
      "strategy":")",
                      strategy, R"(","failover":{"perTryTimeout":"5s"}}}],
      "multiBackend":{"routes":[
          {"match":{"method":"Create.*"},"retry":"NEVER"}]}})");
}

class ParseOnceTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    auto fleet = BackendFleet::Start(2);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    parses_before_ = ParsedConfigs().parses();
  }

  int64_t Parses() const { return ParsedConfigs().parses() - parses_before_; }

  static void Call(const std::shared_ptr<grpc::Channel>& channel) {
    auto stub = Users::NewStub(channel);
    for (int i = 0; i < 10; ++i) {
      grpc::ClientContext context;
      context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
      UserReply reply;
      const grpc::Status status =
          stub->GetUser(&context, GetUserRequest(), &reply);
      EXPECT_TRUE(status.ok()) << status.error_message();
    }
  }

  static std::shared_ptr<grpc::Channel> PlainChannel(
      const std::string& target, const grpc::ChannelArguments& args) {
    return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(),
                                     args);
  }

  std::unique_ptr<BackendFleet> fleet_;

 private:
  int64_t parses_before_ = 0;
};

TEST_F(ParseOnceTest, CreateChannel) {
  ChannelOptions options;
  options.service_config_json = ConfigWith("ROUND_ROBIN");
  const auto channel = multi_backend::CreateChannel(
      fleet_->StaticTarget(), grpc::InsecureChannelCredentials(),
      std::move(options));
  ASSERT_TRUE(channel.ok()) << channel.status();
  Call(*channel);
  EXPECT_EQ(Parses(), 1);
}

TEST_F(ParseOnceTest, APlainChannelOnATargetOfThisLibrary) {
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(ConfigWith("RANDOM"));
  const auto channel = PlainChannel(fleet_->StaticTarget(), args);
  Call(channel);
  EXPECT_EQ(Parses(), 1);
  // A second channel shares the configuration.
  Call(PlainChannel(fleet_->Ipv4Target(), args));
  EXPECT_EQ(Parses(), 1);
}

TEST_F(ParseOnceTest, APlainChannelOnATargetOfGrpc) {
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(ConfigWith("LEAST_BUSY"));
  args.SetLoadBalancingPolicyName("multi_backend");
  const auto channel = PlainChannel(fleet_->Ipv4Target(), args);
  Call(channel);
  EXPECT_EQ(Parses(), 1);
}

TEST_F(ParseOnceTest, APlainChannelThatOnlyNamesThePolicy) {
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName("multi_backend");
  const auto channel = PlainChannel(fleet_->Ipv4Target(), args);
  Call(channel);
  EXPECT_EQ(Parses(), 1);
}

TEST_F(ParseOnceTest, AnInterceptorOfTheApplicationAndItsChannel) {
  const std::string config = ConfigWith("PEAK_EWMA");
  auto factory = MakeInterceptorFactory(config);
  ASSERT_TRUE(factory.ok()) << factory.status();
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(config);
  const auto channel =
      InterceptedChannel(fleet_->Ipv4Target(), *std::move(factory), args);
  Call(channel);
  EXPECT_EQ(Parses(), 1);
}

TEST_F(ParseOnceTest, AResolverThatReportsAgainAndAgain) {
  const auto endpoint = [this](size_t index) {
    return Endpoint::Of("127.0.0.1",
                        static_cast<uint16_t>(fleet_->server(index).port()));
  };
  auto group = std::make_shared<ScriptedGroup>(EndpointList{endpoint(0)});
  ASSERT_TRUE(EndpointGroupRegistry::Register("parse_once", group).ok());
  ChannelOptions options;
  options.service_config_json = ConfigWith("WEIGHTED");
  const auto channel = multi_backend::CreateChannel(
      "group:///parse_once", grpc::InsecureChannelCredentials(),
      std::move(options));
  ASSERT_TRUE(channel.ok()) << channel.status();
  for (size_t i = 1; i <= 6; ++i) {
    group->SetEndpoints({endpoint(i % 2)});
    // The calls reach the other backend only after the channel has taken the
    // list, with the service config that comes with it.
    const absl::Time deadline = absl::Now() + kCallTimeout;
    fleet_->ResetStats();
    while (fleet_->CallsOf(i % 2) == 0) {
      Call(*channel);
      ASSERT_FALSE(HasFailure());
      ASSERT_LT(absl::Now(), deadline);
    }
  }
  EXPECT_EQ(Parses(), 1);
  EndpointGroupRegistry::Unregister("parse_once");
}

// Collects what this library logs about service configs.
class ConfigLog {
 public:
  ConfigLog() {
    SetLogSink([this](LogSeverity severity, absl::string_view message) {
      if (!absl::StrContains(message, "service config")) return;
      absl::MutexLock lock(&mutex_);
      messages_.emplace_back(severity, message);
    });
  }
  ~ConfigLog() { SetLogSink(nullptr); }

  std::vector<std::pair<LogSeverity, std::string>> messages() const {
    absl::MutexLock lock(&mutex_);
    return messages_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::pair<LogSeverity, std::string>> messages_
      ABSL_GUARDED_BY(mutex_);
};

TEST_F(ParseOnceTest, APlainChannelLogsTheWarningsOfItsServiceConfigOnce) {
  const ConfigLog log;
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(R"({"loadBalancingConfig":[{"multi_backend":{
      "failover":{"retriableStatusCodes":["NOT_FOUND"]}}}]})");
  for (const std::string& target :
       {fleet_->StaticTarget(), fleet_->Ipv4Target()}) {
    Call(PlainChannel(target, args));
  }
  EXPECT_THAT(
      log.messages(),
      ElementsAre(Pair(
          LogSeverity::kWarning,
          AllOf(
              HasSubstr("multi_backend: service config: "),
              HasSubstr("field:failover.retriableStatusCodes[0] warning:")))));
}

}  // namespace
}  // namespace multi_backend
