#include "multi_backend/tools/mb/output/json.h"

#include "gtest/gtest.h"
#include "multi_backend/tools/mb/output/report.pb.h"

namespace multi_backend {
namespace mb {
namespace {

TEST(ToJsonTest, IsOneLineWithAllFieldsAndNoControlCharacters) {
  v1::Finding finding;
  finding.set_field("a\x1b[2J\n\x7f\xc2\x9b\xe2\x80\xae");
  EXPECT_EQ(ToJson(finding),
            "{\"severity\":\"SEVERITY_UNSPECIFIED\","
            "\"field\":\"a\\u001b[2J\\n\\u007f\\u009b\\u202e\","
            "\"message\":\"\"}\n");
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend
