#include "multi_backend/interceptors/sticky_key_source.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

StickyRequestFields::Report Ignore() {
  return [](absl::string_view) {};
}

TEST(StickyKeySourceTest, TheRequestFieldFollowsTheConfiguration) {
  StickyKeySource source(StickyKeySource::Reader::kInterceptor, nullptr,
                         Ignore());
  EXPECT_EQ(source.request_fields(), nullptr);
  source.SetRequestField("user.id");
  const auto first = source.request_fields();
  ASSERT_NE(first, nullptr);
  source.SetRequestField("tenant");
  EXPECT_NE(source.request_fields(), nullptr);
  EXPECT_NE(source.request_fields(), first);
  source.SetRequestField("");
  EXPECT_EQ(source.request_fields(), nullptr);
}

// The same configuration comes again with every resolution.
TEST(StickyKeySourceTest, TheSameFieldAgainKeepsWhatIsKnownOfTheMethods) {
  StickyKeySource source(StickyKeySource::Reader::kInterceptor, nullptr,
                         Ignore());
  source.SetRequestField("user.id");
  const auto first = source.request_fields();
  source.SetRequestField("user.id");
  EXPECT_EQ(source.request_fields(), first);
}

TEST(StickyKeySourceTest, AMethodWithoutAKeyIsReported) {
  std::vector<std::string> reports;
  StickyKeySource source(
      StickyKeySource::Reader::kInterceptor, nullptr,
      [&reports](absl::string_view text) { reports.emplace_back(text); });
  source.SetRequestField("user.id");
  EXPECT_EQ(source.request_fields()->Find("/no.Such/Method"), nullptr);
  EXPECT_EQ(reports.size(), 1u);
}

}  // namespace
}  // namespace multi_backend
