// Press: makes generic unary calls at a bounded rate and with a bounded number
// in flight, and counts them by backend.
#ifndef MULTI_BACKEND_TOOLS_MB_PRESS_PRESS_H_
#define MULTI_BACKEND_TOOLS_MB_PRESS_PRESS_H_

#include <grpcpp/channel.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "multi_backend/tools/mb/output/report.pb.h"

namespace multi_backend {
namespace mb {

struct PressOptions {
  std::string method;   // "/package.Service/Method".
  std::string payload;  // The serialised request.
  std::multimap<std::string, std::string> metadata;
  int concurrency = 10;  // Calls in flight, at most.
  double qps = 0;        // Calls a second, at most; 0 = no limit.
  int64_t calls = 0;     // In all; 0 = no limit.
  absl::Duration duration = absl::Seconds(10);  // Of the run.
  absl::Duration timeout = absl::Seconds(10);   // The deadline of each call.
};

// Returns the total when the run is over and every call has ended, which is at
// most `timeout` after the last one began.  Calls `report` for each second, on
// the calling thread.  `stop` is asked at least ten times a second and ends the
// run early.
v1::PressReport Press(const std::shared_ptr<grpc::Channel>& channel,
                      const PressOptions& options,
                      const std::function<void(const v1::PressReport&)>& report,
                      const std::function<bool()>& stop);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_PRESS_PRESS_H_
