#include "multi_backend/tools/mb/config/method_config.h"

#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "multi_backend/proto/json/object.h"

namespace multi_backend {
namespace mb {
namespace {

// How closely an element of `name` names the method; 0 = it does not.
int Closeness(const JsonValue& element, absl::string_view service,
              absl::string_view method) {
  const absl::optional<JsonObject> name = element.Object();
  if (!name.has_value()) return 0;
  const std::string named_service = name->Find("service").String().value_or("");
  const std::string named_method = name->Find("method").String().value_or("");
  if (named_service.empty()) return named_method.empty() ? 1 : 0;
  if (named_service != service) return 0;
  if (named_method.empty()) return 2;
  return named_method == method ? 3 : 0;
}

MethodConfig Read(const JsonObject& entry, size_t index) {
  MethodConfig config;
  config.where = absl::StrCat("methodConfig[", index, "]");
  config.timeout = entry.Find("timeout").String().value_or("");
  config.wait_for_ready = entry.Find("waitForReady").Bool().value_or(false);
  config.has_retry_policy = !entry.Find("retryPolicy").empty();
  return config;
}

}  // namespace

MethodConfig FindMethodConfig(absl::string_view service_config,
                              absl::string_view service,
                              absl::string_view method) {
  const absl::StatusOr<JsonObject> document = JsonObject::Parse(service_config);
  if (!document.ok()) return {};
  const absl::optional<std::vector<JsonValue>> list =
      document->Find("methodConfig").Array();
  if (!list.has_value()) return {};
  MethodConfig found;
  int closest = 0;
  for (size_t i = 0; i < list->size(); ++i) {
    const absl::optional<JsonObject> entry = (*list)[i].Object();
    if (!entry.has_value()) continue;
    const auto names = entry->Find("name").Array();
    if (!names.has_value()) continue;
    for (const JsonValue& name : *names) {
      const int closeness = Closeness(name, service, method);
      if (closeness <= closest) continue;
      closest = closeness;
      found = Read(*entry, i);
    }
  }
  return found;
}

}  // namespace mb
}  // namespace multi_backend
