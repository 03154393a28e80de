#include "multi_backend/resolver/endpoint_document.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "multi_backend/proto/endpoint_bounds.h"
#include "multi_backend/proto/endpoints.pb.h"
#include "multi_backend/proto/json_syntax.h"
#include "multi_backend/resolver/endpoint.h"
#include "multi_backend/resolver/json_object.h"

namespace multi_backend {
namespace {

// What an endpoint can hold; the rest is the policy's to refuse.
constexpr int64_t kMostWeight = std::numeric_limits<uint32_t>::max();

void Offer(const endpoints::v1::Endpoint& entry, absl::string_view where,
           EndpointAdmission& admission) {
  auto endpoint = Endpoint::Parse(entry.address());
  if (!endpoint.ok()) {
    admission.Refuse(where, endpoint.status().message());
    return;
  }
  if (entry.weight() < 0 || entry.weight() > kMostWeight) {
    admission.Refuse(absl::StrCat(where, ".weight"),
                     absl::StrCat("must be 0..", kMaxEndpointWeight));
    return;
  }
  if (entry.priority() < std::numeric_limits<int32_t>::min() ||
      entry.priority() > std::numeric_limits<int32_t>::max()) {
    admission.Refuse(absl::StrCat(where, ".priority"),
                     "must be a 32 bit integer");
    return;
  }
  if (entry.has_weight()) {
    endpoint->weight = static_cast<uint32_t>(entry.weight());
  }
  endpoint->priority = static_cast<int32_t>(entry.priority());
  endpoint->role = entry.role();
  endpoint->zone = entry.zone();
  endpoint->labels.insert(entry.labels().begin(), entry.labels().end());
  admission.Offer(*std::move(endpoint), where);
}

// --- Reading plainly
// ----------------------------------------------------------
//
// protobuf's reader takes 8 us for each endpoint.  This takes the forms that
// documents have, at a third of that, and leaves all others to protobuf, whose
// word it is: escapes, numbers in quotes or with a point, nulls, names that the
// schema does not know.  The syntax has
// been checked before.

template <typename Set>
bool ReadString(const JsonValue& value, Set set) {
  auto text = value.String();
  if (text.has_value()) set(*std::move(text));
  return text.has_value();
}

template <typename Set>
bool ReadInteger(const JsonValue& value, Set set) {
  const auto number = value.Integer();
  if (number.has_value()) set(*number);
  return number.has_value();
}

bool ReadLabels(const JsonValue& value, endpoints::v1::Endpoint& entry) {
  const auto labels = value.Object();
  if (!labels.has_value()) return false;
  for (const JsonObject::Member& label : labels->members()) {
    const bool read = ReadString(label.second, [&](std::string text) {
      (*entry.mutable_labels())[label.first] = std::move(text);
    });
    if (!read) return false;
  }
  return true;
}

bool ReadMember(const JsonObject::Member& member,
                endpoints::v1::Endpoint& entry) {
  const std::string& name = member.first;
  const JsonValue& value = member.second;
  if (name == "address") {
    return ReadString(
        value, [&](std::string text) { entry.set_address(std::move(text)); });
  }
  if (name == "role") {
    return ReadString(
        value, [&](std::string text) { entry.set_role(std::move(text)); });
  }
  if (name == "zone") {
    return ReadString(
        value, [&](std::string text) { entry.set_zone(std::move(text)); });
  }
  if (name == "weight") {
    return ReadInteger(value,
                       [&](int64_t number) { entry.set_weight(number); });
  }
  if (name == "priority") {
    return ReadInteger(value,
                       [&](int64_t number) { entry.set_priority(number); });
  }
  return name == "labels" && ReadLabels(value, entry);
}

// False: it has another form, and `document` is not to be used.
bool ReadPlainly(absl::string_view json,
                 endpoints::v1::EndpointDocument& document) {
  if (json.find('\\') != absl::string_view::npos) return false;
  const auto root = JsonValue(absl::StripAsciiWhitespace(json)).Object();
  if (!root.has_value() || root->members().size() != 1 ||
      root->members()[0].first != "endpoints") {
    return false;
  }
  const auto entries = root->members()[0].second.Array();
  if (!entries.has_value()) return false;
  for (const JsonValue& value : *entries) {
    const auto object = value.Object();
    if (!object.has_value()) return false;
    endpoints::v1::Endpoint& entry = *document.add_endpoints();
    for (const JsonObject::Member& member : object->members()) {
      if (!ReadMember(member, entry)) return false;
    }
  }
  return true;
}

absl::Status ReadInFull(absl::string_view json,
                        endpoints::v1::EndpointDocument& document) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(json.data(), json.size()), &document,
      options);
  if (parsed.ok()) return absl::OkStatus();
  const auto message = parsed.message();
  return absl::InvalidArgumentError(
      absl::StrCat("does not fit the schema (endpoints.proto): ",
                   absl::string_view(message.data(), message.size())));
}

}  // namespace

absl::StatusOr<AdmittedEndpoints> ParseEndpointDocument(
    absl::string_view json, const EndpointPolicy& policy) {
  if (json.size() > policy.limits().max_document_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(json.size(), " bytes, at most ",
                     policy.limits().max_document_bytes, " are allowed"));
  }
  const absl::Status syntax = CheckJsonSyntax(json);
  if (!syntax.ok()) return syntax;
  endpoints::v1::EndpointDocument document;
  if (!ReadPlainly(json, document)) {
    document.Clear();
    const absl::Status read = ReadInFull(json, document);
    if (!read.ok()) return read;
  }
  EndpointAdmission admission(policy);
  for (int i = 0; i < document.endpoints_size(); ++i) {
    Offer(document.endpoints(i), absl::StrCat("endpoints[", i, "]"), admission);
  }
  return std::move(admission).Finish();
}

}  // namespace multi_backend
