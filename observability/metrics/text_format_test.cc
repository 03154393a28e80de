#include "multi_backend/observability/metrics/text_format.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "multi_backend/observability/metrics/latency_buckets.h"

namespace multi_backend {
namespace {

SeriesValue Series(std::vector<std::string> labels, double value) {
  SeriesValue series;
  series.labels =
      std::make_shared<const std::vector<std::string>>(std::move(labels));
  series.value = value;
  return series;
}

TEST(PrometheusTextTest, WritesEachKind) {
  MetricsSnapshot snapshot;
  SeriesValue waited = Series({"dns:///users", "pick"}, 0);
  waited.histogram.counts[0] = 1;
  waited.histogram.counts[13] = 2;
  waited.histogram.counts[17] = 4;
  waited.histogram.sum_seconds = 62.5;
  snapshot[Metric::kWaited].series.push_back(waited);
  snapshot[Metric::kEffectiveWeight].series.push_back(
      Series({"dns:///users", "b\\1\"\n:1"}, 0.25));
  snapshot[Metric::kSeriesOverflows].series.push_back(Series({}, 1e6));
  const std::string labels = R"({target="dns:///users",where="pick")";
  const std::string bucket =
      "multi_backend_waited_seconds_bucket" + labels + ",le=\"";
  std::string expected =
      "# HELP multi_backend_waited_seconds Time that calls waited for a "
      "backend. Calls that did not wait are not counted.\n"
      "# TYPE multi_backend_waited_seconds histogram\n";
  for (const char* boundary :
       {"0.0001", "0.0003", "0.0006", "0.001", "0.002", "0.004", "0.008",
        "0.016", "0.03", "0.065", "0.13", "0.25", "0.5"}) {
    expected += bucket + boundary + "\"} 1\n";
  }
  for (const char* boundary : {"1", "2", "5", "10"}) {
    expected += bucket + boundary + "\"} 3\n";
  }
  expected += bucket + "+Inf\"} 7\n";
  expected += "multi_backend_waited_seconds_sum" + labels + "} 62.5\n";
  expected += "multi_backend_waited_seconds_count" + labels + "} 7\n";
  expected +=
      "# HELP multi_backend_effective_weight The weight that strategies reckon "
      "with now, slow start included.\n"
      "# TYPE multi_backend_effective_weight gauge\n"
      "multi_backend_effective_weight{target=\"dns:///users\","
      "backend=\"b\\\\1\\\"\\n:1\"} 0.25\n"
      "# HELP multi_backend_series_overflows_total Events and samples that "
      "were counted under the label value other, because the bound of series "
      "or of methods was reached.\n"
      "# TYPE multi_backend_series_overflows_total counter\n"
      "multi_backend_series_overflows_total 1e+06\n";
  EXPECT_EQ(PrometheusText(snapshot), expected);
}

TEST(PrometheusTextTest, TheBoundariesAreThoseOfTheBuckets) {
  MetricsSnapshot snapshot;
  snapshot[Metric::kWaited].series.push_back(
      Series({"static:///a:1", "pick"}, 0));
  const std::string text = PrometheusText(snapshot);
  size_t boundaries = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, "le=\"");
    if (parts.size() < 2) continue;
    const absl::string_view shown = parts[1].substr(0, parts[1].find('"'));
    if (boundaries == kBoundaries) {
      EXPECT_EQ(shown, "+Inf");
    } else {
      double seconds = 0;
      EXPECT_TRUE(absl::SimpleAtod(shown, &seconds)) << shown;
      EXPECT_EQ(seconds, kBoundarySeconds[boundaries]);
    }
    ++boundaries;
  }
  EXPECT_EQ(boundaries, kBuckets);
}

TEST(PrometheusTextTest, ASnapshotWithoutSeriesIsEmpty) {
  EXPECT_EQ(PrometheusText(MetricsSnapshot()), "");
}

}  // namespace
}  // namespace multi_backend
