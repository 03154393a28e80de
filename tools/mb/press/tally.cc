#include "multi_backend/tools/mb/press/tally.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "multi_backend/tools/mb/output/text.h"

namespace multi_backend {
namespace mb {
namespace {

constexpr double kGrowth = 1.05;

}  // namespace

void PressHistogram::Add(absl::Duration latency) {
  // Within bounds before it becomes an integer: a duration may be infinite.
  const double micros =
      std::min(std::max(1.0, absl::ToDoubleMicroseconds(latency)), 1e12);
  const auto bucket = static_cast<size_t>(std::log(micros) / std::log(kGrowth));
  ++counts_[std::min(bucket, kBuckets - 1)];
  ++total_;
}

void PressHistogram::Merge(const PressHistogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  total_ += other.total_;
}

absl::Duration PressHistogram::Quantile(double quantile) const {
  if (total_ == 0) return absl::ZeroDuration();
  const double wanted = quantile * static_cast<double>(total_);
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (static_cast<double>(seen) >= wanted && seen > 0) {
      return absl::Microseconds(std::pow(kGrowth, i + 1));
    }
  }
  return absl::InfiniteDuration();
}

void PressTally::Add(const std::string& backend, absl::StatusCode status,
                     absl::Duration latency) {
  Row& row = rows_[backend];
  ++row.calls;
  if (status != absl::StatusCode::kOk) ++row.failed;
  row.latencies.Add(latency);
  ++statuses_[absl::StatusCodeToString(status)];
}

void PressTally::Merge(const PressTally& other) {
  for (const auto& [backend, row] : other.rows_) {
    Row& mine = rows_[backend];
    mine.calls += row.calls;
    mine.failed += row.failed;
    mine.latencies.Merge(row.latencies);
  }
  for (const auto& [status, count] : other.statuses_) {
    statuses_[status] += count;
  }
}

v1::PressReport PressTally::Report(double seconds, bool total) const {
  v1::PressReport report;
  report.set_seconds(seconds);
  report.set_total(total);
  uint64_t calls = 0;
  uint64_t failed = 0;
  for (const auto& [backend, row] : rows_) {
    calls += row.calls;
    failed += row.failed;
  }
  report.set_calls(calls);
  report.set_failed(failed);
  for (const auto& [backend, row] : rows_) {
    v1::PressRow& message = *report.add_backends();
    message.set_backend(backend.empty() ? "(none)" : ValidUtf8(backend));
    message.set_calls(row.calls);
    message.set_share(static_cast<double>(row.calls) /
                      static_cast<double>(calls));
    message.set_failed(row.failed);
    message.set_p50_ms(absl::ToDoubleMilliseconds(row.latencies.Quantile(0.5)));
    message.set_p99_ms(
        absl::ToDoubleMilliseconds(row.latencies.Quantile(0.99)));
  }
  for (const auto& [status, count] : statuses_) {
    (*report.mutable_statuses())[status] = count;
  }
  return report;
}

std::string FormatReport(const v1::PressReport& report) {
  const double rate =
      report.seconds() > 0
          ? static_cast<double>(report.calls()) / report.seconds()
          : 0;
  std::string text = absl::StrFormat(
      "%s%.1f s: %s, %.0f a second, %d failed", report.total() ? "total " : "",
      report.seconds(), Count(report.calls(), "call"), rate, report.failed());
  // A map of protobuf has no order of its own.
  const std::map<std::string, uint64_t> statuses(report.statuses().begin(),
                                                 report.statuses().end());
  if (report.failed() > 0) {
    absl::StrAppend(&text, " (",
                    absl::StrJoin(statuses, ", ", absl::PairFormatter(" ")),
                    ")");
  }
  text += "\n";
  if (report.backends().empty()) return text;
  constexpr auto kRight = TextTable::Align::kRight;
  TextTable table({{"BACKEND"},
                   {"CALLS", kRight},
                   {"SHARE", kRight},
                   {"FAILED", kRight},
                   {"P50 ms", kRight},
                   {"P99 ms", kRight}});
  for (const v1::PressRow& row : report.backends()) {
    table.AddRow({row.backend(), absl::StrCat(row.calls()),
                  Percent(row.share()), absl::StrCat(row.failed()),
                  absl::StrFormat("%.2f", row.p50_ms()),
                  absl::StrFormat("%.2f", row.p99_ms())});
  }
  return text + table.ToString(2);
}

std::string BackendOfPeer(absl::string_view peer) {
  // A target of several addresses.
  if (absl::StrContains(peer, ',')) return "";
  if (absl::ConsumePrefix(&peer, "ipv4:")) return std::string(peer);
  if (absl::ConsumePrefix(&peer, "ipv6:")) {
    return absl::StrReplaceAll(peer,
                               {{"%5B", "["}, {"%5D", "]"}, {"%25", "%"}});
  }
  return absl::StartsWith(peer, "unix:") ? std::string(peer) : "";
}

}  // namespace mb
}  // namespace multi_backend
