#include "multi_backend/resolver/grpc/call_configuration.h"

#include <grpc/grpc.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/call/grpc/parsed_configs.h"
#include "multi_backend/multi_backend.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;
using grpc_core::Resolver;

class CallConfigurationCacheTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_TRUE(Register().ok());
    grpc_init();
  }
  static void TearDownTestSuite() { grpc_shutdown(); }

  static ChannelArgs WithServiceConfig(const std::string& text) {
    return ChannelArgs().SetObject(
        grpc_core::MakeRefCounted<ChannelServiceConfig>(text));
  }
  static bool HasRetryState(const Resolver::Result& result) {
    return result.args.GetObject<ChannelRetryState>() != nullptr;
  }
  static bool HasSelector(const Resolver::Result& result) {
    return result.args.GetObject<grpc_core::ConfigSelector>() != nullptr;
  }

  static grpc_core::RefCountedPtr<grpc_core::ServiceConfig> Parsed(
      const std::string& text) {
    auto parsed = grpc_core::ServiceConfigImpl::Create(ChannelArgs(), text);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    return parsed.ok() ? *std::move(parsed) : nullptr;
  }
  static Resolver::Result Apply(CallConfigurationCache& cache,
                                const std::string& text) {
    Resolver::Result result;
    result.service_config = Parsed(text);
    cache.ApplyTo(result);
    return result;
  }

  grpc_core::ExecCtx exec_ctx_;
};

TEST_F(CallConfigurationCacheTest, AGoodResultGetsSelectorAndGate) {
  CallConfigurationCache cache(ChannelArgs(), absl::nullopt);
  Resolver::Result result;
  cache.ApplyTo(result);
  ASSERT_TRUE(result.service_config.ok());
  EXPECT_NE(*result.service_config, nullptr);
  EXPECT_TRUE(HasSelector(result));
  EXPECT_TRUE(HasRetryState(result));
}

// With gRPC 1.51 it is a warning.
TEST_F(CallConfigurationCacheTest, ABackoffThatWouldHangIsRefused) {
  CallConfigurationCache cache(
      WithServiceConfig(
          R"({"loadBalancingConfig":[{"multi_backend":{}}],
              "methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":3,
                "initialBackoff":"0.001s","maxBackoff":"0.01s",
                "backoffMultiplier":2,
                "retryableStatusCodes":["UNAVAILABLE"]}}]})"),
      absl::nullopt);
  Resolver::Result result;
  cache.ApplyTo(result);
  EXPECT_EQ(result.service_config.ok(), !core::kShortBackoffsHang)
      << result.service_config.status();
}

#if GRPC_CPP_VERSION_MINOR != 51
TEST_F(CallConfigurationCacheTest, TheV3StackIsRefused) {
  CallConfigurationCache cache(ChannelArgs().Set(GRPC_ARG_USE_V3_STACK, true),
                               absl::nullopt);
  Resolver::Result result;
  cache.ApplyTo(result);
  EXPECT_EQ(result.service_config.status(),
            absl::UnimplementedError(
                "multi_backend does not work on gRPC's v3 stack: leave out the "
                "channel arg grpc.internal.use_v3_stack"));
  EXPECT_FALSE(HasSelector(result));
}
#endif

// c-ares reports a failed lookup in both fields.  Core then continues with the
// last selector, whose calls must find their retry state.
TEST_F(CallConfigurationCacheTest, TheGateStaysWithTheLastGoodConfiguration) {
  CallConfigurationCache cache(ChannelArgs(), absl::nullopt);
  Resolver::Result good;
  cache.ApplyTo(good);
  Resolver::Result failed;
  failed.addresses = absl::UnavailableError("DNS is away");
  failed.service_config = absl::UnavailableError("DNS is away");
  cache.ApplyTo(failed);
  EXPECT_FALSE(failed.service_config.ok());
  EXPECT_EQ(failed.args.GetObject<ChannelRetryState>(),
            good.args.GetObject<ChannelRetryState>());
  EXPECT_TRUE(HasRetryState(failed));
}

TEST_F(CallConfigurationCacheTest, AnErrorBeforeAnyConfigurationHasNoGate) {
  CallConfigurationCache cache(ChannelArgs(), absl::nullopt);
  Resolver::Result failed;
  failed.service_config = absl::UnavailableError("DNS is away");
  cache.ApplyTo(failed);
  EXPECT_FALSE(HasRetryState(failed));
}

TEST_F(CallConfigurationCacheTest, AForeignServiceConfigIsLeftAlone) {
  CallConfigurationCache cache(ChannelArgs().Set(kForeignServiceConfigArg, 1),
                               absl::nullopt);
  Resolver::Result result;
  cache.ApplyTo(result);
  ASSERT_TRUE(result.service_config.ok());
  EXPECT_EQ(*result.service_config, nullptr);
  EXPECT_FALSE(HasSelector(result));
  EXPECT_FALSE(HasRetryState(result));
}

TEST_F(CallConfigurationCacheTest, ABadConfigurationIsTheResultsError) {
  CallConfigurationCache cache(
      WithServiceConfig(
          R"({"loadBalancingConfig":[{"multi_backend":{"strategy":7}}]})"),
      absl::nullopt);
  Resolver::Result result;
  cache.ApplyTo(result);
  EXPECT_EQ(result.service_config.status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(HasRetryState(result));
}

TEST_F(CallConfigurationCacheTest, MethodConfigsThatAreNoListAreRefused) {
  for (const char* wrong : {"{}", "7", "null", "\"x\""}) {
    CallConfigurationCache cache(
        WithServiceConfig(absl::StrCat(R"({"methodConfig":)", wrong, "}")),
        absl::nullopt);
    Resolver::Result result;
    cache.ApplyTo(result);
    EXPECT_EQ(result.service_config.status().code(),
              absl::StatusCode::kInvalidArgument)
        << wrong;
    EXPECT_THAT(std::string(result.service_config.status().message()),
                ::testing::HasSubstr("methodConfig"))
        << wrong;
  }
}

// A resolver such as dns parses its service config each time, and core then
// asks the policy factory.
TEST_F(CallConfigurationCacheTest, AResolversTextIsNotParsedAgain) {
  constexpr char kText[] =
      R"({"loadBalancingConfig":[{"multi_backend":{"strategy":"RANDOM"}}]})";
  CallConfigurationCache cache(ChannelArgs(), absl::nullopt);
  int64_t parses = 0;
  for (int i = 0; i < 3; ++i) {
    Resolver::Result result;
    result.service_config =
        grpc_core::ServiceConfigImpl::Create(ChannelArgs(), kText);
    ASSERT_TRUE(result.service_config.ok()) << result.service_config.status();
    cache.ApplyTo(result);
    EXPECT_TRUE(HasSelector(result));
    if (i == 0) parses = ParsedConfigs().parses();
    EXPECT_EQ(ParsedConfigs().parses(), parses);
  }
}

// Core keeps its selector when the new service config has the same text, so
// observers must go on reading the routes of that selector.
TEST_F(CallConfigurationCacheTest, AnEqualConfigurationKeepsItsRoutes) {
  const std::string text =
      R"({"loadBalancingConfig":[{"multi_backend":{"strategy":"RANDOM"}}],)"
      R"("multiBackend":{"routes":[{"match":{"method":"Get.*"}}]}})";
  CallConfigurationCache cache(ChannelArgs(), StrategyKind::kRoundRobin);
  const auto selector = [](const Resolver::Result& result) {
    return result.args.GetObject<grpc_core::ConfigSelector>();
  };
  const Resolver::Result first = Apply(cache, text);
  ASSERT_TRUE(HasSelector(first));
  const auto routes = cache.Get(Parsed(text).get())->routes;
  ASSERT_NE(routes, nullptr);
  const auto expect_the_first = [&](const std::string& again) {
    EXPECT_EQ(selector(Apply(cache, again)), selector(first)) << again;
    EXPECT_EQ(cache.Get(Parsed(again).get())->routes, routes) << again;
  };
  EXPECT_FALSE(
      Apply(cache, R"({"multiBackend":{"routes":[{"match":{"method":"("}}]}})")
          .service_config.ok());
  expect_the_first(text);
  expect_the_first(absl::StrCat("\n ", text));
  cache.SetDefaultStrategy(StrategyKind::kLeastBusy);
  expect_the_first(text);
  // Core takes another one, and then one like the first, as new.
  EXPECT_TRUE(HasSelector(Apply(cache, "{}")));
  EXPECT_NE(selector(Apply(cache, text)), selector(first));
  EXPECT_NE(cache.Get(Parsed(text).get())->routes, routes);
}

}  // namespace
}  // namespace multi_backend
