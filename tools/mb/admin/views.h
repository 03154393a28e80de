// What the commands that ask an application print.  All texts but the cells of
// BackendRow are printable, whatever the application says.  Pure and
// thread-safe.
#ifndef MULTI_BACKEND_TOOLS_MB_ADMIN_VIEWS_H_
#define MULTI_BACKEND_TOOLS_MB_ADMIN_VIEWS_H_

#include <string>

#include "absl/time/time.h"
#include "multi_backend/observability/admin/admin.pb.h"

namespace multi_backend {
namespace mb {

// Several lines: each channel with its backends and routes.
std::string FormatStatus(const admin::v1::Status& status);

// The calls, newest first: a line for each, and one for each attempt of a call
// that was retried or failed.
std::string FormatCalls(const admin::v1::Calls& calls);

// One line.
std::string FormatEvent(const admin::v1::Event& event);
std::string FormatResult(const admin::v1::ActionResult& result);

// "static:///b1:1  READY  1 of 2 usable".
std::string HeadingOf(const admin::v1::Channel& channel);

// The cells of a backend's row, for a TextTable, which makes them printable.
struct BackendRow {
  std::string backend;  // Its name, and its address if that differs.
  std::string state;    // "DOWN draining".
  std::string age;      // In that state: "42s".
  std::string role;
  std::string weight;
  std::string share;  // Of the last minute's attempts.
  std::string in_flight;
  std::string attempts;  // In the last minute.
  std::string errors;    // As `attempts`.
  std::string p50, p99;  // "1.20ms", "" without attempts.
  std::string retries;   // Landed here.
  std::string connections;
  std::string why;
};
BackendRow RowOf(const admin::v1::Backend& backend, absl::Time now);

// "1.20ms", "13ms", "2.50s".
std::string Latency(absl::Duration latency);

// Whether an operator should look: a backend of `status` is not ALIVE, a
// balancer panics, or the newest list of a resolver failed.
bool HasProblem(const admin::v1::Status& status);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_ADMIN_VIEWS_H_
