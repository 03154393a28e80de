#include "multi_backend/resolver/zookeeper/record.h"

#include <cstdint>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/proto/json/object.h"
#include "multi_backend/resolver/endpoint/attributes.h"
#include "multi_backend/resolver/endpoint/text_record.h"

namespace multi_backend {
namespace {

absl::Status Problem(absl::string_view field, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", problem));
}

absl::StatusOr<std::string> ReadAddress(const JsonObject& object) {
  const JsonValue value = object.Find("address");
  if (value.empty()) return Problem("address", "is missing");
  auto text = value.String();
  if (!text.has_value()) return Problem("address", "must be a string");
  return *std::move(text);
}

absl::StatusOr<uint16_t> ReadPort(const JsonObject& object) {
  const char* const name = object.Find("port").empty() ? "sslPort" : "port";
  const JsonValue value = object.Find(name);
  if (value.empty()) return Problem("port", "is missing");
  const auto port = value.Integer();
  if (!port.has_value() || *port < 1 ||
      *port > std::numeric_limits<uint16_t>::max()) {
    return Problem(name, "must be 1..65535");
  }
  return static_cast<uint16_t>(*port);
}

absl::Status ReadPayload(const JsonValue& value, Endpoint& endpoint) {
  const auto payload = value.Object();
  if (!payload.has_value()) return absl::OkStatus();
  const absl::Status status = ReadEndpointAttributes(*payload, endpoint);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat("payload.", status.message()));
}

absl::StatusOr<Endpoint> ParseInstance(absl::string_view json) {
  const auto object = JsonObject::Parse(json);
  if (!object.ok()) return object.status();
  auto address = ReadAddress(*object);
  if (!address.ok()) return address.status();
  const auto port = ReadPort(*object);
  if (!port.ok()) return port.status();
  Endpoint endpoint = Endpoint::Of(*address, *port);
  const absl::Status status = ReadPayload(object->Find("payload"), endpoint);
  if (!status.ok()) return status;
  if (object->Find("enabled").Bool() == false) endpoint.weight = 0;
  return endpoint;
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
      ",\"sslPort\":null,\"payload\":", FormatEndpointAttributes(endpoint),
      ",\"registrationTimeUTC\":", absl::ToUnixMillis(registered),
      ",\"serviceType\":\"DYNAMIC\",\"uriSpec\":null}");
}

}  // namespace multi_backend
