// Service configs, which pass between the library and core as text.
//
// See port/README.md for what each of these promises.
#ifndef MULTI_BACKEND_PORT_CORE_1_83_SERVICE_CONFIG_H_
#define MULTI_BACKEND_PORT_CORE_1_83_SERVICE_CONFIG_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/port/core_1_83/headers.h"

namespace multi_backend {
namespace core {

// Whether a retry whose backoff rounds to 0 ms is never made, and its call
// hangs past its deadline.
constexpr bool kShortBackoffsHang = true;

using ServiceConfigRef = grpc_core::RefCountedPtr<grpc_core::ServiceConfig>;
using MethodConfigs = grpc_core::ServiceConfigParser::ParsedConfigVector;

// Reads `text` as core does for a channel with `args`.  The result's
// json_string() is the text in core's own form, which is the same for texts
// that differ only in spaces and in the order of keys.
inline absl::StatusOr<ServiceConfigRef> ReadServiceConfig(
    const grpc_core::ChannelArgs& args, absl::string_view text) {
  const absl::StatusOr<grpc_core::Json> json = grpc_core::JsonParse(text);
  if (!json.ok()) return json.status();
  grpc_core::ValidationErrors errors;
  ServiceConfigRef config =
      grpc_core::ServiceConfigImpl::Create(args, *json, &errors);
  if (!errors.ok()) {
    return errors.status(absl::StatusCode::kInvalidArgument,
                         "errors validating service config");
  }
  return config;
}

// The text in core's own form, for what core passes to a factory or parser.
inline std::string TextOf(const grpc_core::Json& json) {
  return grpc_core::JsonDump(json);
}

// What TextOf() returns for the Json that core makes of `text`; "" when core
// refuses the text.
inline std::string CoresFormOf(absl::string_view text) {
  const absl::StatusOr<grpc_core::Json> json = grpc_core::JsonParse(text);
  return json.ok() ? grpc_core::JsonDump(*json) : "";
}

inline bool IsNull(const grpc_core::Json& json) {
  return json.type() == grpc_core::Json::Type::kNull;
}

// Whether `json` is an object with the member `name`.
inline bool HasMember(const grpc_core::Json& json, absl::string_view name) {
  return json.type() == grpc_core::Json::Type::kObject &&
         json.object().count(std::string(name)) > 0;
}

// The configuration of a method.  It lives as long as `config`, which may have
// the same one for many methods.
inline const MethodConfigs* MethodConfigsOf(
    const grpc_core::ServiceConfig& config, absl::string_view path) {
  const grpc_slice slice =
      grpc_slice_from_static_buffer(path.data(), path.size());
  return config.GetMethodParsedConfigVector(slice);
}

// The configs of a method for one call: its retry policy is a copy that the
// call may change, and all others are the method's.
class OwnRetryPolicy {
 public:
  // `shared` has a retry policy (Of()), and must outlive the call.
  explicit OwnRetryPolicy(const MethodConfigs& shared) : granted_(Of(&shared)) {
    configs_.reserve(shared.size());
    for (size_t i = 0; i < shared.size(); ++i) {
      if (i == Index()) {
        configs_.push_back(
            std::make_unique<grpc_core::RetryMethodConfig>(*granted_));
      } else {
        configs_.emplace_back(shared[i].get());
      }
    }
  }
  ~OwnRetryPolicy() {
    for (size_t i = 0; i < configs_.size(); ++i) {
      if (i != Index()) static_cast<void>(configs_[i].release());
    }
  }
  OwnRetryPolicy(const OwnRetryPolicy&) = delete;
  OwnRetryPolicy& operator=(const OwnRetryPolicy&) = delete;

  // The retry policy of a method; null when it has none.
  static const grpc_core::RetryMethodConfig* Of(const MethodConfigs* configs) {
    return configs == nullptr
               ? nullptr
               : static_cast<const grpc_core::RetryMethodConfig*>(
                     (*configs)[Index()].get());
  }

  const MethodConfigs* configs() const { return &configs_; }
  grpc_core::RetryMethodConfig* mine() const {
    return static_cast<grpc_core::RetryMethodConfig*>(configs_[Index()].get());
  }
  const grpc_core::RetryMethodConfig* granted() const { return granted_; }

 private:
  static size_t Index() {
    static const size_t index =
        grpc_core::RetryServiceConfigParser::ParserIndex();
    return index;
  }

  const grpc_core::RetryMethodConfig* const granted_;
  MethodConfigs configs_;
};

// A service config with the content of another one.  Core keeps it alive for
// as long as a call that it applies to.
class WrappedServiceConfig : public grpc_core::ServiceConfig {
 public:
  explicit WrappedServiceConfig(ServiceConfigRef inner)
      : inner_(std::move(inner)) {}

  absl::string_view json_string() const final { return inner_->json_string(); }
  grpc_core::ServiceConfigParser::ParsedConfig* GetGlobalParsedConfig(
      size_t index) const final {
    return inner_->GetGlobalParsedConfig(index);
  }
  const MethodConfigs* GetMethodParsedConfigVector(
      const grpc_slice& path) const final {
    return inner_->GetMethodParsedConfigVector(path);
  }

 private:
  const ServiceConfigRef inner_;
};

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_83_SERVICE_CONFIG_H_
