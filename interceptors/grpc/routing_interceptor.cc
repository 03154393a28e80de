#include "multi_backend/interceptors/grpc/routing_interceptor.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/interceptor.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"
#include "grpcpp/support/status.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/interceptors/key_hash.h"
#include "multi_backend/interceptors/request_field.h"
#include "multi_backend/interceptors/request_metadata.h"
#include "multi_backend/interceptors/route_table.h"
#include "multi_backend/interceptors/sticky_key.h"
#include "multi_backend/interceptors/sticky_key_source.h"
#include "multi_backend/port/log.h"
#include "multi_backend/port/sent_metadata.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {
namespace {

using grpc::experimental::ClientInterceptorFactoryInterface;
using grpc::experimental::ClientRpcInfo;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using Metadata = ClientMetadata;

// Shared by all calls of a channel.  Immutable, except for the flag and the
// request field of `keys`.
struct Routing {
  // Not read, only kept; MakeInterceptorFactory() says why.
  std::shared_ptr<const RoutingConfig> config;
  std::unique_ptr<const RouteTable> routes;
  // The sources of the key.  A function in `keys` comes before the header, and
  // the header before the request field.
  std::string header;
  std::shared_ptr<const StickyKeySource> keys;
  // Whether a call may go without an interceptor.
  bool is_optional = false;
  // True after a call whose request came too late for the field was reported.
  mutable std::atomic<bool> reported_late_request{false};
};

void LogProblem(absl::string_view message) {
  Log(LogSeverity::kError, message);
}

// Returns the request message of the batch, or null when the batch sends none.
// gRPC serializes a message only once, so asking early costs nothing.
grpc::ByteBuffer* RequestOf(InterceptorBatchMethods* batch) {
  if (!batch->QueryInterceptionHookPoint(
          InterceptionHookPoints::PRE_SEND_MESSAGE)) {
    return nullptr;
  }
  return batch->GetSerializedSendMessage();
}

absl::optional<absl::string_view> FirstValue(const Metadata& metadata,
                                             const std::string& key) {
  // Not find(), which may return any of several values with the same key.
  const auto entry = metadata.lower_bound(key);
  if (entry == metadata.end() || entry->first != key) return absl::nullopt;
  return entry->second;
}

absl::Status CheckMetadata(const Metadata& metadata) {
  for (const auto& entry : metadata) {
    absl::Status status = CheckMetadataEntry(entry.first, entry.second);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// The field of a method's request that holds the sticky key; null for none.
struct KeyField {
  std::shared_ptr<const StickyRequestFields> fields;  // Owns `field`.
  const RequestField* field = nullptr;
};

KeyField KeyFieldOf(const StickyKeySource& keys,
                    absl::string_view full_method) {
  KeyField key;
  // The function takes the place of the field.
  if (keys.function() != nullptr) return key;
  key.fields = keys.request_fields();
  if (key.fields != nullptr) key.field = key.fields->Find(full_method);
  return key;
}

// A call at the hook that sends its initial metadata.
class StartingCall final : public CallView {
 public:
  StartingCall(absl::string_view full_method, InterceptorBatchMethods* batch)
      : CallView(full_method), batch_(batch) {}

  absl::optional<absl::string_view> GetMetadata(
      absl::string_view key) const override {
    return FirstValue(*batch_->GetSendInitialMetadata(), std::string(key));
  }

  absl::optional<absl::string_view> serialized_request() const override {
    if (!flat_) {
      grpc::ByteBuffer* request = RequestOf(batch_);
      if (request == nullptr) return absl::nullopt;
      if (!request->TrySingleSlice(&slice_).ok() &&
          !request->DumpToSingleSlice(&slice_).ok()) {
        return absl::nullopt;
      }
      flat_ = true;
    }
    return absl::string_view(reinterpret_cast<const char*>(slice_.begin()),
                             slice_.size());
  }

 private:
  InterceptorBatchMethods* const batch_;
  mutable bool flat_ = false;  // True when slice_ holds the request.
  mutable grpc::Slice slice_;
};

class RoutingInterceptor final : public Interceptor {
 public:
  // Reads `full_method` only here: `info` keeps a pointer into the argument of
  // the stub, which may be gone when the call starts.
  RoutingInterceptor(const Routing& routing, absl::string_view full_method,
                     KeyField key_field)
      : routing_(routing),
        decision_(*routing.routes->Find(full_method)),
        key_field_(std::move(key_field)) {
    if (routing.keys->function() != nullptr) {
      full_method_ = std::string(full_method);
    }
  }

  void Intercept(InterceptorBatchMethods* batch) override {
    if (batch->QueryInterceptionHookPoint(
            InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      refusal_ = CheckMetadata(*batch->GetSendInitialMetadata());
      // gRPC sends nothing of a hijacked call.  It intercepts this batch again
      // from within Hijack(), which may end the call and this object.
      if (!refusal_.ok()) return batch->Hijack();
      Label(batch);
    }
    if (!refusal_.ok()) Refuse(batch);
    batch->Proceed();
  }

 private:
  // Answers a batch of a hijacked call as gRPC answers those of a call that it
  // refuses itself: messages are neither written nor read, and the call ends
  // with the status.
  void Refuse(InterceptorBatchMethods* batch) const {
    if (batch->QueryInterceptionHookPoint(
            InterceptionHookPoints::PRE_SEND_MESSAGE)) {
      batch->FailHijackedSendMessage();
    }
    if (batch->QueryInterceptionHookPoint(
            InterceptionHookPoints::PRE_RECV_MESSAGE)) {
      batch->FailHijackedRecvMessage();
    }
    if (batch->QueryInterceptionHookPoint(
            InterceptionHookPoints::PRE_RECV_STATUS)) {
      *batch->GetRecvStatus() =
          grpc::Status(static_cast<grpc::StatusCode>(refusal_.code()),
                       std::string(refusal_.message()));
    }
  }

  // Another interceptor of this library may have labelled the call.  What this
  // one decides replaces what that one did; the rest stays.
  void Label(InterceptorBatchMethods* batch) const {
    static const auto* const key = new std::string(kCallLabelKey);
    Metadata& metadata = *batch->GetSendInitialMetadata();
    CallLabel label = decision_.label;
    label.key_hash = KeyHash(batch, metadata);
    label.key_decided =
        label.key_hash.has_value() || routing_.keys->function() != nullptr;
    if (!label.route_decided && !label.key_decided) return;
    std::string value;
    const auto earlier = metadata.equal_range(*key);
    if (earlier.first == earlier.second) {
      value = EncodeCallLabel(decision_.label_prefix, label.key_hash,
                              label.key_decided);
    } else {
      // The check of the metadata has found them genuine.  The application may
      // have added one, too: that of its AttemptTrail.
      CallLabel older;
      older.route_decided = false;
      for (auto it = earlier.first; it != earlier.second; ++it) {
        older =
            CombineLabels(older, DecodeCallLabel(it->second).value_or(older));
      }
      label = CombineLabels(older, label);
      value = EncodeCallLabel(EncodeCallLabelPrefix(label), label.key_hash,
                              label.key_decided, label.trails);
      metadata.erase(*key);
    }
    metadata.emplace(*key, std::move(value));
  }

  absl::optional<uint64_t> KeyHash(InterceptorBatchMethods* batch,
                                   const Metadata& metadata) const {
    const StickyKeyFunction& function = routing_.keys->function();
    if (function != nullptr) {
      return HashOfKey(function(StartingCall(full_method_, batch)));
    }
    if (!routing_.header.empty()) {
      return HashOfKey(FirstValue(metadata, routing_.header));
    }
    if (key_field_.field == nullptr) return absl::nullopt;
    grpc::ByteBuffer* request = RequestOf(batch);
    if (request == nullptr) {
      if (!routing_.reported_late_request.exchange(true)) {
        LogProblem(
            "sticky key: a stream that sends its first request after its "
            "metadata has no key from a request field; use a header or a "
            "function for such methods");
      }
      return absl::nullopt;
    }
    grpc::ProtoBufferReader reader(request);
    return HashOfKey(key_field_.field->Read(&reader));
  }

  const Routing&
      routing_;  // Owned by the factory, which lives with the channel.
  const RouteDecision& decision_;
  const KeyField key_field_;
  std::string full_method_;  // Set only for the application's function.
  absl::Status refusal_;     // Not OK once the call has been refused.
};

class RoutingInterceptorFactory final
    : public ClientInterceptorFactoryInterface {
 public:
  explicit RoutingInterceptorFactory(std::unique_ptr<const Routing> routing)
      : routing_(std::move(routing)) {}

  Interceptor* CreateClientInterceptor(ClientRpcInfo* info) override {
    KeyField key_field = KeyFieldOf(*routing_->keys, info->method());
    // An interceptor costs each batch of the call a round trip through its
    // completion queue.
    if (routing_->is_optional && routing_->keys->function() == nullptr &&
        key_field.field == nullptr &&
        CheckMetadata(SentMetadata(*info->client_context())).ok()) {
      return nullptr;
    }
    return new RoutingInterceptor(*routing_, info->method(),
                                  std::move(key_field));
  }

 private:
  const std::unique_ptr<const Routing> routing_;
};

absl::Status ConfigError(absl::string_view field, absl::string_view error) {
  FieldErrors errors;
  errors.Add(field, error);
  return errors.ToStatus();
}

// Sets the source of the key as `config` says.
absl::Status SetKeySource(const StickyKeyConfig& config, StickyKeySource& keys,
                          std::string& header) {
  if (config.header.empty() == config.request_field.empty()) {
    return ConfigError("stickyKey",
                       "must have exactly one of header and requestField");
  }
  if (config.header == kCallLabelKey) {
    return ConfigError("stickyKey.header", "is reserved");
  }
  header = config.header;
  keys.SetRequestField(config.request_field);
  return absl::OkStatus();
}

std::shared_ptr<StickyKeySource> MakeKeySource(StickyKeyFunction function) {
  return std::make_shared<StickyKeySource>(
      StickyKeySource::Reader::kInterceptor, std::move(function), LogProblem);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ClientInterceptorFactoryInterface>>
MakeInterceptorFactory(std::shared_ptr<const RoutingConfig> config,
                       StickyKeyFunction sticky_key) {
  auto routes = RouteTable::Make(*config);
  if (!routes.ok()) return routes.status();
  auto routing = std::make_unique<Routing>();
  routing->routes = *std::move(routes);
  const bool has_function = sticky_key != nullptr;
  auto keys = MakeKeySource(std::move(sticky_key));
  if (!has_function && config->sticky_key.has_value()) {
    const absl::Status status =
        SetKeySource(*config->sticky_key, *keys, routing->header);
    if (!status.ok()) return status;
  }
  routing->keys = std::move(keys);
  routing->config = std::move(config);
  return std::unique_ptr<ClientInterceptorFactoryInterface>(
      std::make_unique<RoutingInterceptorFactory>(std::move(routing)));
}

KeyInterceptor MakeKeyInterceptor(StickyKeyFunction sticky_key, bool is_only) {
  KeyInterceptor made;
  made.keys = MakeKeySource(std::move(sticky_key));
  auto routing = std::make_unique<Routing>();
  routing->routes = *RouteTable::Make(RoutingConfig());
  routing->keys = made.keys;
  routing->is_optional = is_only;
  made.factory =
      std::make_unique<RoutingInterceptorFactory>(std::move(routing));
  return made;
}

}  // namespace multi_backend
