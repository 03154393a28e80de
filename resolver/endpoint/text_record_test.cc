#include "multi_backend/resolver/endpoint/text_record.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

TEST(TextRecordTest, ReadsAddressAndAttributes) {
  Endpoint full =
      Endpoint::Of("10.0.0.1", 50051).WithWeight(2000).WithRole("p");
  full.zone = "eu";
  full.priority = -1;
  full.labels = {{"version", "7"}, {"a.b", "x=y"}, {"empty", ""}};
  struct Row {
    std::string record;
    Endpoint endpoint;
  };
  const std::vector<Row> rows = {
      {"a:1", Endpoint::Of("a", 1)},
      {"[::1]:80", Endpoint::Of("::1", 80)},
      {" \t a:1 \t ", Endpoint::Of("a", 1)},
      {"a:1 weight=0", Endpoint::Of("a", 1).WithWeight(0)},
      {"a:1 weight=1000000", Endpoint::Of("a", 1).WithWeight(1000000)},
      {"a:1 weight=007", Endpoint::Of("a", 1).WithWeight(7)},
      {"a:1 role=", Endpoint::Of("a", 1)},
      {"a:1 colour=red Weight=3", Endpoint::Of("a", 1)},
      {"10.0.0.1:50051 weight=2000\trole=p  zone=eu priority=-1 "
       "label.version=7 label.a.b=x=y label.empty=",
       full},
  };
  for (const Row& row : rows) {
    const auto parsed = ParseTextRecord(row.record);
    ASSERT_TRUE(parsed.ok()) << row.record << ": " << parsed.status();
    EXPECT_EQ(*parsed, row.endpoint) << row.record;
  }
}

TEST(TextRecordTest, SaysWhatIsWrong) {
  struct Row {
    std::string record;
    std::string message;
  };
  const std::vector<Row> rows = {
      {"", R"(address "": empty, write host:port)"},
      {"  ", R"(address "": empty, write host:port)"},
      {"v=spf1 -all", R"(address "v=spf1": port is missing, write host:port)"},
      {"weight=1 a:1",
       R"(address "weight=1": port is missing, write host:port)"},
      {"a:0", R"(address "a:0": port must be 1..65535)"},
      {"a:1 weight", R"(attribute "weight": write name=value)"},
      {"a:1 =x", R"(attribute "=x": write name=value)"},
      {"a:1 weight = 3", R"(attribute "weight": write name=value)"},
      {"a:1 weight=", R"(weight "": must be 0..1000000)"},
      {"a:1 weight=-1", R"(weight "-1": must be 0..1000000)"},
      {"a:1 weight=+1", R"(weight "+1": must be 0..1000000)"},
      {"a:1 weight=1.5", R"(weight "1.5": must be 0..1000000)"},
      {"a:1 weight=1000001", R"(weight "1000001": must be 0..1000000)"},
      {"a:1 weight=4294967297", R"(weight "4294967297": must be 0..1000000)"},
      {"a:1 weight=1\n", R"(weight "1\n": must be 0..1000000)"},
      {"a:1 priority=x", R"(priority "x": must be a 32 bit integer)"},
      {"a:1 priority=2147483648",
       R"(priority "2147483648": must be a 32 bit integer)"},
      {"a:1 weight=1 weight=1", R"(attribute "weight": is there twice)"},
      {"a:1 label.a=1 label.a=2", R"(attribute "label.a": is there twice)"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(ParseTextRecord(row.record).status(),
              absl::InvalidArgumentError(row.message))
        << row.record;
  }
}

}  // namespace
}  // namespace multi_backend
