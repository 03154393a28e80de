#include "multi_backend/lb_policy/status/event_reporter.h"

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multi_backend {
namespace {

// Whether the event is about one channel, which has told its sinks.
bool IsOfOneChannel(PoolEvent::Kind kind) {
  return kind == PoolEvent::Kind::kConnections ||
         kind == PoolEvent::Kind::kBacklog || kind == PoolEvent::Kind::kPanic;
}

}  // namespace

void EventReporter::Report(PoolEvent::Kind kind, std::string who,
                           std::string from, std::string to, std::string reason,
                           std::string name) {
  PoolEvent event;
  event.time = events_->time.Now();
  event.kind = kind;
  event.who = std::move(who);
  event.name = std::move(name);
  event.from = std::move(from);
  event.to = std::move(to);
  event.reason = std::move(reason);
  sinks_.Report(event);
  events_->Add(std::move(event));
}

void EventReporter::Report(
    const std::vector<PickPlan::BacklogChange>& changes) {
  for (const auto& [node, change] : changes) {
    Report(PoolEvent::Kind::kBacklog, node->path(),
           std::string(Backlog::StateName(change.from)),
           std::string(Backlog::StateName(change.to)), change.reason);
  }
}

void EventReporter::ReportPanic(std::vector<std::string> panicking,
                                int percent) {
  for (const std::string& path : panicking) {
    if (absl::c_linear_search(panicking_, path)) continue;
    Report(PoolEvent::Kind::kPanic, path, "off", "on",
           absl::StrCat("fewer than ", percent, " % are usable"));
  }
  for (const std::string& path : panicking_) {
    if (absl::c_linear_search(panicking, path)) continue;
    Report(PoolEvent::Kind::kPanic, path, "on", "off",
           absl::StrCat(percent, " % are usable again"));
  }
  panicking_ = std::move(panicking);
}

void EventReporter::PassOn(
    const std::vector<PlanEntry>& entries,
    absl::FunctionRef<void(const std::string& text, bool log)> trace) {
  const std::vector<PoolEvent> events = events_->After(passed_on_);
  if (events.empty()) return;
  passed_on_ = events.back().sequence;
  ReportToSinks(events, entries);
  for (const PoolEvent& event : events) {
    trace(event.ToString(), events_->ClaimForLog(event.sequence));
  }
}

void EventReporter::ReportToSinks(const std::vector<PoolEvent>& events,
                                  const std::vector<PlanEntry>& entries) const {
  if (sinks_.empty()) return;
  absl::flat_hash_set<std::pair<absl::string_view, absl::string_view>> own;
  for (const PlanEntry& entry : entries) {
    own.emplace(entry.backend().address(), entry.backend().name());
  }
  for (const PoolEvent& event : events) {
    if (!IsOfOneChannel(event.kind) && own.contains({event.who, event.name})) {
      sinks_.Report(event);
    }
  }
}

}  // namespace multi_backend
