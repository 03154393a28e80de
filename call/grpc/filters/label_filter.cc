#include "multi_backend/call/grpc/filters/label_filter.h"

#include <climits>
#include <new>
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

struct Connection {
  std::string target;
};

struct FilteredCall {
  explicit FilteredCall(grpc_core::CallCombiner* combiner)
      : call_combiner(combiner) {}

  grpc_core::CallCombiner* const call_combiner;
  absl::Status refused;  // Why the call does not reach the connection.
};

Connection& ConnectionOf(void* channel_data) {
  return *static_cast<Connection*>(channel_data);
}

FilteredCall& CallOf(grpc_call_element* element) {
  return *static_cast<FilteredCall*>(element->call_data);
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

void StartBatch(grpc_call_element* element,
                grpc_transport_stream_op_batch* batch) {
  FilteredCall& call = CallOf(element);
  if (batch->send_initial_metadata) {
    call.refused =
        TakeOff(*batch->payload->send_initial_metadata.send_initial_metadata,
                ConnectionOf(element->channel_data).target);
  }
  if (call.refused.ok() || batch->cancel_stream) {
    grpc_call_next_op(element, batch);
    return;
  }
  // Nothing of a refused call reaches the connection, so its later operations
  // would wait there for ever.
  grpc_transport_stream_op_batch_finish_with_failure(batch, call.refused,
                                                     call.call_combiner);
}

grpc_error_handle InitCall(grpc_call_element* element,
                           const grpc_call_element_args* args) {
  new (element->call_data) FilteredCall(args->call_combiner);
  return absl::OkStatus();
}

void DestroyCall(grpc_call_element* element, const grpc_call_final_info*,
                 grpc_closure*) {
  CallOf(element).~FilteredCall();
}

grpc_error_handle InitConnection(grpc_channel_element* element,
                                 grpc_channel_element_args* args) {
  const auto channel_args = grpc_core::ChannelArgs::FromC(args->channel_args);
  new (element->channel_data) Connection{std::string(
      channel_args.GetString(GRPC_ARG_SERVER_URI).value_or("unknown"))};
  return absl::OkStatus();
}

void DestroyConnection(grpc_channel_element* element) {
  ConnectionOf(element->channel_data).~Connection();
}

const grpc_channel_filter kLabelFilter = {
    StartBatch,
    /*make_call_promise=*/nullptr,
    grpc_channel_next_op,
    sizeof(FilteredCall),
    InitCall,
    grpc_call_stack_ignore_set_pollset_or_pollset_set,
    DestroyCall,
    sizeof(Connection),
    InitConnection,
    [](grpc_channel_stack*, grpc_channel_element*) {},
    DestroyConnection,
    grpc_channel_next_get_info,
    "multi_backend_label"};

}  // namespace

void RegisterLabelFilter(CoreBuilder& builder) {
  // A direct channel, for instance one in the process, has no subchannels.
  for (const auto type : {GRPC_CLIENT_SUBCHANNEL, GRPC_CLIENT_DIRECT_CHANNEL}) {
    builder.builder->channel_init()->RegisterStage(
        type, INT_MAX, [](grpc_core::ChannelStackBuilder* stack) {
          if (!HasStreamFilter(stack->channel_args())) {
            stack->PrependFilter(&kLabelFilter);
          }
          return true;
        });
  }
}

}  // namespace multi_backend
