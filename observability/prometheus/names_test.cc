// Every name that stands in the documents, rules and dashboards is one of the
// table.
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "multi_backend/observability/metrics/metric_table.h"

namespace multi_backend {
namespace {

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

// The row of a metric's name as queries write it; nullptr if there is none.
const MetricSpec* FindSpec(absl::string_view name) {
  for (const MetricSpec& spec : MetricTable()) {
    if (spec.kind != MetricKind::kHistogram) {
      if (name == spec.name) return &spec;
      continue;
    }
    for (const char* suffix : {"_bucket", "_sum", "_count"}) {
      if (name == absl::StrCat(spec.name, suffix)) return &spec;
    }
  }
  return nullptr;
}

class NamesTest : public testing::TestWithParam<const char*> {};

TEST_P(NamesTest, QueriesUseTheTable) {
  const std::string text = ReadFile(GetParam());
  std::set<std::string> labels = {"job", "instance", "le"};
  for (const MetricSpec& spec : MetricTable()) {
    labels.insert(spec.labels.begin(), spec.labels.end());
  }
  int names = 0;
  std::string name, matchers;
  re2::StringPiece rest(text);
  while (RE2::FindAndConsume(&rest, R"((multi_backend_\w+)(?:\{([^}]*)\})?)",
                             &name, &matchers)) {
    const MetricSpec* const spec = FindSpec(name);
    ASSERT_NE(spec, nullptr) << name;
    ++names;
    std::string label;
    re2::StringPiece rest_of_matchers(matchers);
    while (RE2::FindAndConsume(&rest_of_matchers,
                               R"((\w+)(?:=~|!=|!~|=)\\?"[^"]*")", &label)) {
      EXPECT_TRUE(label == "job" || label == "instance" ||
                  std::count(spec->labels.begin(), spec->labels.end(), label))
          << name << " has no label " << label;
    }
  }
  EXPECT_GT(names, 10);
  std::string list;
  rest = text;
  while (RE2::FindAndConsume(&rest, R"((?:by|on) \(([^)]*)\))", &list)) {
    for (absl::string_view label : absl::StrSplit(list, ", ")) {
      EXPECT_TRUE(labels.count(std::string(label))) << label;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, NamesTest,
    testing::Values("observability/prometheus/alerts.rules.yml",
                    "observability/prometheus/alerts_test.yml",
                    "observability/prometheus/dashboard.json"));

TEST(DocumentTest, ItsTableIsTheTable) {
  const std::string text = ReadFile("docs/metrics.md");
  std::string rows;
  for (const MetricSpec& spec : MetricTable()) {
    std::string labels = absl::StrJoin(
        spec.labels, ", ", [](std::string* out, absl::string_view label) {
          absl::StrAppend(out, "`", label, "`");
        });
    absl::StrAppend(&rows, "| `", spec.name, "` | ", MetricKindName(spec.kind),
                    " | ", labels, " | ", spec.help, " |\n");
    for (absl::string_view label : spec.labels) {
      if (label == "version" || label == "grpc_version") continue;
      EXPECT_TRUE(RE2::PartialMatch(
          text, absl::StrCat("\n\\| [^|]*`", label, "`[^|]*\\| ")))
          << label;
    }
  }
  EXPECT_TRUE(absl::StrContains(text, rows)) << rows;
}

TEST(DocumentTest, TheDashboardIsJsonAndShowsEveryMetric) {
  const std::string text = ReadFile("observability/prometheus/dashboard.json");
  google::protobuf::Struct dashboard;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(text, &dashboard).ok());
  EXPECT_GT(dashboard.fields().at("panels").list_value().values_size(), 10);
  for (const MetricSpec& spec : MetricTable()) {
    EXPECT_TRUE(absl::StrContains(text, spec.name)) << spec.name;
  }
}

}  // namespace
}  // namespace multi_backend
