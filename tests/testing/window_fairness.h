// Functions that check a sequence of weighted picks over all of its windows, in
// a slow and obviously right way.
#ifndef MULTI_BACKEND_TESTS_TESTING_WINDOW_FAIRNESS_H_
#define MULTI_BACKEND_TESTS_TESTING_WINDOW_FAIRNESS_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace multi_backend {
namespace testing {

// Returns the largest difference between a member's picks and its weight, in
// any window of sum(weights) consecutive picks.  Requires that the sequence has
// at least one window.
inline int64_t WorstWindowError(const std::vector<size_t>& picks,
                                const std::vector<uint32_t>& weights) {
  size_t window = 0;
  for (const uint32_t weight : weights) window += weight;
  int64_t worst = 0;
  for (size_t member = 0; member < weights.size(); ++member) {
    int64_t count = 0;
    for (size_t i = 0; i < picks.size(); ++i) {
      count += picks[i] == member;
      if (i >= window) count -= picks[i - window] == member;
      if (i + 1 < window) continue;
      const int64_t error = std::llabs(count - int64_t{weights[member]});
      if (error > worst) worst = error;
    }
  }
  return worst;
}

// Returns how far, at most, the picks of two members deviate from the ratio of
// their weights, in any window of any length.  The unit is turns: members a and
// b with counts ca and cb are |ca / wa - cb / wb| / (1 / wa + 1 / wb) apart.
// If each member gets its turns at regular intervals, the result is at most 1.
// Cost: O(picks^2 x members^2).
inline double WorstPairError(const std::vector<size_t>& picks,
                             const std::vector<uint32_t>& weights) {
  double worst = 0;
  for (size_t begin = 0; begin < picks.size(); ++begin) {
    std::vector<double> counts(weights.size());
    for (size_t end = begin; end < picks.size(); ++end) {
      ++counts[picks[end]];
      for (size_t a = 0; a < weights.size(); ++a) {
        for (size_t b = 0; b < a; ++b) {
          if (weights[a] == 0 || weights[b] == 0) continue;
          const double apart =
              std::abs(counts[a] * weights[b] - counts[b] * weights[a]) /
              (double{1} * weights[a] + weights[b]);
          if (apart > worst) worst = apart;
        }
      }
    }
  }
  return worst;
}

}  // namespace testing
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_WINDOW_FAIRNESS_H_
