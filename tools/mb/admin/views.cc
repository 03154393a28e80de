#include "multi_backend/tools/mb/admin/views.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "multi_backend/observability/admin/proto_time.h"
#include "multi_backend/observability/admin/status_text.h"
#include "multi_backend/tools/mb/output/text.h"

namespace multi_backend {
namespace mb {
namespace {

using admin::v1::Backend;
using admin::v1::Balancer;
using admin::v1::Channel;

constexpr auto kRight = TextTable::Align::kRight;

std::string TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", ToTime(time),
                          absl::UTCTimeZone());
}

std::string BackendTable(const Channel& channel, absl::Time now) {
  TextTable table({{"BACKEND"},
                   {"STATE"},
                   {"FOR", kRight},
                   {"ROLE"},
                   {"WEIGHT", kRight},
                   {"SHARE", kRight},
                   {"FLIGHT", kRight},
                   {"CALLS/MIN", kRight},
                   {"ERR/MIN", kRight},
                   {"P50", kRight},
                   {"P99", kRight},
                   {"RETRIES", kRight},
                   {"CONN", kRight},
                   {"WHY"}});
  for (const Backend& backend : channel.backends()) {
    const BackendRow row = RowOf(backend, now);
    table.AddRow({row.backend, row.state, row.age, row.role, row.weight,
                  row.share, row.in_flight, row.attempts, row.errors, row.p50,
                  row.p99, row.retries, row.connections, row.why});
  }
  return channel.backends().empty() ? "" : table.ToString(2);
}

std::string RouteTable(const Channel& channel) {
  if (channel.routes().empty()) return "";
  TextTable table({{"ROUTE"}, {"ROLE"}, {"MATCHES", kRight}, {"LAST METHOD"}});
  for (const auto& route : channel.routes()) {
    table.AddRow(
        {route.name(), route.role(),
         route.never_matched() ? "never" : absl::StrCat(route.matches()),
         route.last_method()});
  }
  return table.ToString(2);
}

std::string BalancerLines(const Channel& channel) {
  std::string text;
  for (const Balancer& balancer : channel.balancers()) {
    if (balancer.panic()) {
      absl::StrAppend(&text, "  PANIC: ", Printable(balancer.path()),
                      " ignores health, because too few backends are well\n");
    }
    if (balancer.has_backlog()) {
      absl::StrAppend(&text, "  backlog of ", Printable(balancer.path()), ": ",
                      Printable(balancer.backlog_state()), ", ",
                      balancer.waiting(), " of ", balancer.limit(),
                      " calls wait\n");
    }
  }
  return text;
}

std::string ChannelText(const Channel& channel, absl::Time now) {
  std::string text = absl::StrCat("\n", HeadingOf(channel), "\n");
  const auto& resolver = channel.resolver();
  if (resolver.has_list_age()) {
    absl::StrAppend(&text, "  list of ",
                    Count(resolver.endpoints(), "endpoint"), ", ",
                    Age(ToDuration(resolver.list_age())), " old\n");
  }
  if (!resolver.last_error().empty()) {
    absl::StrAppend(&text, "  resolver: ", Printable(resolver.last_error()),
                    "\n");
  }
  for (const std::string& warning : channel.warnings()) {
    absl::StrAppend(&text, "  warning: ", Printable(warning), "\n");
  }
  absl::StrAppend(&text, BalancerLines(channel), BackendTable(channel, now));
  if (channel.backends_left_out() > 0) {
    absl::StrAppend(&text, "  and ", channel.backends_left_out(), " more\n");
  }
  return text + RouteTable(channel);
}

std::string AttemptLine(const admin::v1::Attempt& attempt) {
  std::string text =
      absl::StrCat("    ", attempt.number(), "  ", Printable(attempt.backend()),
                   " ", Printable(attempt.status()), " after ",
                   Latency(ToDuration(attempt.duration())), ", sent ",
                   Printable(attempt.sent()), ", ", Printable(attempt.next()));
  if (!attempt.message().empty()) {
    absl::StrAppend(&text, ": ", Printable(attempt.message()));
  }
  std::string passed;
  for (const auto& other : attempt.passed_over()) {
    absl::StrAppend(&passed, passed.empty() ? "; not " : ", ",
                    Printable(other.backend()), " (", Printable(other.why()),
                    ")");
  }
  return absl::StrCat(text, passed, "\n");
}

std::string CallText(const admin::v1::Call& call) {
  std::string text = absl::StrCat(
      TimeOf(call.start()), "  ", Printable(call.status()), "  ",
      Latency(ToDuration(call.duration())), "  ", Printable(call.method()));
  if (!call.route().empty()) {
    absl::StrAppend(&text, "  route ", Printable(call.route()));
  }
  if (!call.role().empty()) {
    absl::StrAppend(&text, "  role ", Printable(call.role()));
  }
  const bool is_plain = call.status() == "OK" && call.attempts_size() <= 1;
  if (is_plain && call.attempts_size() == 1) {
    absl::StrAppend(&text, "  ", Printable(call.attempts(0).backend()));
  }
  if (!call.message().empty()) {
    absl::StrAppend(&text, "  ", Printable(call.message()));
  }
  text += "\n";
  if (is_plain) return text;
  for (const auto& attempt : call.attempts()) text += AttemptLine(attempt);
  return text;
}

}  // namespace

std::string HeadingOf(const Channel& channel) {
  return absl::StrCat(
      Printable(channel.target()), "  ", Printable(channel.state()), "  ",
      channel.backends_usable(), " of ",
      channel.backends_size() + channel.backends_left_out(), " usable");
}

BackendRow RowOf(const Backend& backend, absl::Time now) {
  BackendRow row;
  row.backend = NameAndAddress(backend);
  row.state = StateOf(backend, " ");
  if (backend.has_since()) row.age = Age(now - ToTime(backend.since()));
  row.role = backend.role();
  row.weight = absl::StrFormat("%.6g", backend.effective_weight());
  const auto& minute = backend.last_minute();
  row.share = Percent(minute.share());
  row.in_flight = absl::StrCat(backend.in_flight());
  row.attempts = absl::StrCat(minute.attempts());
  row.errors = absl::StrCat(minute.errors());
  if (minute.attempts() > 0) {
    row.p50 = Latency(ToDuration(minute.p50()));
    row.p99 = Latency(ToDuration(minute.p99()));
  }
  row.retries = absl::StrCat(backend.retries_landed());
  row.connections = absl::StrCat(backend.connections());
  row.why = backend.reason().empty() ? backend.link_error() : backend.reason();
  return row;
}

std::string FormatStatus(const admin::v1::Status& status) {
  const absl::Time now = ToTime(status.time());
  std::string text =
      absl::StrCat("multi_backend ", Printable(status.library_version()),
                   " on gRPC ", Printable(status.grpc_version()), ", up ",
                   Age(now - ToTime(status.started())), ", ",
                   Count(status.channels_size(), "channel"), ", actions ",
                   status.actions_enabled() ? "on" : "off", "\n");
  for (const Channel& channel : status.channels()) {
    text += ChannelText(channel, now);
  }
  if (status.channels_left_out() > 0) {
    absl::StrAppend(&text, "\nand ",
                    Count(status.channels_left_out(), "channel"), " more\n");
  }
  return text;
}

std::string FormatCalls(const admin::v1::Calls& calls) {
  std::string text;
  for (const auto& call : calls.calls()) text += CallText(call);
  absl::StrAppend(&text, Count(calls.calls_size(), "call"),
                  "; all failed and retried ones are kept, and ");
  if (calls.one_in() == 0) {
    text += "none of the others";
  } else {
    absl::StrAppend(&text, "1 in ", calls.one_in(), " of the others");
  }
  if (calls.dropped() > 0) {
    absl::StrAppend(&text, "; ", calls.dropped(), " older ones were dropped");
  }
  return text + "\n";
}

std::string FormatEvent(const admin::v1::Event& event) {
  std::string text = absl::StrCat(TimeOf(event.time()), "  ", event.sequence(),
                                  "  ", Printable(event.kind()));
  const std::string& about =
      event.backend().empty() ? event.who() : event.backend();
  if (!about.empty()) absl::StrAppend(&text, "  ", Printable(about));
  if (!event.action().empty()) {
    absl::StrAppend(&text, "  ", Printable(event.action()), " by ",
                    Printable(event.asked_by()));
  }
  if (!event.from().empty() || !event.to().empty()) {
    absl::StrAppend(&text, "  ", Printable(event.from()), " -> ",
                    Printable(event.to()));
  }
  if (!event.ejection().empty()) {
    absl::StrAppend(&text, "  ejected for ", Printable(event.ejection()));
  }
  if (!event.reason().empty()) {
    absl::StrAppend(&text, "  ", Printable(event.reason()));
  }
  if (!event.target().empty()) {
    absl::StrAppend(&text, "  [", Printable(event.target(), 80), "]");
  }
  return text + "\n";
}

std::string FormatResult(const admin::v1::ActionResult& result) {
  return absl::StrCat(Printable(result.action()), " ",
                      Printable(result.backend()), ": ",
                      Printable(result.message()), " (in ",
                      Count(result.pools(), "pool"), ")\n");
}

std::string Latency(absl::Duration latency) {
  const double milliseconds = absl::ToDoubleMilliseconds(latency);
  if (milliseconds < 10) return absl::StrFormat("%.2fms", milliseconds);
  if (milliseconds < 1000) return absl::StrFormat("%.0fms", milliseconds);
  return absl::StrFormat("%.2fs", milliseconds / 1000);
}

bool HasProblem(const admin::v1::Status& status) {
  for (const Channel& channel : status.channels()) {
    if (!channel.resolver().last_error().empty()) return true;
    for (const Balancer& balancer : channel.balancers()) {
      if (balancer.panic()) return true;
    }
    for (const Backend& backend : channel.backends()) {
      if (!backend.absent() && backend.state() != "ALIVE") return true;
    }
  }
  return false;
}

}  // namespace mb
}  // namespace multi_backend
