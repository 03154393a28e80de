#include "multi_backend/proto/config/parser/config_cache.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kConfig[] =
    R"({"loadBalancingConfig":[{"multi_backend":{"strategy":"RANDOM"}}]})";
constexpr char kPolicy[] = R"({"strategy":"RANDOM"})";
// NOT_FOUND is an answer of the application.
constexpr char kWarned[] = R"({"loadBalancingConfig":[{"multi_backend":{
    "failover":{"retriableStatusCodes":["NOT_FOUND"]}}}]})";

class ConfigCacheTest : public testing::Test {
 protected:
  std::vector<std::string> warnings_;
  ConfigCache cache_{[this](const std::vector<LintWarning>& warnings) {
    warnings_.push_back(FormatWarnings(warnings));
  }};
};

TEST_F(ConfigCacheTest, ATextIsParsedOnceWhileItIsUsed) {
  const auto first = cache_.Get(kConfig);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ((*first)->config.policy.root.strategy, StrategyKind::kRandom);
  EXPECT_EQ(*cache_.Get(kConfig), *first);
  EXPECT_EQ(cache_.parses(), 1);
}

TEST_F(ConfigCacheTest, AnotherTextIsAnotherConfiguration) {
  const auto first = cache_.Get(kConfig);
  const auto second = cache_.Get("{}");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(*first, *second);
  EXPECT_EQ(cache_.parses(), 2);
}

TEST_F(ConfigCacheTest, ATextWithoutUsersIsForgotten) {
  ASSERT_TRUE(cache_.Get(kConfig).ok());
  ASSERT_TRUE(cache_.Get(kConfig).ok());
  EXPECT_EQ(cache_.parses(), 2);
}

TEST_F(ConfigCacheTest, AnErrorIsNotKept) {
  for (int i = 1; i <= 2; ++i) {
    EXPECT_EQ(cache_.Get("[]").status().code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(cache_.parses(), i);
  }
}

TEST_F(ConfigCacheTest, APolicyIsParsedOnceWhileItIsUsed) {
  const auto first = cache_.GetPolicy(kPolicy);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ((*first)->root.strategy, StrategyKind::kRandom);
  EXPECT_EQ(*cache_.GetPolicy(kPolicy), *first);
  EXPECT_EQ(cache_.parses(), 1);
  EXPECT_EQ(cache_.GetPolicy("[]").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ConfigCacheTest, APolicyOfAServiceConfigIsNotParsedAgain) {
  std::shared_ptr<const PolicyConfig> policy;
  {
    const auto config = cache_.Get(kConfig);
    ASSERT_TRUE(config.ok()) << config.status();
    policy =
        std::shared_ptr<const PolicyConfig>(*config, &(*config)->config.policy);
    cache_.AddPolicy(kPolicy, policy);
  }
  EXPECT_EQ(*cache_.GetPolicy(kPolicy), policy);
  // Whoever holds the policy also keeps the service config that it is part of.
  ASSERT_TRUE(cache_.Get(kConfig).ok());
  EXPECT_EQ(cache_.parses(), 1);
  policy.reset();
  ASSERT_TRUE(cache_.GetPolicy(kPolicy).ok());
  EXPECT_EQ(cache_.parses(), 2);
}

TEST_F(ConfigCacheTest, WarningsOfATextComeOnceHoweverOftenItIsParsed) {
  ASSERT_TRUE(cache_.Get(kConfig).ok());
  EXPECT_THAT(warnings_, IsEmpty());
  ASSERT_TRUE(cache_.Get(kWarned).ok());
  ASSERT_TRUE(cache_.Get(kWarned).ok());
  EXPECT_EQ(cache_.parses(), 3);
  EXPECT_THAT(warnings_,
              ElementsAre(HasSubstr("field:failover.retriableStatusCodes[0] "
                                    "warning:NOT_FOUND")));
}

}  // namespace
}  // namespace multi_backend
