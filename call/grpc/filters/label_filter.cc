#include "multi_backend/call/grpc/filters/label_filter.h"

#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/call/grpc/filters/stream_filter.h"
#include "multi_backend/port/call_filter.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/core_builder.h"
#include "multi_backend/port/log.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {
namespace {

constexpr absl::string_view kRemedy =
    "name multi_backend in the channel args, or make the channel with "
    "multi_backend::CreateChannel";

// Logs each problem once for each target.
class LoggedTargets {
 public:
  void Log(absl::string_view target, absl::string_view problem) {
    {
      MutexLock lock(&mutex_);
      // An application may make up targets without end.
      if (logged_.size() >= kMax ||
          !logged_.insert(absl::StrCat(target, " ", problem)).second) {
        return;
      }
    }
    multi_backend::Log(LogSeverity::kError,
                       absl::StrCat("target \"", target, "\": ", problem));
  }

 private:
  static constexpr size_t kMax = 1000;

  Mutex mutex_;
  absl::flat_hash_set<std::string> logged_ ABSL_GUARDED_BY(mutex_);
};

// Never destroyed, because calls may run until the process ends.
LoggedTargets& Logged() {
  static auto* const logged = new LoggedTargets();
  return *logged;
}

// Takes the label off; an error when the call must not go on without it.
absl::Status TakeOff(grpc_metadata_batch& metadata, absl::string_view target) {
  std::string buffer;
  const absl::optional<absl::string_view> value =
      metadata.GetStringValue(kCallLabelKey, &buffer);
  if (!value.has_value()) return absl::OkStatus();
  const absl::optional<CallLabel> label = DecodeCallLabel(*value);
  absl::Status status;
  if (label.has_value() && !label->role.empty()) {
    status = absl::InternalError(absl::StrCat(
        "multi_backend: a route sends this call to role \"", label->role,
        "\", but its channel does not use multi_backend; ", kRemedy));
    Logged().Log(target, status.message());
  } else if (label.has_value() &&
             (label->route_decided || label->key_decided)) {
    Logged().Log(target,
                 absl::StrCat("an interceptor gives calls a sticky key or a "
                              "route, but their channel does not use "
                              "multi_backend and ignores both; ",
                              kRemedy));
  }
  // Last, because the views point into the metadata.
  metadata.Remove(kCallLabelKey);
  return status;
}

// What all calls on one connection share.
struct Connection {
  explicit Connection(const grpc_core::ChannelArgs& args)
      : target(args.GetOwnedString(GRPC_ARG_SERVER_URI).value_or("unknown")) {}

  const std::string target;
};

// The element of one call.  Everything runs in the call's combiner.
class LabelElement {
 public:
  LabelElement(const grpc_call_element_args& args, const Connection& connection)
      : target_(connection.target), call_combiner_(args.call_combiner) {}

  // Nothing of a refused call reaches the connection, so its later operations
  // would wait there for ever.
  absl::Status Watch(grpc_transport_stream_op_batch& batch) {
    if (batch.send_initial_metadata) {
      refused_ = TakeOff(
          *batch.payload->send_initial_metadata.send_initial_metadata, target_);
    }
    return batch.cancel_stream ? absl::OkStatus() : refused_;
  }
  grpc_core::CallCombiner* call_combiner() const { return call_combiner_; }

 private:
  const std::string& target_;
  grpc_core::CallCombiner* const call_combiner_;
  absl::Status refused_;  // Why the call does not reach the connection.
};

const grpc_channel_filter kLabelFilter =
    CallFilter<LabelElement, Connection>("multi_backend_label");

}  // namespace

void RegisterLabelFilter(CoreBuilder& builder) {
  // A direct channel, for instance one in the process, has no subchannels.
  for (const auto type : {GRPC_CLIENT_SUBCHANNEL, GRPC_CLIENT_DIRECT_CHANNEL}) {
    core::RegisterFilter(*builder.builder, type, core::FilterPlace::kTop,
                         &kLabelFilter, [](const grpc_core::ChannelArgs& args) {
                           return !HasStreamFilter(args);
                         });
  }
}

}  // namespace multi_backend
