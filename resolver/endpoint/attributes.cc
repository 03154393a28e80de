#include "multi_backend/resolver/endpoint/attributes.h"

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multi_backend/proto/config/endpoint_bounds.h"

namespace multi_backend {
namespace {

absl::Status Must(absl::string_view name, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": must be ", what));
}

template <typename Integer>
absl::Status ReadInteger(const JsonObject& object, absl::string_view name,
                         Integer min, Integer max, Integer& field) {
  const JsonValue value = object.Find(name);
  if (value.empty()) return absl::OkStatus();
  const auto integer = value.Integer();
  if (!integer.has_value() || *integer < min || *integer > max) {
    return Must(name, absl::StrCat(min, "..", max));
  }
  field = static_cast<Integer>(*integer);
  return absl::OkStatus();
}

absl::Status ReadString(const JsonObject& object, absl::string_view name,
                        std::string& field) {
  const JsonValue value = object.Find(name);
  if (value.empty()) return absl::OkStatus();
  auto text = value.String();
  if (!text.has_value()) return Must(name, "a string");
  field = *std::move(text);
  return absl::OkStatus();
}

absl::Status ReadLabels(const JsonObject& object, Endpoint& endpoint) {
  const JsonValue value = object.Find("labels");
  if (value.empty()) return absl::OkStatus();
  const auto labels = value.Object();
  if (!labels.has_value()) return Must("labels", "an object");
  for (const JsonObject::Member& label : labels->members()) {
    auto text = label.second.String();
    if (!text.has_value()) return Must("labels", "an object of strings");
    endpoint.labels[label.first] = *std::move(text);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadEndpointAttributes(const JsonObject& object,
                                    Endpoint& endpoint) {
  absl::Status status = ReadInteger<uint32_t>(
      object, "weight", 0, kMaxEndpointWeight, endpoint.weight);
  status.Update(
      ReadInteger(object, "priority", std::numeric_limits<int32_t>::min(),
                  std::numeric_limits<int32_t>::max(), endpoint.priority));
  status.Update(ReadString(object, "role", endpoint.role));
  status.Update(ReadString(object, "zone", endpoint.zone));
  status.Update(ReadLabels(object, endpoint));
  return status;
}

std::string FormatEndpointAttributes(const Endpoint& endpoint) {
  std::vector<std::string> members;
  const auto add = [&members](absl::string_view name, absl::string_view json) {
    members.push_back(absl::StrCat("\"", name, "\":", json));
  };
  if (endpoint.weight != kDefaultEndpointWeight) {
    add("weight", absl::StrCat(endpoint.weight));
  }
  if (endpoint.priority != 0) add("priority", absl::StrCat(endpoint.priority));
  if (!endpoint.role.empty()) add("role", JsonQuote(endpoint.role));
  if (!endpoint.zone.empty()) add("zone", JsonQuote(endpoint.zone));
  if (!endpoint.labels.empty()) {
    const auto format = [](std::string* out, const auto& label) {
      absl::StrAppend(out, JsonQuote(label.first), ":",
                      JsonQuote(label.second));
    };
    add("labels",
        absl::StrCat("{", absl::StrJoin(endpoint.labels, ",", format), "}"));
  }
  if (members.empty()) return "null";
  return absl::StrCat("{", absl::StrJoin(members, ","), "}");
}

}  // namespace multi_backend
