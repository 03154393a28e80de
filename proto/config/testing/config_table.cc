#include "multi_backend/proto/config/testing/config_table.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace multi_backend {

std::string PolicyJson(absl::string_view fields) {
  return absl::StrCat(R"({"loadBalancingConfig":[{"multi_backend":{)", fields,
                      "}}]}");
}

std::string RoutingJson(absl::string_view fields) {
  return absl::StrCat(R"({"multiBackend":{)", fields, "}}");
}

void ConfigTable::Add(std::string name, std::string json,
                      absl::string_view errors) {
  rows_.push_back(
      {std::move(name), std::move(json),
       absl::StrCat("errors validating multi_backend config: [", errors, "]")});
}

void ConfigTable::AddText(std::string name, std::string json,
                          absl::string_view why) {
  rows_.push_back(
      {std::move(name), std::move(json),
       absl::StrCat("multi_backend config is not valid JSON: ", why)});
}

void ConfigTable::Expect(const ParseOptions& options) const {
  for (const Row& row : rows_) {
    const auto parsed = ParseServiceConfig(row.json, options);
    ASSERT_FALSE(parsed.ok()) << row.name;
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument)
        << row.name;
    EXPECT_EQ(std::string(parsed.status().message()), row.message) << row.name;
  }
}

}  // namespace multi_backend
