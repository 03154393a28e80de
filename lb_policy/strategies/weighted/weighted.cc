#include "multi_backend/lb_policy/strategies/weighted/weighted.h"

#include <algorithm>
#include <utility>

#include "absl/numeric/int128.h"
#include "multi_backend/lb_policy/fast_random.h"

namespace multi_backend {
namespace {

// The turn of the lightest member.  Instants can be compared within a half
// circle of 2^63, and due times lie at most one turn before or after now, so a
// quarter of the half circle leaves room.  A turn of the heaviest weight is
// 2^32 times shorter and still has 29 bits.
constexpr uint64_t kLongestTurn = uint64_t{1} << 61;

// The largest number of turns that one pick takes away from unusable members
// one by one.  While most of the weight is unusable, that is not enough; the
// pick then takes away all remaining turns at once.
constexpr int kMaxSingleCharges = 32;

// The fractional part of the golden ratio.  Its multiples modulo 1 are spread
// more evenly than those of any other number.
constexpr double kGolden = 0.6180339887498949;

double FractionalPart(double x) {
  return x - static_cast<double>(static_cast<int64_t>(x));
}

}  // namespace

Weighted::Weighted(StrategyArgs args)
    : members_(std::move(args.members)),
      due_(new std::atomic<Time>[members_.size()]) {
  MakeRings();
  SetFirstTurns(args);
  SortRings();
}

Weighted::Time Weighted::TurnOf(uint32_t weight) const {
  return absl::Uint128Low64(absl::uint128(kLongestTurn) * least_weight_ /
                            weight);
}

// Makes one ring for each distinct weight, the heaviest first.
void Weighted::MakeRings() {
  for (uint32_t i = 0; i < members_.size(); ++i) {
    due_[i].store(0, std::memory_order_relaxed);
    if (members_[i].weight > 0) slots_.push_back(i);
  }
  std::stable_sort(slots_.begin(), slots_.end(),
                   [this](uint32_t a, uint32_t b) {
                     return members_[a].weight > members_[b].weight;
                   });
  if (slots_.empty()) return;
  least_weight_ = members_[slots_.back()].weight;
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    const uint32_t weight = members_[slots_[i]].weight;
    if (i == 0 || weight != members_[slots_[i - 1]].weight) {
      rings_.push_back({TurnOf(weight), i, 0, 0});
    }
    ++rings_.back().size;
  }
}

void Weighted::SetFirstTurns(const StrategyArgs& args) {
  const auto* previous = static_cast<const Weighted*>(args.previous);
  FastRandom random(args.seed);
  const Time previous_now =
      previous == nullptr ? 0 : previous->now_.load(std::memory_order_relaxed);
  double phase = random.Fraction();
  for (const Ring& ring : rings_) {
    phase = FractionalPart(phase + kGolden);
    for (uint32_t j = 0; j < ring.size; ++j) {
      const uint32_t member = slots_[ring.begin + j];
      // The part of a turn until the member is due.  The members of a first
      // list are spread evenly; one that joins later starts at a random point.
      double wait = previous == nullptr
                        ? FractionalPart(phase + (j + 0.5) / ring.size)
                        : random.Fraction();
      const size_t old =
          previous == nullptr ? kNone : args.previous_index[member];
      if (old != kNone && previous->members_[old].weight > 0) {
        // Signed, because a due time may have passed.
        const auto left = static_cast<double>(static_cast<int64_t>(
            previous->DueOf(static_cast<uint32_t>(old)) - previous_now));
        const double turn = static_cast<double>(
            previous->TurnOf(previous->members_[old].weight));
        wait = std::min(1.0, std::max(-1.0, left / turn));
      }
      const auto ticks =
          static_cast<int64_t>(wait * static_cast<double>(ring.turn));
      due_[member].store(static_cast<Time>(ticks), std::memory_order_relaxed);
    }
  }
}

// Sorts every ring by due time and puts the heads into the heap.
void Weighted::SortRings() {
  heap_.clear();
  for (uint32_t i = 0; i < rings_.size(); ++i) {
    Ring& ring = rings_[i];
    const auto begin = slots_.begin() + ring.begin;
    std::rotate(begin, begin + ring.head, begin + ring.size);
    ring.head = 0;
    std::stable_sort(begin, begin + ring.size, [this](uint32_t a, uint32_t b) {
      return Before(DueOf(a), DueOf(b));
    });
    heap_.push_back({DueOf(*begin), i});
  }
  std::sort(heap_.begin(), heap_.end(), HeadBefore);
}

size_t Weighted::Pick(const PickRequest& request) {
  if (heap_.empty()) return kNone;
  const Head top = heap_[0];
  if (members_[Slot(rings_[top.ring], 0)].Eligible(request)) {
    return Take({0, 0, top.due});
  }
  return PickPastBlocked(request);
}

// Gives the member at `place` its turn.
size_t Weighted::Take(const Place& place) {
  const Head head = heap_[place.heap_index];
  Ring& ring = rings_[head.ring];
  const uint32_t member = Slot(ring, place.offset);
  // now_ never goes back, not even for a turn taken late.
  Time now = now_.load(std::memory_order_relaxed);
  if (Before(now, place.due)) {
    now = place.due;
    now_.store(now, std::memory_order_relaxed);
  }
  Time due = place.due + ring.turn;
  if (Before(due, now)) due = now;
  due_[member].store(due, std::memory_order_relaxed);

  // The members that it overtook stay in front; it moves to the back.
  for (uint32_t i = place.offset; i > 0; --i) Slot(ring, i) = Slot(ring, i - 1);
  Slot(ring, 0) = member;
  if (++ring.head == ring.size) ring.head = 0;
  // The last member may have overtaken others earlier and be due after this
  // one; insert this one in order.
  for (uint32_t i = ring.size - 1; i > 0; --i) {
    uint32_t& last = Slot(ring, i);
    uint32_t& before = Slot(ring, i - 1);
    if (!Before(DueOf(last), DueOf(before))) break;
    std::swap(last, before);
  }
  heap_[place.heap_index].due = DueOf(Slot(ring, 0));
  SiftDown(place.heap_index);
  return member;
}

// Picks when the member that is due first is not eligible.
size_t Weighted::PickPastBlocked(const PickRequest& request) {
  // A pick that no member can serve must not cost any member its turn.
  if (!FirstEligible(request).has_value()) return kNone;
  bool charged_enough = false;
  for (int i = 0; i < kMaxSingleCharges; ++i) {
    const uint32_t member = Slot(rings_[heap_[0].ring], 0);
    if (members_[member].Eligible(request)) {
      return Take({0, 0, heap_[0].due});
    }
    charged_enough = !LosesTurn(member, request);
    if (charged_enough) break;
    ChargeTop();
  }
  absl::optional<Place> place = FirstEligible(request);
  if (!place.has_value()) return kNone;
  if (!charged_enough) {
    ChargeAllBefore(place->due, request);
    place = FirstEligible(request);
    // A member may have become unusable during this pick.
    if (!place.has_value()) return kNone;
  }
  return Take(*place);
}

// Whether a member that is not eligible loses the turn that is due.  It keeps
// the turn if only this call cannot use it, unless it is a whole turn late.
bool Weighted::LosesTurn(uint32_t member, const PickRequest& request) const {
  if (!request.excludes_any() ||
      !members_[member].load->usable(request.tolerated)) {
    return true;
  }
  const Time late = now_.load(std::memory_order_relaxed) - DueOf(member);
  const Time turn = TurnOf(members_[member].weight);
  return static_cast<int64_t>(late) > static_cast<int64_t>(turn);
}

// Returns the eligible member that is due first.
absl::optional<Weighted::Place> Weighted::FirstEligible(
    const PickRequest& request) {
  absl::optional<Place> first;
  for (size_t i = 0; i < heap_.size(); ++i) {
    const Ring& ring = rings_[heap_[i].ring];
    for (uint32_t offset = 0; offset < ring.size; ++offset) {
      const uint32_t member = Slot(ring, offset);
      if (!members_[member].Eligible(request)) continue;
      const Time due = DueOf(member);
      if (!first.has_value() || Before(due, first->due)) {
        first = Place{i, offset, due};
      }
      break;
    }
  }
  return first;
}

// Takes away the turn of the member that is due first.
void Weighted::ChargeTop() {
  Ring& ring = rings_[heap_[0].ring];
  const uint32_t member = Slot(ring, 0);
  const Time now = now_.load(std::memory_order_relaxed);
  Time due = DueOf(member) + ring.turn;
  if (Before(due, now)) due = now;
  due_[member].store(due, std::memory_order_relaxed);
  if (++ring.head == ring.size) ring.head = 0;
  for (uint32_t i = ring.size - 1; i > 0; --i) {
    uint32_t& last = Slot(ring, i);
    uint32_t& before = Slot(ring, i - 1);
    if (!Before(DueOf(last), DueOf(before))) break;
    std::swap(last, before);
  }
  heap_[0].due = DueOf(Slot(ring, 0));
  SiftDown(0);
}

// Takes away every turn due before `limit` of members that cannot be picked.
void Weighted::ChargeAllBefore(Time limit, const PickRequest& request) {
  for (const uint32_t member : slots_) {
    const Time due = DueOf(member);
    if (!Before(due, limit) || members_[member].Eligible(request) ||
        !LosesTurn(member, request)) {
      continue;
    }
    const Time turn = TurnOf(members_[member].weight);
    const Time turns = (limit - due + turn - 1) / turn;
    due_[member].store(due + turns * turn, std::memory_order_relaxed);
  }
  SortRings();
}

void Weighted::SiftDown(size_t heap_index) {
  const size_t size = heap_.size();
  const Head moving = heap_[heap_index];
  for (;;) {
    size_t child = 2 * heap_index + 1;
    if (child >= size) break;
    if (child + 1 < size && HeadBefore(heap_[child + 1], heap_[child])) {
      ++child;
    }
    if (!HeadBefore(heap_[child], moving)) break;
    heap_[heap_index] = heap_[child];
    heap_index = child;
  }
  heap_[heap_index] = moving;
}

}  // namespace multi_backend
