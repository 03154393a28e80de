#include "multi_backend/call/grpc/config_warnings.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ConfigWarningsTest, EachConfigurationIsReportedOnceInARow) {
  std::vector<std::vector<std::string>> given;
  ConfigWarnings warnings([&given](const std::vector<std::string>& texts) {
    given.push_back(texts);
  });
  const std::vector<LintWarning> two = {{"a", "x"}, {"b[0]", "y"}};
  const std::vector<LintWarning> one = {{"c", "z"}};
  warnings.Report("{1}", two);
  warnings.Report("{1}", two);
  EXPECT_THAT(given, ElementsAre(ElementsAre("field:a warning:x",
                                             "field:b[0] warning:y")));
  given.clear();
  warnings.Report("{2}", one);
  warnings.Report("{1}", two);  // The channel has gone back.
  EXPECT_EQ(given.size(), 2u);
}

TEST(ConfigWarningsTest, AConfigurationWithoutWarningsIsNotReported) {
  std::vector<std::vector<std::string>> given;
  ConfigWarnings warnings([&given](const std::vector<std::string>& texts) {
    given.push_back(texts);
  });
  warnings.Report("{}", {});
  EXPECT_THAT(given, IsEmpty());
  GiveWarnings({{"a", "x"}}, nullptr);  // Nobody listens.
}

}  // namespace
}  // namespace multi_backend
