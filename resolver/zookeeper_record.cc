#include "multi_backend/resolver/zookeeper_record.h"

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multi_backend/resolver/json_object.h"
#include "multi_backend/resolver/text_record.h"

namespace multi_backend {
namespace {

constexpr int64_t kMaxWeight = 1000000;

absl::Status Problem(absl::string_view field, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", problem));
}

// Leaves `result` as it is when there is no such member.
absl::Status ReadInteger(const JsonObject& object, absl::string_view name,
                         int64_t min, int64_t max, int64_t& result) {
  const JsonValue value = object.Find(name);
  if (value.empty()) return absl::OkStatus();
  const auto integer = value.Integer();
  if (!integer.has_value() || *integer < min || *integer > max) {
    return Problem(name, absl::StrCat("must be ", min, "..", max));
  }
  result = *integer;
  return absl::OkStatus();
}

absl::Status ReadString(const JsonObject& object, absl::string_view name,
                        std::string& result) {
  const JsonValue value = object.Find(name);
  if (value.empty()) return absl::OkStatus();
  auto text = value.String();
  if (!text.has_value()) return Problem(name, "must be a string");
  result = *std::move(text);
  return absl::OkStatus();
}

absl::Status ReadLabels(const JsonValue& value, Endpoint& endpoint) {
  if (value.empty()) return absl::OkStatus();
  const auto labels = value.Object();
  if (!labels.has_value()) return Problem("labels", "must be an object");
  for (const auto& label : labels->members()) {
    auto text = label.second.String();
    if (!text.has_value()) {
      return Problem("labels", "values must be strings");
    }
    endpoint.labels[label.first] = *std::move(text);
  }
  return absl::OkStatus();
}

absl::Status ReadPayload(const JsonValue& value, Endpoint& endpoint) {
  const auto payload = value.Object();
  if (!payload.has_value()) return absl::OkStatus();
  int64_t weight = endpoint.weight;
  int64_t priority = 0;
  for (const absl::Status& status : {
           ReadInteger(*payload, "weight", 0, kMaxWeight, weight),
           ReadInteger(*payload, "priority",
                       std::numeric_limits<int32_t>::min(),
                       std::numeric_limits<int32_t>::max(), priority),
           ReadString(*payload, "role", endpoint.role),
           ReadString(*payload, "zone", endpoint.zone),
           ReadLabels(payload->Find("labels"), endpoint),
       }) {
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("payload.", status.message()));
    }
  }
  endpoint.weight = static_cast<uint32_t>(weight);
  endpoint.priority = static_cast<int32_t>(priority);
  return absl::OkStatus();
}

absl::StatusOr<Endpoint> ParseInstance(absl::string_view json) {
  const auto object = JsonObject::Parse(json);
  if (!object.ok()) return object.status();
  Endpoint endpoint;
  absl::Status status = ReadString(*object, "address", endpoint.host);
  if (!status.ok()) return status;
  if (endpoint.host.empty()) return Problem("address", "is missing");
  int64_t port = 0;
  const char* const port_name =
      object->Find("port").empty() ? "sslPort" : "port";
  status = ReadInteger(*object, port_name, 1,
                       std::numeric_limits<uint16_t>::max(), port);
  if (!status.ok()) return status;
  if (port == 0) return Problem("port", "is missing");
  endpoint.port = static_cast<uint16_t>(port);
  status = ReadPayload(object->Find("payload"), endpoint);
  if (!status.ok()) return status;
  if (object->Find("enabled").Bool() == false) endpoint.weight = 0;
  return endpoint;
}

std::string FormatPayload(const Endpoint& endpoint) {
  std::vector<std::string> members;
  const auto add = [&members](absl::string_view name, absl::string_view json) {
    members.push_back(absl::StrCat(JsonQuote(name), ":", json));
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

}  // namespace

absl::StatusOr<Endpoint> ParseZookeeperRecord(absl::string_view data) {
  if (data.size() > kMaxZookeeperRecordBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("more than ", kMaxZookeeperRecordBytes, " bytes"));
  }
  data = absl::StripAsciiWhitespace(data);
  if (data.empty()) return absl::InvalidArgumentError("the node has no data");
  return data[0] == '{' ? ParseInstance(data) : ParseTextRecord(data);
}

std::string FormatZookeeperRecord(const Endpoint& endpoint,
                                  absl::string_view service,
                                  absl::string_view id, absl::Time registered) {
  return absl::StrCat(
      "{\"name\":", JsonQuote(service), ",\"id\":", JsonQuote(id),
      ",\"address\":", JsonQuote(endpoint.host), ",\"port\":", endpoint.port,
      ",\"sslPort\":null,\"payload\":", FormatPayload(endpoint),
      ",\"registrationTimeUTC\":", absl::ToUnixMillis(registered),
      ",\"serviceType\":\"DYNAMIC\",\"uriSpec\":null}");
}

}  // namespace multi_backend
