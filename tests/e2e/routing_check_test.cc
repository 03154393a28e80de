#include "multi_backend/resolver/grpc/routing_check.h"

#include <grpc/grpc.h>

#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/interceptors/sticky_key_source.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"
#include "multi_backend/proto/service_config/read.h"
#include "multi_backend/resolver/grpc/channel_service_config.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;
using testing::HasSubstr;

constexpr char kRoutes[] =
    R"({"multiBackend":{"routes":[{"match":{"method":"Create"},"role":"p"}]}})";

class RoutingCheckTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_TRUE(Register().ok());
    grpc_init();
  }
  static void TearDownTestSuite() { grpc_shutdown(); }

  static ChannelArgs ArgsOf(const char* target) {
    return ChannelArgs().Set(GRPC_ARG_SERVER_URI, target);
  }
  static ChannelArgs WithRoutes(const ChannelArgs& args) {
    return args.SetObject(
        grpc_core::MakeRefCounted<ChannelServiceConfig>(kRoutes));
  }
  static std::string ErrorOf(const ChannelArgs& args,
                             const char* config = kRoutes) {
    return std::string(
        CheckRoutingIsFollowed(*ReadServiceConfig(config), args).message());
  }
};

TEST_F(RoutingCheckTest, OurTargetsFollowThem) {
  for (const char* target :
       {"static:///a:1", "group:///users", "file:///x", "dns+srv:///x",
        "zookeeper://h:1/x", "etcd://h:1/x", "multi-backend:dns:%2F%2F%2Fx"}) {
    EXPECT_EQ(ErrorOf(ArgsOf(target)), "") << target;
  }
}

TEST_F(RoutingCheckTest, ForeignTargetsFollowThemWhenTheArgsAskForUs) {
  const ChannelArgs args = ArgsOf("dns:///users:1");
  EXPECT_EQ(ErrorOf(args.Set(GRPC_ARG_LB_POLICY_NAME, "multi_backend")), "");
  EXPECT_EQ(ErrorOf(WithRoutes(args)), "");
}

TEST_F(RoutingCheckTest, ThoseThatAResolverBringsToAStockChannelAreRefused) {
  EXPECT_THAT(ErrorOf(ArgsOf("dns:///users:1")),
              HasSubstr("the resolver brought them, and the channel args do "
                        "not name multi_backend"));
}

TEST_F(RoutingCheckTest, AWrappedXdsTargetIsRefusedToo) {
  EXPECT_THAT(ErrorOf(ArgsOf("multi-backend:xds:%2F%2F%2Fusers")),
              HasSubstr("control plane"));
  EXPECT_THAT(ErrorOf(WithRoutes(ArgsOf("xds:///users"))),
              HasSubstr("control plane"));
}

TEST_F(RoutingCheckTest, WithoutRoutesAnythingGoes) {
  for (const char* config :
       {"{}", R"({"multiBackend":{}})",
        R"({"loadBalancingConfig":[{"round_robin":{}}]})"}) {
    EXPECT_EQ(ErrorOf(ArgsOf("xds:///users"), config), "") << config;
  }
}

TEST_F(RoutingCheckTest, ObjectsOfTheApplicationNeedThePolicy) {
  constexpr char kRoundRobin[] =
      R"({"loadBalancingConfig":[{"round_robin":{}}]})";
  const auto with = [](ChannelObjects objects, const char* target) {
    return ArgsOf(target).SetObject(
        grpc_core::MakeRefCounted<ChannelExtension>(std::move(objects)));
  };
  ChannelObjects pool;
  pool.pool = BackendPool::Create();
  ChannelObjects function;
  function.sticky_keys = std::make_shared<StickyKeySource>(
      StickyKeySource::Reader::kConfigSelector,
      [](const CallView&) { return absl::nullopt; }, nullptr);
  ChannelObjects sinks;
  sinks.sinks.push_back(std::make_shared<MetricsSink>());
  for (const ChannelObjects& objects : {pool, function, sinks}) {
    EXPECT_THAT(ErrorOf(with(objects, "static:///a:1"), kRoundRobin),
                HasSubstr("the channel's LB policy is \"round_robin\""));
    EXPECT_THAT(
        ErrorOf(with(objects, "multi-backend:xds:%2F%2F%2Fusers"), "{}"),
        HasSubstr("control plane"));
    EXPECT_THAT(
        ErrorOf(
            with(objects, "dns:///users:1").Set(GRPC_ARG_ENABLE_HTTP_PROXY, 1),
            "{}"),
        HasSubstr("a proxy takes the place of the target"));
    EXPECT_EQ(ErrorOf(with(objects, "static:///a:1"), "{}"), "");
    EXPECT_EQ(ErrorOf(with(objects, "dns:///users:1"), "{}"), "");
  }
  // CreateChannel() gives every channel an extension.
  EXPECT_EQ(ErrorOf(with({}, "static:///a:1"), kRoundRobin), "");
}

// Core skips policies that it does not know.
TEST_F(RoutingCheckTest, APolicyThatIsNotRegisteredIsNotTheChosenOne) {
  EXPECT_EQ(ErrorOf(ArgsOf("static:///a:1"),
                    R"({"loadBalancingConfig":[{"unheard_of":{}},
                                               {"multi_backend":{}}],
                        "multiBackend":{"stickyKey":{"header":"x"}}})"),
            "");
}

}  // namespace
}  // namespace multi_backend
