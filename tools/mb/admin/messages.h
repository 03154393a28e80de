// The messages of the admin service for what a command line says, and the
// reader of the status page's stream of events.
#ifndef MULTI_BACKEND_TOOLS_MB_ADMIN_MESSAGES_H_
#define MULTI_BACKEND_TOOLS_MB_ADMIN_MESSAGES_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "multi_backend/observability/admin/action.h"
#include "multi_backend/observability/admin/admin.pb.h"

namespace multi_backend {
namespace mb {

admin::v1::BackendRequest BackendRequestOf(const Action& action);
admin::v1::DrainRequest DrainRequestOf(const Action& action);
admin::v1::SetWeightRequest SetWeightRequestOf(const Action& action);

// The body of the action's request over HTTP.
std::string ActionJson(const Action& action);

// Reads JSON of a newer service too.  INVALID_ARGUMENT for what is no such
// message.
absl::Status FromJson(absl::string_view json,
                      google::protobuf::Message* message);

// Keeps of the answer, which over HTTP has everything, what was asked for.
void KeepTarget(const std::string& target, admin::v1::Status* status);
void KeepAskedCalls(const admin::v1::GetCallsRequest& request,
                    admin::v1::Calls* calls);

// Reads server-sent events, piece by piece.  Pieces may end anywhere.
class EventStreamReader {
 public:
  // Of an `event: event` with an Event in its data.
  using OnEvent = std::function<void(const admin::v1::Event&)>;

  explicit EventStreamReader(OnEvent on_event)
      : on_event_(std::move(on_event)) {}

  // INVALID_ARGUMENT when a line is longer than 16 MiB or an event cannot be
  // read; then the stream is of no further use.
  absl::Status Add(absl::string_view piece);

 private:
  absl::Status OnLine(absl::string_view line);

  const OnEvent on_event_;
  std::string line_;  // That has not ended yet.
  std::string name_;  // Of the present event.
  std::string data_;
};

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_ADMIN_MESSAGES_H_
