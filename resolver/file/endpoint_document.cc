#include "multi_backend/resolver/file/endpoint_document.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "google/protobuf/util/json_util.h"
#include "multi_backend/proto/config/endpoint_bounds.h"
#include "multi_backend/proto/endpoints.pb.h"
#include "multi_backend/proto/json/object.h"
#include "multi_backend/proto/json/syntax.h"
#include "multi_backend/resolver/endpoint/attributes.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

// What an endpoint can hold; the rest is the policy's to refuse.
constexpr int64_t kMostWeight = std::numeric_limits<uint32_t>::max();

std::string NameOf(size_t index) {
  return absl::StrCat("endpoints[", index, "]");
}

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

absl::StatusOr<AdmittedEndpoints> ReadInFull(absl::string_view json,
                                             const EndpointPolicy& policy) {
  endpoints::v1::EndpointDocument document;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(json.data(), json.size()), &document,
      options);
  if (!parsed.ok()) {
    const std::string message(parsed.message());
    // Some have a second line, with a piece of the document.
    return absl::InvalidArgumentError(
        absl::StrCat("does not fit the schema (endpoints.proto): ",
                     message.substr(0, message.find('\n'))));
  }
  EndpointAdmission admission(policy);
  for (int i = 0; i < document.endpoints_size(); ++i) {
    Offer(document.endpoints(i), NameOf(static_cast<size_t>(i)), admission);
  }
  return std::move(admission).Finish();
}

// protobuf's reader takes 8 us for each endpoint.  What follows takes the forms
// that documents have at a third of that, and leaves all others to protobuf,
// whose word it is: escapes, numbers in quotes, with a point or out of range,
// names that the schema does not know.

bool IsKnown(absl::string_view name) {
  return name == "address" || name == "weight" || name == "role" ||
         name == "priority" || name == "zone" || name == "labels";
}

// False: it has another form.
bool OfferPlainly(const JsonValue& entry, absl::string_view where,
                  EndpointAdmission& admission) {
  const auto object = entry.Object();
  if (!object.has_value()) return false;
  for (const JsonObject::Member& member : object->members()) {
    if (!IsKnown(member.first)) return false;
  }
  const auto address = object->Find("address").String();
  if (!address.has_value()) return false;
  Endpoint endpoint;
  if (!ReadEndpointAttributes(*object, endpoint).ok()) return false;
  auto place = Endpoint::Parse(*address);
  if (!place.ok()) {
    admission.Refuse(where, place.status().message());
    return true;
  }
  endpoint.host = std::move(place->host);
  endpoint.port = place->port;
  admission.Offer(std::move(endpoint), where);
  return true;
}

// Of JSON whose syntax has been checked.  nullopt: it has another form.
absl::optional<absl::StatusOr<AdmittedEndpoints>> ReadPlainly(
    absl::string_view json, const EndpointPolicy& policy) {
  if (json.find('\\') != absl::string_view::npos) return absl::nullopt;
  const auto root = JsonValue(absl::StripAsciiWhitespace(json)).Object();
  if (!root.has_value() || root->members().size() != 1) return absl::nullopt;
  const auto entries = root->Find("endpoints").Array();
  if (!entries.has_value()) return absl::nullopt;
  EndpointAdmission admission(policy, entries->size());
  for (size_t i = 0; i < entries->size(); ++i) {
    if (!OfferPlainly((*entries)[i], NameOf(i), admission)) {
      return absl::nullopt;
    }
  }
  return std::move(admission).Finish();
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
  auto plainly = ReadPlainly(json, policy);
  return plainly.has_value() ? *std::move(plainly) : ReadInFull(json, policy);
}

}  // namespace multi_backend
