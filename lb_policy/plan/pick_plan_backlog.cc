// The part of PickPlan that is about backlogs: which calls wait, and when they
// go.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "multi_backend/lb_policy/backends/flags.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"

namespace multi_backend {

std::vector<const BalancerNode*> PickPlan::NodesWithBacklog() const {
  std::vector<const BalancerNode*> nodes;
  ForEachTop([&nodes](const BalancerNode& top) {
    top.AppendNodesWithBacklog(&nodes);
  });
  return nodes;
}

// The calls that wait in a node's backlog belong to the balancer at the top,
// and any backend below that balancer can serve them.
bool PickPlan::CanServeBacklog(const BalancerNode& node) const {
  bool serves = node.AnyUsable();
  ForEachTop([&](const BalancerNode& top) {
    serves |= top.backlog() == node.backlog() && top.AnyUsable();
  });
  return serves;
}

bool PickPlan::MayConnectForBacklog(const BalancerNode& node) const {
  bool connects = node.connecting();
  ForEachTop([&](const BalancerNode& top) {
    connects |= top.backlog() == node.backlog() && top.connecting();
  });
  return connects;
}

std::vector<PickPlan::BacklogChange> PickPlan::UpdateBacklogs(
    int64_t now) const {
  std::vector<BacklogChange> changes;
  for (const BalancerNode* node : NodesWithBacklog()) {
    const bool usable = CanServeBacklog(*node);
    auto change = node->backlog()->SetMembers(
        usable, /*all_down=*/!usable && !MayConnectForBacklog(*node), now,
        node->AnyMissing());
    if (change.has_value()) changes.push_back({node, *std::move(change)});
  }
  return changes;
}

std::vector<PickPlan::BacklogChange> PickPlan::OnTime(int64_t now) const {
  std::vector<BacklogChange> changes;
  for (const BalancerNode* node : NodesWithBacklog()) {
    auto change = node->backlog()->OnTime(now);
    if (change.has_value()) changes.push_back({node, *std::move(change)});
  }
  return changes;
}

int64_t PickPlan::NextBacklogDeadline() const {
  int64_t deadline = INT64_MAX;
  for (const BalancerNode* node : NodesWithBacklog()) {
    deadline = std::min(deadline, node->backlog()->next_deadline());
  }
  return deadline;
}

size_t PickPlan::BeginPass() const {
  size_t waiting = 0;
  if (!has_backlogs_) return waiting;
  const int64_t now = clock_->NowNanos();
  for (const BalancerNode* node : NodesWithBacklog()) {
    waiting += node->backlog()->BeginPass(now, exact_order_);
  }
  return waiting;
}

Backlog* PickPlan::BacklogOf(const CallLabel& label) const {
  for (const BalancerNode* node : {NodeOf(label.role), FallbackOf(label)}) {
    if (node != nullptr && node->backlog() != nullptr) return node->backlog();
  }
  return nullptr;
}

bool PickPlan::AnyUsable(const CallLabel& label) const {
  for (const BalancerNode* node : {NodeOf(label.role), FallbackOf(label)}) {
    if (node != nullptr && node->AnyUsable()) return true;
  }
  return false;
}

bool PickPlan::HasUntriedAtLimit(const CallLabel& label,
                                 const PickRequest& request) const {
  PickRequest lenient = request;
  lenient.tolerated |= kOverloaded | kAtLimit;
  for (const BalancerNode* node : {NodeOf(label.role), FallbackOf(label)}) {
    if (node != nullptr && node->HasEligible(lenient)) return true;
  }
  return false;
}

bool PickPlan::OnlyFallbackIsUsable(const CallLabel& label,
                                    const Backlog* backlog) const {
  const BalancerNode* own = NodeOf(label.role);
  const BalancerNode* fallback = FallbackOf(label);
  return fallback != nullptr && fallback->backlog() != backlog &&
         fallback->AnyUsable() && (own == nullptr || !own->AnyUsable());
}

PickPlan::Result PickPlan::TryInTurn(const CallLabel& label,
                                     const PickRequest& request,
                                     const BacklogTicket& ticket) const {
  Result result = Pick(label, request);
  const bool exhausted = result.outcome == Outcome::kExhausted;
  if (request.tried.empty() ||
      (!exhausted && result.outcome != Outcome::kWait)) {
    return result;
  }
  PickRequest anew = request;
  anew.tried = TriedBackends();
  // No backend was usable meanwhile, so one that the call has tried before may
  // be another one now.
  if (ticket.waiting && ticket.joined_in_outage) return Pick(label, anew);
  if (!exhausted || HasUntriedAtLimit(label, request)) {
    if (HasBackend(label, anew)) result.outcome = Outcome::kWaitForUntried;
    return result;
  }
  return ticket.waiting ? Pick(label, anew) : result;
}

PickPlan::TurnResult PickPlan::PickInTurn(const CallLabel& label,
                                          const PickRequest& request,
                                          BacklogTicket& ticket) const {
  Backlog* const backlog = BacklogOf(label);
  bool repick = false;
  if (ticket.backlog != backlog) {
    repick = ticket.Leave();
    ticket.backlog = backlog;
    if (backlog != nullptr) ticket.number = backlog->NextNumber();
  }
  if (backlog == nullptr) {
    return {Pick(label, request), absl::OkStatus(), repick};
  }
  if (ticket.must_wait && !ticket.waiting && AnyUsable(label)) {
    return {{Outcome::kExhausted, 0, nullptr}, absl::OkStatus(), repick};
  }
  Backlog::Turn turn = Backlog::Turn::kGo;
  if (ticket.waiting || backlog->any_waiting()) {
    turn = backlog->Ask(ticket.number, ticket.waiting, clock_->NowNanos());
  }
  if ((turn == Backlog::Turn::kWait || turn == Backlog::Turn::kDown) &&
      OnlyFallbackIsUsable(label, backlog)) {
    turn = Backlog::Turn::kGo;
  }
  // While all backends are down, the calls that may go are their trials.
  if (turn == Backlog::Turn::kDown && HasBackend(label, request)) {
    turn = Backlog::Turn::kGo;
  }
  if (turn == Backlog::Turn::kGo) {
    Result result = TryInTurn(label, request, ticket);
    if (result.outcome == Outcome::kPicked) {
      return {result, absl::OkStatus(), repick};
    }
    // The call leaves the backlog and waits in core's queue, because the calls
    // behind it may go to the backends that it has tried.
    if (result.outcome == Outcome::kWaitForUntried) {
      repick |= ticket.Leave();
      return {result, absl::OkStatus(), repick};
    }
    // The call has tried all usable backends, so waiting would change nothing.
    if (result.outcome == Outcome::kExhausted && AnyUsable(label) &&
        !HasUntriedAtLimit(label, request)) {
      return {result, absl::OkStatus(), repick};
    }
    turn = backlog->Join(ticket.number, clock_->NowNanos());
  }
  if (turn != Backlog::Turn::kWait) {
    TurnResult refused = Refuse(label, turn, ticket);
    refused.repick |= repick;
    return refused;
  }
  if (!ticket.waiting) ticket.joined_in_outage = !AnyUsable(label);
  ticket.waiting = true;
  return {{Outcome::kInBacklog, 0, nullptr}, absl::OkStatus(), repick};
}

PickPlan::TurnResult PickPlan::Refuse(const CallLabel& label,
                                      Backlog::Turn turn,
                                      BacklogTicket& ticket) const {
  std::string text = ticket.backlog->RefusalText(
      turn, ticket.number, clock_->NowNanos(), DescribeBackends(label));
  const bool repick = ticket.Leave();
  return {{Outcome::kRefused, 0, nullptr},
          absl::Status(Backlog::RefusalCode(turn), text),
          repick};
}

bool PickPlan::HasOpenBacklog(const CallLabel& label) const {
  const Backlog* backlog = has_backlogs_ ? BacklogOf(label) : nullptr;
  return backlog != nullptr && backlog->state() != Backlog::State::kDown;
}

}  // namespace multi_backend
