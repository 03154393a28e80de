#include "multi_backend/lb_policy/strategies/sticky/sticky.h"

#include <utility>

#include "multi_backend/lb_policy/strategies/random/random.h"

namespace multi_backend {

Sticky::Sticky(StrategyArgs args)
    : members_(std::move(args.members)),
      rendezvous_(members_),
      draw_(members_),
      random_(args.seed) {
  if (args.config.load_bound.has_value()) {
    limit_.emplace(members_, *args.config.load_bound);
  }
  if (args.previous != nullptr) {
    TakeOver(*static_cast<const Sticky*>(args.previous), args.previous_index);
  }
  if (owners_ == nullptr) owners_ = std::make_shared<OwnerCache>();
}

void Sticky::TakeOver(const Sticky& previous,
                      const std::vector<size_t>& previous_index) {
  const std::vector<Member>& old_members = previous.members_;
  bool same = members_.size() == old_members.size();
  heirs_.assign(old_members.size(), Rendezvous::kNobody);
  for (uint32_t i = 0; i < members_.size(); ++i) {
    const size_t old = previous_index[i];
    same = same && old == i && members_[i].weight == old_members[i].weight;
    if (old == kNone || members_[i].weight > old_members[old].weight) {
      challengers_.push_back(i);
    }
    if (old != kNone && members_[i].weight >= old_members[old].weight) {
      heirs_[old] = i;
    }
  }
  if (same) {
    // The owners are the same function as before, so the cache stays valid.
    owners_ = previous.owners_;
    old_owners_ = previous.old_owners_;
    heirs_ = previous.heirs_;
    challengers_ = previous.challengers_;
  } else {
    old_owners_ = previous.owners_;
  }
}

size_t Sticky::Pick(const PickRequest& request) {
  if (!request.has_key) {
    return DrawEligible(members_, draw_, random_, request);
  }
  const uint32_t slot = OwnerCache::SlotOf(request.key_hash);
  uint32_t owner = owners_->Get(slot);
  if (owner == OwnerCache::kUnknown) {
    owner = FindOwner(slot);
    if (owner == Rendezvous::kNobody) return kNone;
    owners_->Set(slot, owner);
  }
  if (limit_.has_value()) {
    limit_->Refresh();
    if (!limit_->HasRoom(owner)) return PickPastOwner(slot, request);
  }
  const Member& member = members_[owner];
  if (member.Eligible(request)) return owner;
  // Keys leave a member that drains only when all of them move.
  PickRequest at_owner = request;
  at_owner.tolerated |= LoadStats::kKeysOnly;
  if (member.balancer == nullptr && member.Eligible(at_owner)) return owner;
  return PickPastOwner(slot, request);
}

uint32_t Sticky::FindOwner(uint32_t slot) {
  if (old_owners_ != nullptr) {
    const uint32_t old = old_owners_->Get(slot);
    if (old != OwnerCache::kUnknown && heirs_[old] != Rendezvous::kNobody) {
      // The old owner beat all the others, and only challengers can have
      // improved since.
      return rendezvous_.BestOf(slot, heirs_[old], challengers_);
    }
  }
  return rendezvous_.Best(slot);
}

size_t Sticky::PickPastOwner(uint32_t slot, const PickRequest& request) const {
  uint32_t next = Rendezvous::kNobody;
  if (limit_.has_value()) {
    next = rendezvous_.BestIf(slot, [&](uint32_t i) {
      return limit_->HasRoom(i) && members_[i].Eligible(request);
    });
  }
  if (next == Rendezvous::kNobody) {
    next = rendezvous_.BestIf(
        slot, [&](uint32_t i) { return members_[i].Eligible(request); });
  }
  return next == Rendezvous::kNobody ? kNone : next;
}

}  // namespace multi_backend
