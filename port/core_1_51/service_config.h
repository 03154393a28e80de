// Service configs, which pass between the library and core as text.
//
// See port/README.md for what each of these promises.
#ifndef MULTI_BACKEND_PORT_CORE_1_51_SERVICE_CONFIG_H_
#define MULTI_BACKEND_PORT_CORE_1_51_SERVICE_CONFIG_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/port/core_1_51/headers.h"

namespace multi_backend {
namespace core {

// Whether a retry whose backoff rounds to 0 ms is never made, and its call
// hangs past its deadline.
constexpr bool kShortBackoffsHang = false;

using ServiceConfigRef = grpc_core::RefCountedPtr<grpc_core::ServiceConfig>;
using MethodConfigs = grpc_core::ServiceConfigParser::ParsedConfigVector;

// Reads `text` as core does for a channel with `args`.  The result's
// json_string() is the text in core's own form, which is the same for texts
// that differ only in spaces and in the order of keys.
inline absl::StatusOr<ServiceConfigRef> ReadServiceConfig(
    const grpc_core::ChannelArgs& args, absl::string_view text) {
  const absl::StatusOr<grpc_core::Json> json = grpc_core::Json::Parse(text);
  if (!json.ok()) return json.status();
  grpc_core::ValidationErrors errors;
  ServiceConfigRef config =
      grpc_core::ServiceConfigImpl::Create(args, *json, &errors);
  if (!errors.ok()) return errors.status("errors validating service config");
  return config;
}

// The text in core's own form, for what core passes to a factory or parser.
inline std::string TextOf(const grpc_core::Json& json) { return json.Dump(); }

// What TextOf() returns for the Json that core makes of `text`; "" when core
// refuses the text.
inline std::string CoresFormOf(absl::string_view text) {
  const absl::StatusOr<grpc_core::Json> json = grpc_core::Json::Parse(text);
  return json.ok() ? json->Dump() : "";
}

inline bool IsNull(const grpc_core::Json& json) {
  return json.type() == grpc_core::Json::Type::JSON_NULL;
}

// Whether `json` is an object with the member `name`.
inline bool HasMember(const grpc_core::Json& json, absl::string_view name) {
  return json.type() == grpc_core::Json::Type::OBJECT &&
         json.object_value().count(std::string(name)) > 0;
}

// The configuration of a method.  It lives as long as `config`, which may have
// the same one for many methods.
inline const MethodConfigs* MethodConfigsOf(
    const grpc_core::ServiceConfig& config, absl::string_view path) {
  const grpc_slice slice =
      grpc_slice_from_static_buffer(path.data(), path.size());
  return config.GetMethodParsedConfigVector(slice);
}

// A service config with the content of another one.  Core keeps it alive for
// as long as a call that it applies to.
class WrappedServiceConfig : public grpc_core::ServiceConfig {
 public:
  explicit WrappedServiceConfig(ServiceConfigRef inner)
      : inner_(std::move(inner)) {}

  absl::string_view json_string() const final { return inner_->json_string(); }
  grpc_core::ServiceConfigParser::ParsedConfig* GetGlobalParsedConfig(
      size_t index) final {
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

#endif  // MULTI_BACKEND_PORT_CORE_1_51_SERVICE_CONFIG_H_
