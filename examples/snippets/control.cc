// The code of docs/control.md.
#include <memory>
#include <ostream>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/examples/snippets/snippets.h"

namespace snippets {

// [control_drain]
// Returns at once; an event says when the backend is drained.
absl::Status DrainForDeploy(multi_backend::BackendPool& pool,
                            absl::string_view address) {
  multi_backend::DrainOptions options;
  options.timeout = absl::Seconds(60);
  options.reason = "deploy of 1.4";
  options.asked_by = "ann";
  return pool.Drain(address, options);
}
// [/control_drain]

// [control_watch]
// Prints the events that come until there is none for `patience`.
void PrintEventsOf(multi_backend::PoolEventWatch& watch,
                   absl::Duration patience, std::ostream& out) {
  while (const auto event = watch.Next(patience)) {
    out << event->ToString() << "\n";
  }
  if (watch.lost() > 0) out << watch.lost() << " events are lost\n";
}
// [/control_watch]

}  // namespace snippets
