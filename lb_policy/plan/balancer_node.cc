#include "multi_backend/lb_policy/plan/balancer_node.h"

#include <xxhash.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/lb_policy/backends/flags.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategies/make_strategy.h"

namespace multi_backend {
namespace {

bool Selects(const SelectorConfig& select, const Endpoint& endpoint) {
  if (select.role.has_value() && *select.role != endpoint.role) return false;
  if (select.zone.has_value() && *select.zone != endpoint.zone) return false;
  for (const auto& label : select.labels) {
    auto it = endpoint.labels.find(label.first);
    if (it == endpoint.labels.end() || it->second != label.second) return false;
  }
  return true;
}

// How often a pick may start again at the top.  It has to when the inner
// balancer that it chose loses its last backend to a mark during the pick.  The
// next descent sees that mark; to use up all of them, as many marks must fall
// within one pick.
constexpr int kMaxDescents = 8;

// Panic overrules what probes and calls say, not what the application marked.
constexpr uint32_t kToleratedInPanic = kUnhealthy | kOverloaded | kOnTrial;

// For each of `members` the index of the same member in `previous`.  Members
// are the same when their hashes are equal, as in STICKY (the hash is that of a
// backend's address and name, or of an inner balancer's name).  Lists mostly
// keep their order, so the member after the last match is tried before a map is
// built.
std::vector<size_t> PreviousIndices(const std::vector<Member>& members,
                                    const std::vector<Member>& previous) {
  std::vector<size_t> indices(members.size(), Strategy::kNone);
  absl::flat_hash_map<uint64_t, size_t> by_hash;
  size_t next = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    if (next < previous.size() && previous[next].hash == members[i].hash) {
      indices[i] = next++;
      continue;
    }
    if (by_hash.empty()) {
      by_hash.reserve(previous.size());
      for (size_t j = 0; j < previous.size(); ++j) {
        by_hash[previous[j].hash] = j;
      }
    }
    auto it = by_hash.find(members[i].hash);
    if (it == by_hash.end()) continue;
    indices[i] = it->second;
    next = it->second + 1;
  }
  return indices;
}

// Whether a connected backend is healthy, apart from the reasons in
// `tolerated`.  One whose trial is open is not, although the next call may go
// to it.
bool IsHealthy(const LoadStats& load, uint32_t tolerated) {
  return load.usable(kOverloaded | kAtLimit | tolerated) &&
         ((tolerated & kOnTrial) != 0 ||
          (load.admission.load(std::memory_order_acquire) & kTrialOpen) == 0);
}

uint32_t Saturated(uint64_t weight) {
  return static_cast<uint32_t>(
      std::min<uint64_t>(weight, std::numeric_limits<uint32_t>::max()));
}

}  // namespace

std::unique_ptr<BalancerNode> BalancerNode::Make(Args args) {
  std::unique_ptr<BalancerNode> node(new BalancerNode());
  const BalancerConfig& config = *args.config;
  node->name_ = config.name;
  node->path_ = args.path;
  node->kind_ = config.strategy;
  node->follows_key_ =
      args.parent_follows_key || config.strategy == StrategyKind::kSticky;
  node->ewma_decay_ = config.ewma_decay;
  node->needs_latency_ = config.strategy == StrategyKind::kPeakEwma;
  if (args.parent_path != nullptr) {
    node->load_ = args.previous != nullptr && args.previous->load_ != nullptr
                      ? args.previous->load_
                      : std::make_shared<LoadStats>();
    LoadPath path = {node->load_};
    path.insert(path.end(), args.parent_path->begin(), args.parent_path->end());
    node->load_path_ = std::make_shared<const LoadPath>(std::move(path));
  }
  if (config.members.empty()) {
    node->BuildLeaf(args);
  } else {
    node->BuildInner(args);
  }
  node->MakeStrategyFor(args);
  if (config.strategy == StrategyKind::kSticky &&
      !config.load_bound.has_value()) {
    node->key_vote_ =
        args.previous != nullptr && args.previous->key_vote_ != nullptr
            ? args.previous->key_vote_
            : std::make_shared<KeyVote>(args.hot_key_news);
  }
  if (config.backlog.has_value() && args.backlogs != nullptr) {
    node->backlog_ = args.backlogs->Get(args.path, *config.backlog);
    node->has_own_backlog_ = true;
  }
  return node;
}

void BalancerNode::BuildLeaf(const Args& args) {
  members_.reserve(args.candidates.size());
  member_entry_.reserve(args.candidates.size());
  for (uint32_t index : args.candidates) {
    const PlanEntry& entry = (*args.entries)[index];
    const uint32_t weight = entry.weight();
    if (weight == 0) continue;
    Backend& backend = entry.backend();
    // A backend that drains is not missed, but other keys stay where they are.
    if (!backend.control.drains()) listed_.push_back(index);
    listed_weight_ += weight;
    // Waiting for a backend that could not be picked once connected is
    // pointless.
    if (entry.link == LinkState::kConnecting && backend.load.usable()) {
      connecting_.push_back(backend.id());
    }
    if (entry.link != LinkState::kReady) continue;
    Member member;
    member.load = &backend.load;
    member.id = backend.id();
    member.weight = weight;
    member.priority = entry.endpoint->priority;
    member.hash = backend.hash();
    members_.push_back(member);
    member_entry_.push_back(index);
  }
  size_t healthy = 0;
  for (const Member& member : members_) {
    healthy += IsHealthy(*member.load, /*tolerated=*/0);
  }
  // Nothing is known yet of a backend that is being connected, so it says
  // nothing for or against panic.
  const size_t known = listed_.size() - connecting_.size();
  if (healthy * 100 < known * static_cast<size_t>(args.panic_percent)) {
    panic_tolerates_ = kToleratedInPanic;
  }
}

void BalancerNode::BuildInner(const Args& args) {
  const LoadPath no_path;
  const LoadPath& path = load_path_ == nullptr ? no_path : *load_path_;
  for (const BalancerConfig& config : args.config->members) {
    Args child_args;
    child_args.config = &config;
    child_args.entries = args.entries;
    for (uint32_t index : args.candidates) {
      if (Selects(config.select, *(*args.entries)[index].endpoint)) {
        child_args.candidates.push_back(index);
      }
    }
    if (args.previous != nullptr) {
      for (const auto& child : args.previous->children_) {
        if (child->name_ == config.name) child_args.previous = child.get();
      }
    }
    const BalancerNode* const previous = child_args.previous;
    child_args.parent_path = &path;
    child_args.parent_follows_key = follows_key_;
    child_args.clock = args.clock;
    child_args.seed = Mix64(args.seed + 1 + children_.size());
    child_args.path = absl::StrCat(args.path, "/", config.name);
    child_args.panic_percent = args.panic_percent;
    child_args.backlogs = args.backlogs;
    child_args.hot_key_news = args.hot_key_news;
    children_.push_back(Make(std::move(child_args)));
    BalancerNode& child = *children_.back();
    child.usable_ = child.HasEligible(PickRequest());
    if (child.usable_ && previous != nullptr && !previous->usable_) {
      child.load_->usable_since_nanos.store(args.clock->NowNanos(),
                                            std::memory_order_relaxed);
    }
    listed_weight_ += child.listed_weight_;
    connecting_.insert(connecting_.end(), child.connecting_.begin(),
                       child.connecting_.end());
    needs_latency_ |= child.needs_latency_;
    if (backlog_ == nullptr) backlog_ = child.backlog_;
    Member member;
    member.load = child.load_.get();
    member.balancer = &child;
    member.weight = child.WeightUnder(kind_);
    member.priority = static_cast<int32_t>(members_.size());
    member.hash = XXH64(child.name_.data(), child.name_.size(), /*seed=*/0);
    members_.push_back(member);
  }
}

uint32_t BalancerNode::WeightUnder(StrategyKind parent) const {
  if (parent == StrategyKind::kSticky) return Saturated(listed_weight_);
  uint64_t usable = 0;
  uint64_t all = 0;
  for (const Member& member : members_) {
    all += member.weight;
    if (member.Eligible(PickRequest())) usable += member.weight;
  }
  // With no usable member this node is skipped.  When a mark is lifted it must
  // be chosen at once, so its weight must not be 0.
  return Saturated(usable > 0 ? usable : all);
}

void BalancerNode::MakeStrategyFor(const Args& args) {
  StrategyArgs strategy_args;
  strategy_args.config = *args.config;
  strategy_args.config.members.clear();
  strategy_args.members = members_;
  strategy_args.clock = args.clock;
  strategy_args.seed = args.seed;
  const BalancerNode* previous = args.previous;
  if (previous != nullptr && previous->kind_ == kind_ &&
      previous->children_.empty() == children_.empty()) {
    strategy_args.previous = previous->strategy_.get();
    strategy_args.previous_index =
        PreviousIndices(members_, previous->members_);
  }
  strategy_ = MakeStrategy(std::move(strategy_args));
}

BalancerNode::Choice BalancerNode::Pick(const PickRequest& request) const {
  for (int descent = 0; descent < kMaxDescents; ++descent) {
    const BalancerNode* node = this;
    while (true) {
      const size_t member = node->PickMember(request);
      if (member == Strategy::kNone) break;
      if (node->children_.empty()) return Choice{node, member};
      node = node->children_[member].get();
    }
    if (node == this) break;
  }
  return Choice();
}

size_t BalancerNode::PickMember(const PickRequest& request) const {
  size_t member;
  if (panic_tolerates_ == 0) {
    member = strategy_->Pick(request);
  } else {
    PickRequest lenient = request;
    lenient.tolerated |= panic_tolerates_;
    member = strategy_->Pick(lenient);
  }
  // A call that picks again has voted.
  if (key_vote_ != nullptr && request.has_key && !request.excludes_any() &&
      member != Strategy::kNone) {
    key_vote_->Add(request.key_hash);
  }
  return member;
}

bool BalancerNode::HasConnecting(const PickRequest& request) const {
  for (uint32_t id : connecting_) {
    if (!request.tried.Contains(id)) return true;
  }
  return false;
}

bool BalancerNode::HasEligible(const PickRequest& request) const {
  PickRequest lenient = request;
  lenient.tolerated |= panic_tolerates_;
  for (const Member& member : members_) {
    if (member.Eligible(lenient)) return true;
  }
  return false;
}

bool BalancerNode::AnyUsable() const {
  if (!children_.empty()) {
    return std::any_of(children_.begin(), children_.end(),
                       [](const auto& child) { return child->AnyUsable(); });
  }
  return std::any_of(members_.begin(), members_.end(),
                     [this](const Member& member) {
                       return IsHealthy(*member.load, panic_tolerates_);
                     });
}

bool BalancerNode::AnyMissing() const {
  if (!children_.empty()) {
    return std::any_of(children_.begin(), children_.end(),
                       [](const auto& child) { return child->AnyMissing(); });
  }
  const auto healthy =
      std::count_if(members_.begin(), members_.end(), [](const Member& member) {
        return IsHealthy(*member.load, /*tolerated=*/0);
      });
  return static_cast<size_t>(healthy) < listed_.size();
}

void BalancerNode::AppendPanicking(std::vector<std::string>* paths) const {
  if (panic_tolerates_ != 0) paths->push_back(path_);
  for (const auto& child : children_) child->AppendPanicking(paths);
}

std::string BalancerNode::HotKey::ToString(absl::string_view authority) const {
  return absl::StrCat("one key has ", percent, " % of the last 1,000 calls of ",
                      path, ": STICKY cannot spread them (channel \"",
                      authority,
                      "\"). Use a key whose values share the calls, or set "
                      "sticky.loadBound");
}

void BalancerNode::TakeHotKeys(std::vector<HotKey>* hot_keys) const {
  if (key_vote_ != nullptr) {
    const absl::optional<int> percent = key_vote_->Take();
    if (percent.has_value()) hot_keys->push_back({path_, *percent});
  }
  for (const auto& child : children_) child->TakeHotKeys(hot_keys);
}

void BalancerNode::AppendNodesWithBacklog(
    std::vector<const BalancerNode*>* nodes) const {
  if (has_own_backlog_) nodes->push_back(this);
  for (const auto& child : children_) child->AppendNodesWithBacklog(nodes);
}

void BalancerNode::AppendLeaves(
    std::vector<const BalancerNode*>* leaves) const {
  if (children_.empty()) leaves->push_back(this);
  for (const auto& child : children_) child->AppendLeaves(leaves);
}

}  // namespace multi_backend
