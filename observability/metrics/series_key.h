// SeriesKey: the 64-bit key of a metric with its labels, made of the labels'
// hashes.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_SERIES_KEY_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_SERIES_KEY_H_

#include <cstdint>

namespace multi_backend {

class SeriesKey {
 public:
  // `kind` tells the uses of keys apart.
  explicit constexpr SeriesKey(uint64_t kind) : value_(kind + 1) {}

  // A polynomial in an odd constant.  The hashes are well mixed already, so
  // only their order has to count; the constant keeps apart what is none of
  // them, such as a status code.
  constexpr SeriesKey With(uint64_t hash) const {
    SeriesKey next = *this;
    next.value_ = value_ * 0x9e3779b97f4a7c15u + hash;
    return next;
  }

  // Never 0.
  constexpr uint64_t value() const { return value_ == 0 ? 1 : value_; }

 private:
  uint64_t value_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_SERIES_KEY_H_
