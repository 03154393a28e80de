#include "multi_backend/observability/admin/status_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "multi_backend/observability/admin/proto_time.h"
#include "multi_backend/observability/admin/shown_text.h"

namespace multi_backend {
namespace {

using admin::v1::Backend;
using admin::v1::Balancer;
using admin::v1::Channel;
using admin::v1::Route;
using Row = std::vector<std::string>;

constexpr size_t kMaxCell = 48;
constexpr size_t kMaxLastCell = 200;  // It moves no other cell.

std::string Latency(const google::protobuf::Duration& duration) {
  const double milliseconds = absl::ToDoubleMilliseconds(ToDuration(duration));
  return milliseconds < 10 ? absl::StrFormat("%.2fms", milliseconds)
                           : absl::StrFormat("%.0fms", milliseconds);
}

// The characters of a text from ShownText(), which is valid UTF-8.
size_t Width(absl::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (c & 0xC0) != 0x80; });
}

// Appends `rows`, of which the first is the heading.
void AppendTable(const std::vector<Row>& rows, std::string* text) {
  std::vector<size_t> widths(rows[0].size());
  std::vector<Row> cut = rows;
  for (Row& row : cut) {
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = ShownText(row[i], i + 1 < row.size() ? kMaxCell : kMaxLastCell);
      widths[i] = std::max(widths[i], Width(row[i]));
    }
  }
  for (const Row& row : cut) {
    std::string line = "  ";
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&line, row[i]);
      if (i + 1 < row.size()) {
        line.append(widths[i] - Width(row[i]) + 2, ' ');
      }
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(text, line, "\n");
  }
}

void AppendBackends(const Channel& channel, absl::Time now, std::string* text) {
  std::vector<Row> rows = {{"BACKEND", "ROLE", "STATE", "FOR", "WEIGHT",
                            "SHARE", "FLIGHT", "CALLS/MIN", "ERR/MIN", "P50",
                            "P99", "RETRIES", "CONN", "WHY"}};
  for (const Backend& backend : channel.backends()) {
    const auto& minute = backend.last_minute();
    rows.push_back(
        {NameAndAddress(backend), backend.role().empty() ? "-" : backend.role(),
         StateOf(backend, ","),
         backend.has_since() ? Age(now - ToTime(backend.since())) : "-",
         absl::StrFormat("%g", backend.effective_weight()),
         absl::StrFormat("%.0f%%", minute.share() * 100),
         absl::StrCat(backend.in_flight()), absl::StrCat(minute.attempts()),
         absl::StrCat(minute.errors()),
         minute.attempts() > 0 ? Latency(minute.p50()) : "-",
         minute.attempts() > 0 ? Latency(minute.p99()) : "-",
         absl::StrCat(backend.retries_landed()),
         absl::StrCat(backend.connections()),
         backend.reason().empty() ? backend.link_error() : backend.reason()});
  }
  AppendTable(rows, text);
  if (channel.backends_left_out() > 0) {
    absl::StrAppend(text, "  … and ", channel.backends_left_out(), " more\n");
  }
}

void AppendChannel(const Channel& channel, absl::Time now, std::string* text) {
  const auto& resolver = channel.resolver();
  absl::StrAppend(text, "\n", channel.target(), "  ", channel.state(), "  ",
                  channel.backends_usable(), " of ",
                  channel.backends_size() + channel.backends_left_out(),
                  " usable\n");
  if (resolver.has_list_age()) {
    absl::StrAppend(text, "  list: ", resolver.endpoints(), " endpoints, ",
                    Age(ToDuration(resolver.list_age())), " old\n");
  }
  if (!resolver.last_error().empty()) {
    absl::StrAppend(text, "  resolver: ", resolver.last_error(), "\n");
  }
  for (const Balancer& balancer : channel.balancers()) {
    if (balancer.panic()) {
      absl::StrAppend(text, "  PANIC: ", balancer.path(),
                      " ignores health, too few backends are well\n");
    }
    if (balancer.has_backlog() && balancer.waiting() > 0) {
      absl::StrAppend(text, "  backlog of ", balancer.path(), ": ",
                      balancer.waiting(), " of ", balancer.limit(),
                      " calls wait\n");
    }
  }
  for (const std::string& warning : channel.warnings()) {
    absl::StrAppend(text, "  warning: ", warning, "\n");
  }
  AppendBackends(channel, now, text);
  if (channel.routes_size() == 0) return;
  absl::StrAppend(text, "\n");
  std::vector<Row> rows = {{"ROUTE", "ROLE", "MATCHES", "LAST METHOD"}};
  for (const Route& route : channel.routes()) {
    rows.push_back({route.name(), route.role().empty() ? "-" : route.role(),
                    route.never_matched() ? "never matched"
                                          : absl::StrCat(route.matches()),
                    route.last_method()});
  }
  AppendTable(rows, text);
}

}  // namespace

std::string StatusText(const admin::v1::Status& status) {
  const absl::Time now = ToTime(status.time());
  std::string text = absl::StrCat(
      "multi_backend ", status.library_version(), ", up ",
      Age(now - ToTime(status.started())), ", ", status.channels_size(),
      status.channels_size() == 1 ? " channel\n" : " channels\n");
  if (status.channels_size() == 0) {
    absl::StrAppend(&text,
                    "\nNo channel reports to this monitor: add it to "
                    "ChannelOptions::sinks.\n");
  }
  for (const Channel& channel : status.channels()) {
    AppendChannel(channel, now, &text);
  }
  if (status.channels_left_out() > 0) {
    absl::StrAppend(&text, "\n… and ", status.channels_left_out(),
                    " more channels\n");
  }
  return text;
}

std::string Age(absl::Duration age) {
  const int64_t seconds = std::max<int64_t>(0, absl::ToInt64Seconds(age));
  if (seconds < 60) return absl::StrCat(seconds, "s");
  if (seconds < 3600) return absl::StrCat(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 86400) {
    return absl::StrCat(seconds / 3600, "h", seconds % 3600 / 60, "m");
  }
  return absl::StrCat(seconds / 86400, "d", seconds % 86400 / 3600, "h");
}

std::string NameAndAddress(const Backend& backend) {
  if (backend.name().empty()) return backend.address();
  if (backend.address().empty() || backend.address() == backend.name()) {
    return backend.name();
  }
  return absl::StrCat(backend.name(), " ", backend.address());
}

std::string StateOf(const Backend& backend, absl::string_view separator) {
  std::string state = backend.state();
  if (backend.draining() || backend.drained()) {
    absl::StrAppend(&state, separator,
                    backend.drained() ? "drained" : "draining");
  }
  if (backend.absent()) absl::StrAppend(&state, separator, "absent");
  return state;
}

}  // namespace multi_backend
