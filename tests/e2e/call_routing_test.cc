// Who decides the route and the sticky key of a call: the label of an
// interceptor, the application's function, or the service config.

#include "multi_backend/resolver/grpc/call_routing.h"

#include <grpc/grpc.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/interceptors/key_hash.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/port/fakes.h"

namespace multi_backend {
namespace {

using testing::HasSubstr;
using Reader = StickyKeySource::Reader;

class CallRoutingTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_TRUE(Register().ok());
    grpc_init();
  }
  static void TearDownTestSuite() { grpc_shutdown(); }

  CallRoutingTest() {
    metadata_.get().Append("x-key",
                           grpc_core::Slice::FromStaticString("header"),
                           [](absl::string_view, const grpc_core::Slice&) {});
  }

  // Writes go to the primary.
  static RoutingConfig Config() {
    RoutingConfig config;
    config.routes.resize(1);
    config.routes[0].method = "Set";
    config.routes[0].role = "primary";
    return config;
  }
  static RoutingConfig WithHeader() {
    RoutingConfig config = Config();
    config.sticky_key.emplace();
    config.sticky_key->header = "x-key";
    return config;
  }
  static RoutingConfig WithRequestField() {
    RoutingConfig config = Config();
    config.sticky_key.emplace();
    config.sticky_key->request_field = "user_id";
    return config;
  }

  static std::shared_ptr<const StickyKeySource> Source(
      Reader reader, StickyKeyFunction function) {
    return std::make_shared<const StickyKeySource>(reader, std::move(function),
                                                   nullptr);
  }

  CallLabel LabelOf(const RoutingConfig& config,
                    const absl::optional<CallLabel>& labelled,
                    std::shared_ptr<const StickyKeySource> keys = nullptr) {
    auto routing = CallRouting::Make(config, std::move(keys));
    EXPECT_TRUE(routing.ok()) << routing.status();
    if (!routing.ok()) return CallLabel();
    routing_ = *std::move(routing);  // The label points into it.
    return routing_
        ->Decide("/p.Users/Set", metadata_.get(), labelled, /*key=*/nullptr)
        .label;
  }

  grpc_core::ExecCtx exec_ctx_;
  core::FakeBatch metadata_;
  std::unique_ptr<const CallRouting> routing_;
};

CallLabel Decided(const char* role) {
  CallLabel label;
  label.role = role;
  return label;
}

CallLabel KeyAlone(absl::optional<uint64_t> hash) {
  CallLabel label;
  label.route_decided = false;
  label.key_decided = true;
  label.key_hash = hash;
  return label;
}

TEST_F(CallRoutingTest, WithoutALabelTheConfigurationDecides) {
  const CallLabel label = LabelOf(WithHeader(), absl::nullopt);
  EXPECT_EQ(label.role, "primary");
  EXPECT_EQ(label.key_hash, HashStickyKey("header"));
}

TEST_F(CallRoutingTest, ALabelDecidesOnlyItsHalf) {
  CallLabel label = LabelOf(WithHeader(), Decided("replica"));
  EXPECT_EQ(label.role, "replica");
  EXPECT_EQ(label.key_hash, HashStickyKey("header"));

  label = LabelOf(WithHeader(), Decided(""));
  EXPECT_EQ(label.role, "");

  label = LabelOf(WithHeader(), KeyAlone(7));
  EXPECT_EQ(label.role, "primary");
  EXPECT_EQ(label.key_hash, 7u);

  label = LabelOf(WithHeader(), KeyAlone(absl::nullopt));
  EXPECT_EQ(label.role, "primary");
  EXPECT_EQ(label.key_hash, absl::nullopt);
}

TEST_F(CallRoutingTest, TheFunctionIsCalledWhereNoInterceptorHasCalledIt) {
  int calls = 0;
  const StickyKeyFunction function =
      [&calls](const CallView& call) -> absl::optional<std::string> {
    ++calls;
    EXPECT_EQ(call.full_method(), "/p.Users/Set");
    EXPECT_EQ(call.serialized_request(), absl::nullopt);
    const auto key = call.GetMetadata("x-key");
    EXPECT_EQ(call.GetMetadata("x-none"), absl::nullopt);
    return absl::StrCat("of ", key.value_or("nobody"));
  };
  for (const RoutingConfig& config :
       {Config(), WithHeader(), WithRequestField()}) {
    calls = 0;
    EXPECT_EQ(LabelOf(config, absl::nullopt,
                      Source(Reader::kConfigSelector, function))
                  .key_hash,
              HashStickyKey("of header"));
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(
        LabelOf(config, KeyAlone(7), Source(Reader::kConfigSelector, function))
            .key_hash,
        7u);
    EXPECT_EQ(
        LabelOf(config, KeyAlone(7), Source(Reader::kInterceptor, function))
            .key_hash,
        7u);
    EXPECT_EQ(calls, 1);
  }
}

TEST_F(CallRoutingTest, TheHeaderIsNotLookedUpWhenItsEntryIsKnown) {
  auto routing = CallRouting::Make(WithHeader(), nullptr);
  ASSERT_TRUE(routing.ok()) << routing.status();
  EXPECT_EQ((*routing)->sticky_header(), "x-key");
  const auto key_hash = [&](const char* entry) {
    const grpc_core::Slice key = grpc_core::Slice::FromStaticString(entry);
    return (*routing)
        ->Decide("/p.Users/Set", metadata_.get(), absl::nullopt, &key)
        .label.key_hash;
  };
  EXPECT_EQ(key_hash("known"), HashStickyKey("known"));
  EXPECT_EQ(key_hash(""), absl::nullopt);
}

TEST_F(CallRoutingTest, AnEmptyKeyIsNoKey) {
  const StickyKeyFunction empty = [](const CallView&) { return ""; };
  EXPECT_EQ(
      LabelOf(Config(), absl::nullopt, Source(Reader::kConfigSelector, empty))
          .key_hash,
      absl::nullopt);
}

TEST_F(CallRoutingTest, ARequestFieldNeedsAnInterceptor) {
  EXPECT_EQ(LabelOf(WithRequestField(), absl::nullopt,
                    Source(Reader::kInterceptor, nullptr))
                .key_hash,
            absl::nullopt);
  EXPECT_THAT(
      std::string(
          CallRouting::Make(WithRequestField(), nullptr).status().message()),
      HasSubstr("field:stickyKey.requestField error:only an "
                "interceptor sees the request"));
}

}  // namespace
}  // namespace multi_backend
