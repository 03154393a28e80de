// Quantiles of measured values.
#ifndef MULTI_BACKEND_BENCH_CALLS_QUANTILES_H_
#define MULTI_BACKEND_BENCH_CALLS_QUANTILES_H_

#include <vector>

namespace multi_backend {

// Returns the middle value, or the mean of the two middle ones; 0 for no
// values.
double Median(std::vector<double> values);

// Returns the value at rank floor(q * (n - 1)) of the n sorted values, for
// instance with q = 0.99; 0 for no values.
double Quantile(std::vector<double> values, double q);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_CALLS_QUANTILES_H_
