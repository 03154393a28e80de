#include "multi_backend/observability/metrics/text_format.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multi_backend {
namespace {

using absl::string_view;

// The `le` of each bucket.
constexpr string_view kUpperBounds[kBuckets] = {
    "0.0001", "0.0003", "0.0006", "0.001", "0.002", "0.004",
    "0.008",  "0.016",  "0.03",   "0.065", "0.13",  "0.25",
    "0.5",    "1",      "2",      "5",     "10",    "+Inf"};

void AppendCount(uint64_t count, std::string* out) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), count).ptr;
  out->append(buffer, end - buffer);
}

void AppendNumber(double number, std::string* out) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), number).ptr;
  out->append(buffer, end - buffer);
}

void AppendEscaped(string_view text, std::string* out) {
  for (char c : text) {
    switch (c) {
      case '\\':
        out->append("\\\\");
        break;
      case '"':
        out->append("\\\"");
        break;
      case '\n':
        out->append("\\n");
        break;
      default:
        out->push_back(c);
    }
  }
}

// `a="1",b="2"`, the same for each line of a series.
void SetLabels(const MetricSpec& spec, const SeriesValue& series,
               std::string* labels) {
  labels->clear();
  for (size_t i = 0; i < spec.labels.size(); ++i) {
    if (i > 0) labels->push_back(',');
    labels->append(spec.labels[i].data(), spec.labels[i].size());
    labels->append("=\"");
    AppendEscaped((*series.labels)[i], labels);
    labels->push_back('"');
  }
}

void AppendHistogram(string_view name, const std::string& labels,
                     const HistogramValue& histogram, std::string* out) {
  // All lines of the buckets begin alike.
  const std::string bucket = absl::StrCat(name, "_bucket{", labels,
                                          labels.empty() ? "" : ",", "le=\"");
  uint64_t cumulative = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    cumulative += histogram.counts[i];
    out->append(bucket);
    out->append(kUpperBounds[i].data(), kUpperBounds[i].size());
    out->append("\"} ");
    AppendCount(cumulative, out);
    out->push_back('\n');
  }
  absl::StrAppend(out, name, "_sum{", labels, "} ");
  AppendNumber(histogram.sum_seconds, out);
  absl::StrAppend(out, "\n", name, "_count{", labels, "} ");
  AppendCount(cumulative, out);
  out->push_back('\n');
}

// At least the length of the text, or a little less, so that a large one is not
// copied as it grows.
size_t ExpectedLength(const MetricsSnapshot& snapshot) {
  // `_bucket{`, `,le="0.0001"} `, the number and the end of the line.
  constexpr size_t kRestOfLine = 32;
  size_t length = 0;
  for (const SeriesFamily& family : snapshot.families) {
    size_t of_line = family.spec->name.size() + kRestOfLine;
    for (string_view name : family.spec->labels) of_line += name.size() + 4;
    const size_t lines =
        family.spec->kind == MetricKind::kHistogram ? kBuckets + 2 : 1;
    for (const SeriesValue& series : family.series) {
      size_t of_values = 0;
      for (const std::string& value : *series.labels) of_values += value.size();
      length += lines * (of_line + of_values);
    }
  }
  return length;
}

}  // namespace

std::string PrometheusText(const MetricsSnapshot& snapshot) {
  std::string out, labels;
  out.reserve(ExpectedLength(snapshot));
  for (const SeriesFamily& family : snapshot.families) {
    if (family.series.empty()) continue;
    const MetricSpec& spec = *family.spec;
    absl::StrAppend(&out, "# HELP ", spec.name, " ", spec.help, "\n# TYPE ",
                    spec.name, " ", MetricKindName(spec.kind), "\n");
    for (const SeriesValue& series : family.series) {
      SetLabels(spec, series, &labels);
      if (spec.kind == MetricKind::kHistogram) {
        AppendHistogram(spec.name, labels, series.histogram, &out);
        continue;
      }
      absl::StrAppend(&out, spec.name);
      if (!labels.empty()) absl::StrAppend(&out, "{", labels, "}");
      out.push_back(' ');
      AppendNumber(series.value, &out);
      out.push_back('\n');
    }
  }
  return out;
}

}  // namespace multi_backend
