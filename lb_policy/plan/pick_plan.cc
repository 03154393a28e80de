#include "multi_backend/lb_policy/plan/pick_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/lb_policy/backends/flags.h"
#include "multi_backend/resolver/endpoint/abbreviated_list.h"

namespace multi_backend {
namespace {

std::string WhyNot(const PlanEntry& entry) {
  std::string mark = entry.lease->UnusableReason();
  if (!mark.empty()) return mark;
  if (entry.link == LinkState::kFailed) {
    return entry.error.empty() ? "connection failed" : entry.error;
  }
  if (entry.weight() == 0) return "draining: weight 0";
  if (entry.link == LinkState::kConnecting) return "connecting";
  // The backend is in none of the balancer's `members`, or has just become
  // usable.
  return "connected, but not selected";
}

std::string DescribeEntry(const PlanEntry& entry) {
  const Backend& backend = entry.backend();
  std::string who = backend.name() == backend.address()
                        ? backend.address()
                        : absl::StrCat(backend.name(), "=", backend.address());
  return absl::StrCat(who, " (", WhyNot(entry), ")");
}

// An overloaded backend is better than none, and better than another role.
BalancerNode::Choice PickIn(const BalancerNode* node,
                            const PickRequest& request) {
  if (node == nullptr) return BalancerNode::Choice();
  const BalancerNode::Choice choice = node->Pick(request);
  if (choice.ok()) return choice;
  PickRequest lenient = request;
  lenient.tolerated |= kOverloaded;
  return node->Pick(lenient);
}

}  // namespace

std::unique_ptr<PickPlan> PickPlan::Make(Args args) {
  std::unique_ptr<PickPlan> plan(new PickPlan());
  plan->entries_ = std::move(args.entries);
  const PolicyConfig& config = *args.config;

  std::vector<uint32_t> all(plan->entries_.size());
  std::map<std::string, std::vector<uint32_t>> by_role;
  for (const auto& role : config.roles) by_role[role.first];
  for (uint32_t i = 0; i < all.size(); ++i) {
    all[i] = i;
    const PlanEntry& entry = plan->entries_[i];
    plan->any_ready_ |= entry.link == LinkState::kReady;
    if (!entry.endpoint->role.empty()) {
      by_role[entry.endpoint->role].push_back(i);
    }
  }

  BalancerNode::Args node_args;
  node_args.entries = &plan->entries_;
  node_args.clock = args.clock;
  node_args.config = &config.root;
  node_args.candidates = std::move(all);
  node_args.seed = args.seed;
  node_args.path = "root";
  node_args.panic_percent = config.health.panic_percent;
  node_args.backlogs = args.backlogs.get();
  plan->hot_key_news_ = args.previous != nullptr
                            ? args.previous->hot_key_news_
                            : std::make_shared<std::atomic<bool>>(false);
  node_args.hot_key_news = plan->hot_key_news_;
  if (args.previous != nullptr) {
    node_args.previous = args.previous->root_.get();
  }
  plan->root_ = BalancerNode::Make(node_args);
  plan->needs_latency_ = plan->root_->needs_latency();

  for (auto& role : by_role) {
    auto configured = config.roles.find(role.first);
    node_args.config =
        configured == config.roles.end() ? &config.root : &configured->second;
    node_args.candidates = std::move(role.second);
    node_args.seed = Mix64(node_args.seed);
    node_args.path = absl::StrCat("role \"", role.first, "\"");
    node_args.previous =
        args.previous == nullptr ? nullptr : args.previous->NodeOf(role.first);
    auto& node = plan->roles_[role.first] = BalancerNode::Make(node_args);
    plan->needs_latency_ |= node->needs_latency();
  }
  if (config.health.passive.has_value()) {
    plan->max_ejected_percent_ = config.health.passive->max_ejected_percent;
  }
  plan->clock_ = args.clock;
  {
    MutexLock lock(&plan->pick_mutex_);
    plan->random_ = FastRandom(Mix64(node_args.seed));
  }
  plan->exact_order_ = config.max_requests_per_backend > 0
                           ? Backlog::kExact
                           : Backlog::kExactInCrowd;
  plan->backlogs_ = std::move(args.backlogs);
  plan->has_backlogs_ = !plan->NodesWithBacklog().empty();
  return plan;
}

std::vector<const BalancerNode*> PickPlan::Leaves() const {
  std::vector<const BalancerNode*> leaves;
  ForEachTop([&leaves](const BalancerNode& top) { top.AppendLeaves(&leaves); });
  return leaves;
}

std::vector<BalancerNode::HotKey> PickPlan::TakeHotKeys() const {
  hot_key_news_->store(false, std::memory_order_release);
  std::vector<BalancerNode::HotKey> hot_keys;
  ForEachTop(
      [&hot_keys](const BalancerNode& top) { top.TakeHotKeys(&hot_keys); });
  return hot_keys;
}

std::vector<std::string> PickPlan::Panicking() const {
  std::vector<std::string> paths;
  ForEachTop(
      [&paths](const BalancerNode& top) { top.AppendPanicking(&paths); });
  return paths;
}

const BalancerNode* PickPlan::NodeOf(absl::string_view role) const {
  if (role.empty()) return root_.get();
  auto it = roles_.find(role);
  return it == roles_.end() ? nullptr : it->second.get();
}

const BalancerNode* PickPlan::FallbackOf(const CallLabel& label) const {
  switch (label.when_unavailable) {
    case WhenUnavailable::kFail:
      return nullptr;
    case WhenUnavailable::kAny:
      return root_.get();
    case WhenUnavailable::kRole:
      return NodeOf(label.fallback_role);
  }
  return nullptr;
}

PickPlan::Result PickPlan::Pick(const CallLabel& label,
                                const PickRequest& request) const {
  MutexLock lock(&pick_mutex_);
  Result result = Choose(label, request);
  if (result.outcome != Outcome::kPicked) return result;
  const Admission admission = Admit(result);
  if (admission != Admission::kAdmitted) {
    PassOver(label, request, admission, result);
  }
  return result;
}

void PickPlan::PassOver(const CallLabel& label, const PickRequest& request,
                        Admission admission, Result& result) const {
  PickRequest narrowed = request;
  absl::InlinedVector<uint32_t, 16> not_admitting;
  absl::optional<Result> ramping;  // The first one.
  while (admission != Admission::kAdmitted) {
    if (admission == Admission::kRamping) {
      if (!ramping.has_value()) ramping = result;
      if (request.in_slow_start != nullptr) {
        request.in_slow_start->push_back(entries_[result.entry].backend().id());
      }
    }
    not_admitting.push_back(entries_[result.entry].backend().id());
    narrowed.not_admitting = not_admitting;
    result = Choose(label, narrowed);
    if (result.outcome != Outcome::kPicked) {
      if (ramping.has_value()) result = *ramping;
      return;
    }
    admission = Admit(result);
  }
}

PickPlan::Admission PickPlan::Admit(Result& result) const {
  const uint32_t admission =
      result.load->admission.load(std::memory_order_acquire);
  if (admission == 0) return Admission::kAdmitted;
  // The strategy may have looked at the backend before the trial began.
  if ((admission & kTrialTaken) != 0 && !result.leaf->in_panic()) {
    return Admission::kOnTrial;
  }
  Backend& backend = entries_[result.entry].backend();
  if ((admission & kTrialOpen) != 0) {
    // 0 when a call of another channel has just become the trial.
    result.trial = backend.health.TryBeginTrial();
    return result.trial != 0 ? Admission::kAdmitted : Admission::kOnTrial;
  }
  if ((admission & kRamping) == 0) return Admission::kAdmitted;
  return backend.health.RampAdmits(random_.Fraction(), clock_->NowNanos())
             ? Admission::kAdmitted
             : Admission::kRamping;
}

PickPlan::Result PickPlan::Choose(const CallLabel& label,
                                  const PickRequest& request) const {
  const BalancerNode* const node = NodeOf(label.role);
  BalancerNode::Choice choice = PickIn(node, request);
  const BalancerNode* const fallback =
      choice.ok() ? nullptr : FallbackOf(label);
  if (!choice.ok()) choice = PickIn(fallback, request);
  if (choice.ok()) {
    return {Outcome::kPicked, choice.entry(), choice.leaf, &choice.load()};
  }
  // A backend that is still connecting counts as untried.  Otherwise the first
  // calls of a channel would fail together with the first backend that
  // connects.
  if ((node != nullptr && node->HasConnecting(request)) ||
      (fallback != nullptr && fallback->HasConnecting(request))) {
    return {Outcome::kWait, 0, nullptr};
  }
  return {request.tried.empty() ? Outcome::kNoBackend : Outcome::kExhausted, 0,
          nullptr};
}

bool PickPlan::HasBackend(const CallLabel& label,
                          const PickRequest& request) const {
  PickRequest lenient = request;
  lenient.tolerated |= kOverloaded;
  for (const BalancerNode* node : {NodeOf(label.role), FallbackOf(label)}) {
    if (node != nullptr && node->HasEligible(lenient)) return true;
  }
  return false;
}

bool PickPlan::CanServe(const CallLabel& label,
                        const PickRequest& request) const {
  if (HasBackend(label, request)) return true;
  for (const BalancerNode* node : {NodeOf(label.role), FallbackOf(label)}) {
    if (node != nullptr && node->HasConnecting(request)) return true;
  }
  // In the backlog the call waits until any backend is usable again.
  return HasOpenBacklog(label) &&
         (!AnyUsable(label) || HasUntriedAtLimit(label, request));
}

std::string PickPlan::DescribeBackends(const CallLabel& label) const {
  std::vector<const PlanEntry*> concerned;
  const bool all_roles =
      label.role.empty() || label.when_unavailable == WhenUnavailable::kAny;
  for (const PlanEntry& entry : entries_) {
    const std::string& role = entry.endpoint->role;
    if (!all_roles && role != label.role &&
        (label.fallback_role.empty() || role != label.fallback_role)) {
      continue;
    }
    concerned.push_back(&entry);
  }
  if (concerned.empty()) return "the endpoint list has none";
  return AbbreviatedList(
      concerned.size(), "; ",
      [&concerned](size_t i) { return DescribeEntry(*concerned[i]); },
      "; and ");
}

std::string PickPlan::DescribeFailure(const CallLabel& label) const {
  std::string what = "no usable backend";
  if (!label.role.empty()) {
    absl::StrAppend(&what, " with role \"", label.role, "\"");
  }
  if (!label.fallback_role.empty()) {
    absl::StrAppend(&what, " or \"", label.fallback_role, "\"");
  }
  return absl::StrCat("multi_backend: ", what,
                      ", the call was not sent: ", DescribeBackends(label));
}

}  // namespace multi_backend
