// Clock: a source of monotonic time.  Picks read it only when their strategy
// needs it.
#ifndef MULTI_BACKEND_CLOCK_CLOCK_H_
#define MULTI_BACKEND_CLOCK_CLOCK_H_

#include <cstdint>

namespace multi_backend {

class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since an arbitrary fixed point.  Thread-safe.
  virtual int64_t NowNanos() const = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CLOCK_CLOCK_H_
