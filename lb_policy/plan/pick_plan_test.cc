#include "multi_backend/lb_policy/plan/pick_plan.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/plan/testing/plan_inputs.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using Outcome = PickPlan::Outcome;
using testing::kAllKinds;
using testing::ToRole;

// --- Builders ---------------------------------------------------------------

constexpr LinkState kReady = LinkState::kReady;
constexpr LinkState kConnecting = LinkState::kConnecting;
constexpr LinkState kFailed = LinkState::kFailed;

struct Spec {
  const char* role = "";
  LinkState link = kReady;
  uint32_t weight = 1;
  bool marked = false;
  const char* zone = "";
};

// Makes the backends "10.0.0.0:1", "10.0.0.1:1", … of a channel, and plans over
// them.
class Channel {
 public:
  explicit Channel(const std::vector<Spec>& specs)
      : pool_(BackendPool::Create()),
        config_(std::make_shared<PolicyConfig>()) {
    for (const Spec& spec : specs) Add(spec);
  }

  void Add(const Spec& spec) { AddNamed(spec, AddressOf(entries_.size())); }
  void AddNamed(const Spec& spec, const std::string& name) {
    const size_t index = entries_.size();
    Endpoint endpoint = *Endpoint::Parse(name);
    endpoint.role = spec.role;
    endpoint.zone = spec.zone;
    endpoint.weight = spec.weight;
    PlanEntry entry =
        testing::ReadyEntry(*pool_, AddressOf(index), std::move(endpoint));
    entry.link = spec.link;
    if (spec.link == kFailed) entry.error = "connection refused";
    entries_.push_back(std::move(entry));
    if (spec.marked) Mark(index, false);
  }

  static std::string AddressOf(size_t i) {
    return absl::StrCat("10.0.0.", i, ":1");
  }
  PolicyConfig& config() { return *config_; }
  PlanEntry& operator[](size_t i) { return entries_[i]; }
  void Mark(size_t i, bool usable) {
    usable ? pool_->MarkHealthy(AddressOf(i))
           : pool_->MarkUnhealthy(AddressOf(i));
  }
  PickRequest ThatTried(const std::vector<size_t>& tried) {
    PickRequest request;
    for (const size_t i : tried) request.tried.Add(entries_[i].backend().id());
    return request;
  }

  std::unique_ptr<PickPlan> Make(const PickPlan* previous = nullptr,
                                 uint64_t seed = 1) {
    PickPlan::Args args = testing::PlanArgs(*config_, entries_, clock_);
    args.previous = previous;
    args.seed = seed;
    return PickPlan::Make(std::move(args));
  }

 private:
  testing::ManualClock clock_;
  std::shared_ptr<BackendPool> pool_;
  std::shared_ptr<PolicyConfig> config_;
  std::vector<PlanEntry> entries_;
};

BalancerConfig Of(StrategyKind kind) {
  BalancerConfig config;
  config.strategy = kind;
  return config;
}

BalancerConfig Zone(const char* zone, StrategyKind kind) {
  BalancerConfig config = Of(kind);
  config.name = zone;
  config.select.zone = zone;
  return config;
}

uint32_t PickedBy(const PickPlan& plan, const CallLabel& label,
                  const PickRequest& request = PickRequest()) {
  const PickPlan::Result result = plan.Pick(label, request);
  return result.outcome == Outcome::kPicked ? result.entry : UINT32_MAX;
}

std::vector<uint32_t> PickMany(const PickPlan& plan, const CallLabel& label,
                               size_t count) {
  std::vector<uint32_t> picks;
  for (size_t i = 0; i < count; ++i) picks.push_back(PickedBy(plan, label));
  return picks;
}

std::map<uint32_t, int> CountPicks(const PickPlan& plan, const CallLabel& label,
                                   size_t count) {
  std::map<uint32_t, int> counts;
  for (const uint32_t pick : PickMany(plan, label, count)) ++counts[pick];
  return counts;
}

using Counts = std::map<uint32_t, int>;

// --- Which balancer serves a call -------------------------------------------

TEST(PickPlanTest, ACallWithoutARoleGoesToAllBackends) {
  Channel channel({{"primary"}, {"replica"}, {}});
  const auto plan = channel.Make();
  EXPECT_EQ(CountPicks(*plan, CallLabel(), 30),
            (Counts{{0, 10}, {1, 10}, {2, 10}}));
}

TEST(PickPlanTest, ARoleGoesToItsBackendsByItsOwnStrategy) {
  Channel channel(
      {{"primary"}, {"replica", kReady, 1}, {"replica", kReady, 4}});
  channel.config().roles["replica"] = Of(StrategyKind::kWeighted);
  const auto plan = channel.Make();
  EXPECT_EQ(CountPicks(*plan, ToRole("replica"), 50),
            (Counts{{1, 10}, {2, 40}}));
  EXPECT_EQ(CountPicks(*plan, CallLabel(), 30),
            (Counts{{0, 10}, {1, 10}, {2, 10}}));
}

TEST(PickPlanTest, ARoleThatOnlyEndpointsHaveUsesTheDefaultStrategy) {
  Channel channel(
      {{"primary"}, {"replica", kReady, 1}, {"replica", kReady, 4}});
  channel.config().root = Of(StrategyKind::kWeighted);
  const auto plan = channel.Make();
  EXPECT_EQ(CountPicks(*plan, ToRole("primary"), 10), (Counts{{0, 10}}));
  EXPECT_EQ(CountPicks(*plan, ToRole("replica"), 50),
            (Counts{{1, 10}, {2, 40}}));
}

TEST(PickPlanTest, ARoleOverZonesIsATreeOfItsOwn) {
  Channel channel({{"replica", kReady, 1, false, "eu"},
                   {"replica", kReady, 1, false, "eu"},
                   {"replica", kReady, 1, false, "us"},
                   {"primary", kReady, 1, false, "us"}});
  channel.config().roles["replica"].members = {
      Zone("eu", StrategyKind::kRoundRobin),
      Zone("us", StrategyKind::kRoundRobin)};
  const auto plan = channel.Make();
  EXPECT_EQ(CountPicks(*plan, ToRole("replica"), 40),
            (Counts{{0, 10}, {1, 10}, {2, 20}}));
  EXPECT_EQ(plan->Pick(CallLabel(), {}).leaf->load_path(), nullptr);
  EXPECT_NE(plan->Pick(ToRole("replica"), {}).leaf->load_path(), nullptr);
}

TEST(PickPlanTest, AMarkActsOnTheVeryNextPickAndSoDoesLiftingIt) {
  for (const StrategyKind kind : kAllKinds) {
    Channel channel({{"a"}, {"a"}, {"b"}});
    channel.config().root = Of(kind);
    const auto plan = channel.Make();
    for (int round = 0; round < 20; ++round) {
      const uint32_t first = PickedBy(*plan, ToRole("a"));
      channel.Mark(first, false);
      EXPECT_EQ(PickedBy(*plan, ToRole("a")), 1 - first);
      EXPECT_NE(PickedBy(*plan, CallLabel()), first);
      channel.Mark(1 - first, false);
      EXPECT_EQ(plan->Pick(ToRole("a"), {}).outcome, Outcome::kNoBackend);
      EXPECT_EQ(PickedBy(*plan, CallLabel()), 2u);
      channel.Mark(first, true);
      EXPECT_EQ(PickedBy(*plan, ToRole("a")), first);
      channel.Mark(1 - first, true);
    }
  }
}

TEST(PickPlanTest, ADrainingBackendGetsNothingInNoStrategyAndNoRole) {
  for (const StrategyKind kind : kAllKinds) {
    Channel channel({{"a", kReady, 0}, {"a"}, {"b", kReady, 0}});
    channel.config().root = Of(kind);
    const auto plan = channel.Make();
    EXPECT_EQ(CountPicks(*plan, CallLabel(), 20), (Counts{{1, 20}}));
    EXPECT_EQ(CountPicks(*plan, ToRole("a"), 20), (Counts{{1, 20}}));
    EXPECT_EQ(plan->Pick(ToRole("b"), {}).outcome, Outcome::kNoBackend);
    EXPECT_EQ(PickedBy(*plan, CallLabel(), channel.ThatTried({1})), UINT32_MAX);
  }
}

// --- When the role's own backends cannot serve ------------------------------

struct FallbackCase {
  const char* name;
  std::vector<Spec> backends;
  CallLabel label;
  std::vector<size_t> tried;
  Outcome outcome;
  std::set<uint32_t> picked;
};

constexpr auto kFail = WhenUnavailable::kFail;
constexpr auto kAny = WhenUnavailable::kAny;
constexpr auto kRole = WhenUnavailable::kRole;

const Spec kPrimaryReady = {"primary"};
const Spec kPrimaryDown = {"primary", kFailed};
const Spec kPrimaryMarked = {"primary", kReady, 1, true};
const Spec kPrimaryDrained = {"primary", kReady, 0};
const Spec kPrimaryStarting = {"primary", kConnecting};
const Spec kReplicaReady = {"replica"};
const Spec kReplicaDown = {"replica", kFailed};
const Spec kReplicaStarting = {"replica", kConnecting};
const Spec kPlainReady = {""};
const Spec kPlainStarting = {"", kConnecting};

const FallbackCase kFallbackCases[] = {
    {"ItsOwnComeFirst",
     {kPrimaryReady, kReplicaReady},
     ToRole("primary", kAny),
     {},
     Outcome::kPicked,
     {0}},
    {"FailNeverFallsToAnotherRole",
     {kPrimaryDown, kReplicaReady, kPlainReady},
     ToRole("primary", kFail),
     {},
     Outcome::kNoBackend,
     {}},
    {"FailWhenMarked",
     {kPrimaryMarked, kReplicaReady},
     ToRole("primary", kFail),
     {},
     Outcome::kNoBackend,
     {}},
    {"FailWhenDrained",
     {kPrimaryDrained, kReplicaReady},
     ToRole("primary", kFail),
     {},
     Outcome::kNoBackend,
     {}},
    {"FailWhenNoBackendHasTheRole",
     {kReplicaReady},
     ToRole("primary", kFail),
     {},
     Outcome::kNoBackend,
     {}},
    {"FailWaitsForItsOwn",
     {kPrimaryStarting, kReplicaReady},
     ToRole("primary", kFail),
     {},
     Outcome::kWait,
     {}},
    {"FailDoesNotWaitForOthers",
     {kPrimaryDown, kReplicaStarting},
     ToRole("primary", kFail),
     {},
     Outcome::kNoBackend,
     {}},
    {"FailDoesNotRetryOnAnotherRole",
     {kPrimaryReady, kReplicaReady},
     ToRole("primary", kFail),
     {0},
     Outcome::kExhausted,
     {}},
    {"AnyGoesToAllOthers",
     {kPrimaryDown, kReplicaReady, kPlainReady},
     ToRole("primary", kAny),
     {},
     Outcome::kPicked,
     {1, 2}},
    {"AnyWhenNoBackendHasTheRole",
     {kReplicaReady, kPlainReady},
     ToRole("primary", kAny),
     {},
     Outcome::kPicked,
     {0, 1}},
    {"AnyDoesNotWaitForItsOwn",
     {kPrimaryStarting, kReplicaReady},
     ToRole("primary", kAny),
     {},
     Outcome::kPicked,
     {1}},
    {"AnyWaitsForOthers",
     {kPrimaryDown, kPlainStarting},
     ToRole("primary", kAny),
     {},
     Outcome::kWait,
     {}},
    {"AnyRetriesOnOthers",
     {kPrimaryReady, kReplicaReady, kPlainReady},
     ToRole("primary", kAny),
     {0},
     Outcome::kPicked,
     {1, 2}},
    {"AnyFindsNoBackend",
     {kPrimaryDown, kReplicaDown},
     ToRole("primary", kAny),
     {},
     Outcome::kNoBackend,
     {}},
    {"ARoleGoesToThatRoleOnly",
     {kPrimaryDown, kReplicaReady, kPlainReady},
     ToRole("primary", kRole, "replica"),
     {},
     Outcome::kPicked,
     {1}},
    {"ARoleWaitsForIt",
     {kPrimaryDown, kReplicaStarting, kPlainReady},
     ToRole("primary", kRole, "replica"),
     {},
     Outcome::kWait,
     {}},
    {"ARoleWaitsForItsOwn",
     {kPrimaryStarting, kReplicaDown, kPlainReady},
     ToRole("primary", kRole, "replica"),
     {},
     Outcome::kWait,
     {}},
    {"ARoleDoesNotWaitForOthers",
     {kPrimaryDown, kReplicaDown, kPlainStarting},
     ToRole("primary", kRole, "replica"),
     {},
     Outcome::kNoBackend,
     {}},
    {"ARoleThatNoBackendHas",
     {kPrimaryDown, kReplicaReady},
     ToRole("primary", kRole, "cache"),
     {},
     Outcome::kNoBackend,
     {}},
    {"ARoleRetriesOnIt",
     {kPrimaryReady, kReplicaReady, kPlainReady},
     ToRole("primary", kRole, "replica"),
     {0},
     Outcome::kPicked,
     {1}},
    {"ARoleIsExhaustedToo",
     {kPrimaryReady, kReplicaReady, kPlainReady},
     ToRole("primary", kRole, "replica"),
     {0, 1},
     Outcome::kExhausted,
     {}},
    {"NoRoleAndNoBackendListed", {}, CallLabel(), {}, Outcome::kNoBackend, {}},
    {"NoRoleAndAllDown",
     {kPrimaryDown, kReplicaDown},
     CallLabel(),
     {},
     Outcome::kNoBackend,
     {}},
    {"NoRoleAndSomeStarting",
     {kPrimaryDown, kReplicaStarting},
     CallLabel(),
     {},
     Outcome::kWait,
     {}},
    {"NoRoleAndAllTried",
     {kPrimaryReady, kReplicaReady},
     CallLabel(),
     {0, 1},
     Outcome::kExhausted,
     {}},
    {"ARetryWaitsForOneThatStarts",
     {kPrimaryReady, kReplicaStarting},
     CallLabel(),
     {0},
     Outcome::kWait,
     {}},
    {"ARetryDoesNotWaitForOneThatItTried",
     {kPrimaryReady, kReplicaStarting},
     CallLabel(),
     {0, 1},
     Outcome::kExhausted,
     {}},
    {"ARetryWithinARoleDoesNotWaitForOthers",
     {kPrimaryReady, kReplicaStarting},
     ToRole("primary", kFail),
     {0},
     Outcome::kExhausted,
     {}},
    {"ARetryWaitsForItsFallback",
     {kPrimaryReady, kReplicaStarting},
     ToRole("primary", kRole, "replica"),
     {0},
     Outcome::kWait,
     {}},
    {"ARetryPrefersAFallbackToWaiting",
     {kPrimaryReady, kPrimaryStarting, kReplicaReady},
     ToRole("primary", kAny),
     {0},
     Outcome::kPicked,
     {2}},
    {"NoCallWaitsForADrainingOne",
     {{"", kConnecting, 0}},
     CallLabel(),
     {},
     Outcome::kNoBackend,
     {}},
    {"NoCallWaitsForAMarkedOne",
     {{"", kConnecting, 1, true}},
     CallLabel(),
     {},
     Outcome::kNoBackend,
     {}},
};

class FallbackTest : public ::testing::TestWithParam<FallbackCase> {};

INSTANTIATE_TEST_SUITE_P(
    Cases, FallbackTest, ::testing::ValuesIn(kFallbackCases),
    [](const ::testing::TestParamInfo<FallbackCase>& info) {
      return std::string(info.param.name);
    });

TEST_P(FallbackTest, HoldsForEveryStrategy) {
  for (const StrategyKind kind : kAllKinds) {
    Channel channel(GetParam().backends);
    channel.config().root = Of(kind);
    const auto plan = channel.Make();
    const PickRequest request = channel.ThatTried(GetParam().tried);
    for (int i = 0; i < 10; ++i) {
      const PickPlan::Result result = plan->Pick(GetParam().label, request);
      ASSERT_EQ(result.outcome, GetParam().outcome) << StrategyName(kind);
      const bool picked = result.outcome == Outcome::kPicked;
      EXPECT_EQ(result.leaf != nullptr, picked);
      if (picked) {
        EXPECT_EQ(GetParam().picked.count(result.entry), 1u)
            << StrategyName(kind) << " picked " << result.entry;
      }
    }
    EXPECT_EQ(plan->CanServe(GetParam().label, request),
              GetParam().outcome == Outcome::kPicked ||
                  GetParam().outcome == Outcome::kWait);
  }
}

TEST(PickPlanTest, AConfiguredRoleWithoutBackendsIsLikeAnUnknownRole) {
  Channel channel({kReplicaReady});
  channel.config().roles["primary"] = Of(StrategyKind::kPrimary);
  const auto plan = channel.Make();
  EXPECT_EQ(plan->Pick(ToRole("primary"), {}).outcome, Outcome::kNoBackend);
  EXPECT_EQ(PickedBy(*plan, ToRole("primary", kAny)), 0u);
  EXPECT_EQ(plan->DescribeFailure(ToRole("primary")),
            "multi_backend: no usable backend with role \"primary\", the call "
            "was not sent: the endpoint list has none");
}

// --- Exclusion, exhaustively ------------------------------------------------

// There are five backends of three roles.  Each is usable, marked or tried.
constexpr const char* kFiveRoles[] = {"a", "b", "", "a", "b"};

struct ExclusionCase {
  const char* name;
  void (*configure)(PolicyConfig& config, StrategyKind root, StrategyKind role);
};

const ExclusionCase kExclusionCases[] = {
    {"Flat",
     [](PolicyConfig& config, StrategyKind root, StrategyKind role) {
       config.root = Of(root);
       config.roles["a"] = Of(role);
     }},
    {"Nested",
     [](PolicyConfig& config, StrategyKind root, StrategyKind role) {
       BalancerConfig tree = Of(root);
       tree.members = {Zone("eu", role), Zone("us", role)};
       config.root = tree;
       config.roles["a"] = tree;
       config.roles["b"] = Of(role);
     }},
};

CallLabel LabelAt(int i) {
  const CallLabel labels[] = {
      CallLabel(),
      ToRole("a"),
      ToRole("a", kAny),
      ToRole("a", kRole, "b"),
      ToRole("a", kRole, "x"),
      ToRole("x"),
      ToRole("x", kAny),
      ToRole("x", kRole, "b"),
      ToRole("b", kRole, "a"),
  };
  return labels[i];
}
constexpr int kLabels = 9;

std::set<uint32_t> WithRole(const std::set<uint32_t>& free,
                            absl::string_view role) {
  std::set<uint32_t> found;
  for (const uint32_t i : free) {
    if (role.empty() || role == kFiveRoles[i]) found.insert(i);
  }
  return found;
}

// Returns the backends that a call may go to if `free` are usable and untried.
std::set<uint32_t> Allowed(const CallLabel& label,
                           const std::set<uint32_t>& free) {
  const std::set<uint32_t> own = WithRole(free, label.role);
  if (!own.empty() || label.when_unavailable == kFail) return own;
  if (label.when_unavailable == kAny) return free;
  return WithRole(free, label.fallback_role);
}

class ExclusionTest : public ::testing::TestWithParam<ExclusionCase> {
 protected:
  static void Check(const PickPlan& plan, const CallLabel& label,
                    PickRequest request, const std::set<uint32_t>& allowed,
                    FastRandom& random) {
    ASSERT_EQ(plan.CanServe(label, request), !allowed.empty());
    for (int pick = 0; pick < 4; ++pick) {
      request.has_key = pick % 2 == 1;
      request.key_hash = random.Next();
      const PickPlan::Result result = plan.Pick(label, request);
      if (allowed.empty()) {
        ASSERT_EQ(result.outcome, request.tried.empty() ? Outcome::kNoBackend
                                                        : Outcome::kExhausted);
      } else {
        ASSERT_EQ(result.outcome, Outcome::kPicked);
        ASSERT_EQ(allowed.count(result.entry), 1u) << result.entry;
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(
    Trees, ExclusionTest, ::testing::ValuesIn(kExclusionCases),
    [](const ::testing::TestParamInfo<ExclusionCase>& info) {
      return std::string(info.param.name);
    });

TEST_P(ExclusionTest, IsExactThroughRolesAndFallbacks) {
  FastRandom random(1);
  for (const StrategyKind root : kAllKinds) {
    for (const StrategyKind role : kAllKinds) {
      std::vector<Spec> specs;
      for (size_t i = 0; i < 5; ++i) {
        specs.push_back({kFiveRoles[i], kReady, 1, false, i < 3 ? "eu" : "us"});
      }
      Channel channel(specs);
      GetParam().configure(channel.config(), root, role);
      const auto plan = channel.Make();
      for (int code = 0; code < 243; ++code) {
        std::vector<size_t> tried;
        std::set<uint32_t> free;
        for (int i = 0, rest = code; i < 5; ++i, rest /= 3) {
          channel.Mark(i, rest % 3 != 1);
          if (rest % 3 == 2) tried.push_back(i);
          if (rest % 3 == 0) free.insert(i);
        }
        const PickRequest request = channel.ThatTried(tried);
        for (int i = 0; i < kLabels; ++i) {
          SCOPED_TRACE(absl::StrCat(StrategyName(root), " ", StrategyName(role),
                                    " case ", code, " label ", i));
          const CallLabel label = LabelAt(i);
          Check(*plan, label, request, Allowed(label, free), random);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

// --- Words ------------------------------------------------------------------

TEST(DescribeFailureTest, EachBackendSaysWhyItCannotServe) {
  struct Row {
    const char* name;
    Spec spec;
    const char* why;
  };
  const Row rows[] = {
      {"refused", {"", kFailed}, "connection refused"},
      {"starting", {"", kConnecting}, "connecting"},
      {"drained", {"", kReady, 0}, "draining: weight 0"},
      {"drained and starting", {"", kConnecting, 0}, "draining: weight 0"},
      {"drained and refused", {"", kFailed, 0}, "connection refused"},
      {"marked", {"", kReady, 1, true}, "marked unhealthy: manual"},
      {"marked and refused",
       {"", kFailed, 1, true},
       "marked unhealthy: manual"},
      {"marked and drained", {"", kReady, 0, true}, "marked unhealthy: manual"},
      {"in no zone", {"", kReady}, "connected, but not selected"},
  };
  for (const Row& row : rows) {
    Channel channel({row.spec});
    channel.config().root.members = {Zone("eu", StrategyKind::kRoundRobin)};
    EXPECT_EQ(channel.Make()->DescribeFailure(CallLabel()),
              absl::StrCat("multi_backend: no usable backend, the call was not "
                           "sent: 10.0.0.0:1 (",
                           row.why, ")"))
        << row.name;
  }
}

TEST(DescribeFailureTest, AFailureWithoutATextIsStillOne) {
  Channel channel({{"", kFailed}});
  channel[0].error = "";
  EXPECT_EQ(channel.Make()->DescribeFailure(CallLabel()),
            "multi_backend: no usable backend, the call was not sent: "
            "10.0.0.0:1 (connection failed)");
}

TEST(DescribeFailureTest, AConfiguredNameStandsBeforeItsAddress) {
  Channel channel({});
  channel.AddNamed({"", kFailed}, "db.example:50051");
  EXPECT_EQ(channel.Make()->DescribeFailure(CallLabel()),
            "multi_backend: no usable backend, the call was not sent: "
            "db.example:50051=10.0.0.0:1 (connection refused)");
}

TEST(DescribeFailureTest, NamesTheRoleAndOnlyThoseConcerned) {
  Channel channel(
      {{"primary", kFailed}, {"replica", kReady, 1, true}, {"", kConnecting}});
  const auto plan = channel.Make();
  const std::string head = "multi_backend: no usable backend";
  const std::string primary = "10.0.0.0:1 (connection refused)";
  const std::string replica = "10.0.0.1:1 (marked unhealthy: manual)";
  const std::string plain = "10.0.0.2:1 (connecting)";
  struct Row {
    CallLabel label;
    std::string text;
  };
  const Row rows[] = {
      {CallLabel(), absl::StrCat(head, ", the call was not sent: ", primary,
                                 "; ", replica, "; ", plain)},
      {ToRole("primary"),
       absl::StrCat(
           head, " with role \"primary\", the call was not sent: ", primary)},
      {ToRole("primary", kAny),
       absl::StrCat(head, " with role \"primary\", the call was not sent: ",
                    primary, "; ", replica, "; ", plain)},
      {ToRole("primary", kRole, "replica"),
       absl::StrCat(head,
                    " with role \"primary\" or \"replica\", the call was not "
                    "sent: ",
                    primary, "; ", replica)},
      {ToRole("x", kRole, "replica"),
       absl::StrCat(head,
                    " with role \"x\" or \"replica\", the call was not sent: ",
                    replica)},
      {ToRole("x"),
       absl::StrCat(head,
                    " with role \"x\", the call was not sent: the endpoint "
                    "list has none")},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(plan->DescribeFailure(row.label), row.text);
  }
}

TEST(DescribeFailureTest, NamesAtMostFive) {
  std::string text =
      "multi_backend: no usable backend, the call was not sent: ";
  Channel channel({});
  EXPECT_EQ(channel.Make()->DescribeFailure(CallLabel()),
            text + "the endpoint list has none");
  for (size_t count = 1; count <= 12; ++count) {
    channel.Add({"", kFailed});
    if (count <= 5) {
      absl::StrAppend(&text, count > 1 ? "; " : "",
                      Channel::AddressOf(count - 1), " (connection refused)");
    }
    std::string expected = text;
    if (count > 5) absl::StrAppend(&expected, "; and ", count - 5, " more");
    EXPECT_EQ(channel.Make()->DescribeFailure(CallLabel()), expected);
  }
}

TEST(DescribeFailureTest, ShowsAMarkMadeAfterThePlan) {
  Channel channel({{"", kReady}});
  const auto plan = channel.Make();
  channel.Mark(0, false);
  EXPECT_EQ(plan->DescribeFailure(CallLabel()),
            "multi_backend: no usable backend, the call was not sent: "
            "10.0.0.0:1 (marked unhealthy: manual)");
}

// --- What a plan says of itself ---------------------------------------------

TEST(PickPlanTest, TellsWhetherAnyoneIsReadyOrConnecting) {
  struct Row {
    const char* name;
    std::vector<Spec> backends;
    bool ready;
    bool connecting;
  };
  const Row rows[] = {
      {"nobody", {}, false, false},
      {"failed", {{"", kFailed}}, false, false},
      {"connecting", {{"a", kConnecting}, {"", kFailed}}, false, true},
      {"ready", {{"a"}, {"", kFailed}}, true, false},
      {"both", {{"a"}, {"", kConnecting}}, true, true},
      {"drained", {{"", kReady, 0}, {"", kConnecting, 0}}, true, false},
  };
  for (const Row& row : rows) {
    const auto plan = Channel(row.backends).Make();
    EXPECT_EQ(plan->any_ready(), row.ready) << row.name;
    EXPECT_EQ(plan->any_connecting(), row.connecting) << row.name;
    EXPECT_EQ(plan->entries().size(), row.backends.size());
  }
}

TEST(PickPlanTest, NeedsLatencyWhenAnyBalancerOfItDoes) {
  for (const StrategyKind root : kAllKinds) {
    for (const StrategyKind role : kAllKinds) {
      Channel channel({{"a"}});
      channel.config().root = Of(root);
      channel.config().roles["b"] = Of(role);
      EXPECT_EQ(
          channel.Make()->needs_latency(),
          root == StrategyKind::kPeakEwma || role == StrategyKind::kPeakEwma);
    }
  }
}

// --- Rebuilds ---------------------------------------------------------------

TEST(PickPlanRebuildTest, EveryRoleGoesOnWhereItWas) {
  Channel channel({{"a"}, {"a"}, {"a"}, {"b"}, {"b"}});
  const CallLabel labels[] = {CallLabel(), ToRole("a"), ToRole("b")};
  std::vector<uint32_t> expected;
  std::vector<uint32_t> picks;
  const auto undisturbed = channel.Make();
  auto plan = channel.Make();
  FastRandom random(1);
  for (uint64_t i = 0; i < 300; ++i) {
    const CallLabel& label = labels[random.Below(3)];
    expected.push_back(PickedBy(*undisturbed, label));
    picks.push_back(PickedBy(*plan, label));
    plan = channel.Make(plan.get(), /*seed=*/i);
  }
  EXPECT_EQ(picks, expected);
}

TEST(PickPlanRebuildTest, ARolesCallsInFlightCountOnApartFromTheDefaults) {
  Channel channel(
      {{"a", kReady, 1, false, "eu"}, {"", kReady, 1, false, "eu"}});
  channel.config().root.members = {Zone("eu", StrategyKind::kRoundRobin)};
  auto plan = channel.Make();
  const auto root_path = plan->Pick(CallLabel(), {}).leaf->load_path();
  const auto role_path = plan->Pick(ToRole("a"), {}).leaf->load_path();
  EXPECT_NE(root_path->front(), role_path->front());
  plan = channel.Make(plan.get());
  EXPECT_EQ(*plan->Pick(CallLabel(), {}).leaf->load_path(), *root_path);
  EXPECT_EQ(*plan->Pick(ToRole("a"), {}).leaf->load_path(), *role_path);
}

TEST(PickPlanRebuildTest, RolesComeAndGo) {
  Channel channel({{"a"}, {"b"}});
  auto plan = channel.Make();
  channel[0].endpoint =
      std::make_shared<const Endpoint>(channel[0].endpoint->WithRole("c"));
  plan = channel.Make(plan.get());
  EXPECT_EQ(plan->Pick(ToRole("a"), {}).outcome, Outcome::kNoBackend);
  EXPECT_EQ(PickedBy(*plan, ToRole("b")), 1u);
  EXPECT_EQ(PickedBy(*plan, ToRole("c")), 0u);
}

TEST(PickPlanRebuildTest, APlanNeedsNothingOfItsMakersButTheClock) {
  testing::ManualClock clock;
  std::unique_ptr<PickPlan> plan;
  for (int i = 0; i < 3; ++i) {
    auto pool = BackendPool::Create();
    PickPlan::Args args = testing::PlanArgs(
        PolicyConfig(),
        {testing::ReadyEntry(*pool, "1:1", Endpoint::Of("1", 1))}, clock);
    args.previous = plan.get();
    plan = PickPlan::Make(std::move(args));
  }
  EXPECT_EQ(PickedBy(*plan, CallLabel()), 0u);
  EXPECT_EQ(plan->entries()[0].backend().address(), "1:1");
}

// --- Threads ----------------------------------------------------------------

TEST(PickPlanThreadsTest, EverythingConstRunsBesidePicksMarksAndRebuilds) {
  for (const StrategyKind kind : kAllKinds) {
    Channel channel({{"a", kReady, 1, false, "eu"},
                     {"a", kReady, 1, false, "us"},
                     {"b", kReady, 1, false, "eu"}});
    channel.config().root = Of(kind);
    channel.config().root.members = {Zone("eu", kind), Zone("us", kind)};
    const auto plan = channel.Make();
    std::atomic<bool> stop{false};
    std::thread control([&]() {
      for (int i = 0; !stop; ++i) {
        channel.Mark(0, i % 2 == 0);
        const auto next = channel.Make(plan.get(), i);
        EXPECT_TRUE(next->any_ready());
      }
    });
    std::thread retries([&]() {
      const PickRequest request = channel.ThatTried({1});
      while (!stop) {
        EXPECT_TRUE(plan->CanServe(ToRole("a", kAny), request));
        EXPECT_NE(plan->DescribeFailure(ToRole("a")), "");
      }
    });
    FastRandom random(1);
    for (int i = 0; i < 3000; ++i) {
      PickRequest request;
      request.has_key = i % 2 == 0;
      request.key_hash = random.Next();
      const CallLabel label = i % 3 == 0 ? CallLabel() : ToRole("a");
      EXPECT_EQ(plan->Pick(label, request).outcome, Outcome::kPicked);
    }
    stop = true;
    control.join();
    retries.join();
  }
}

}  // namespace
}  // namespace multi_backend
