#include "multi_backend/health/state/ejection.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using Members = std::vector<EjectionMember>;
using Indices = std::vector<size_t>;

const EjectionMember kEjected{absl::nullopt, true};
const EjectionMember kUnknown{absl::nullopt, false};
EjectionMember Fails(double share) { return {share, false}; }

struct Row {
  const char* name;
  Members members;
  double threshold;
  int max_percent;
  Indices ejected;
};

const Row kRows[] = {
    {"NoMembers", {}, 0.5, 100, {}},
    {"AllWell", {Fails(0), Fails(0.1), Fails(0.49)}, 0.5, 100, {}},
    {"OneAtTheThreshold", {Fails(0), Fails(0.5), Fails(0)}, 0.5, 50, {1}},
    {"AThresholdOfOne", {Fails(0.99), Fails(1)}, 1, 50, {1}},
    {"AThresholdOfZeroSparesThoseThatNeverFail",
     {Fails(0), Fails(0.01), kUnknown},
     0,
     100,
     {1}},
    {"TheWorstFirst",
     {Fails(0.6), Fails(0.9), Fails(0.7), Fails(0)},
     0.5,
     100,
     {1, 2, 0}},
    {"OnlyTheWorst", {Fails(0.6), Fails(0.9), Fails(0.7)}, 0.5, 50, {1}},
    {"OfEqualsTheFirst", {Fails(1), Fails(1), Fails(1)}, 0.5, 67, {0, 1}},
    {"TheLimitIsRoundedDown", {Fails(1), Fails(1), Fails(1)}, 0.5, 66, {0}},
    {"AnOnlyMemberStaysBelowAHundredPercent", {Fails(1)}, 0.5, 99, {}},
    {"AnOnlyMemberGoesAtAHundredPercent", {Fails(1)}, 0.5, 100, {0}},
    {"NoneAtZeroPercent", {Fails(1), Fails(1)}, 0.5, 0, {}},
    {"ThoseThatAreEjectedTakeUpTheLimit",
     {kEjected, Fails(1), Fails(0.8), Fails(0)},
     0.5,
     50,
     {1}},
    {"MoreAreEjectedThanTheLimitAfterItWasLowered",
     {kEjected, kEjected, Fails(1)},
     0.5,
     34,
     {}},
    {"AShareOfOneThatIsEjectedIsNotLookedAt",
     {{1.0, true}, Fails(0)},
     0.5,
     100,
     {}},
};

class EjectionTest : public ::testing::TestWithParam<Row> {};
INSTANTIATE_TEST_SUITE_P(Rows, EjectionTest, ::testing::ValuesIn(kRows),
                         [](const ::testing::TestParamInfo<Row>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(EjectionTest, Ejects) {
  EXPECT_EQ(ChooseEjections(GetParam().members, GetParam().threshold,
                            GetParam().max_percent),
            GetParam().ejected);
}

// Computes the result directly from the definition: takes the worst eligible
// member, one at a time, as long as one more does not exceed the percentage.
Indices ByDefinition(Members members, double threshold, int max_percent) {
  Indices chosen;
  while (true) {
    size_t ejected = 0;
    size_t worst = members.size();
    for (size_t i = 0; i < members.size(); ++i) {
      ejected += members[i].ejected;
      if (members[i].ejected || !members[i].failure_share) continue;
      const double share = *members[i].failure_share;
      if (share == 0 || share < threshold) continue;
      if (worst == members.size() || share > *members[worst].failure_share) {
        worst = i;
      }
    }
    if (worst == members.size()) return chosen;
    if ((ejected + 1) * 100 > members.size() * max_percent) return chosen;
    members[worst].ejected = true;
    chosen.push_back(worst);
  }
}

// Tries all balancers of up to five members of six kinds, at the percentages
// around which the result changes.
TEST(EjectionTest, AllSmallBalancersEjectByTheDefinition) {
  const EjectionMember kinds[] = {kEjected,   kUnknown,   Fails(0),
                                  Fails(0.5), Fails(0.7), Fails(1)};
  constexpr size_t kKinds = 6;
  size_t combinations = 1;
  for (size_t size = 0; size <= 5; ++size, combinations *= kKinds) {
    for (size_t combination = 0; combination < combinations; ++combination) {
      Members members;
      size_t rest = combination;
      for (size_t i = 0; i < size; ++i, rest /= kKinds) {
        members.push_back(kinds[rest % kKinds]);
      }
      for (const int percent : {0, 19, 20, 33, 34, 50, 66, 67, 99, 100}) {
        for (const double threshold : {0.0, 0.5, 0.6, 1.0}) {
          ASSERT_EQ(ChooseEjections(members, threshold, percent),
                    ByDefinition(members, threshold, percent))
              << size << " members, combination " << combination << ", "
              << percent << " %, threshold " << threshold;
        }
      }
    }
  }
}

}  // namespace
}  // namespace multi_backend
