// Quantiles of measured values.
#ifndef MULTI_BACKEND_BENCH_CALLS_QUANTILES_H_
#define MULTI_BACKEND_BENCH_CALLS_QUANTILES_H_

#include <vector>

namespace multi_backend {

// Returns the mean of both middle values when their number is even; 0 for none.
double Median(std::vector<double> values);

// Returns the value below which the share `q` of all others is, for instance
// 0.99; 0 for no values.
double Quantile(std::vector<double> values, double q);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_CALLS_QUANTILES_H_
