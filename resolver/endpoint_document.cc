#include "multi_backend/resolver/endpoint_document.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
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

// What a document says of an endpoint, before anything of it is believed.
struct Entry {
  std::string address;
  absl::optional<int64_t> weight;
  int64_t priority = 0;
  std::string role;
  std::string zone;
  std::map<std::string, std::string> labels;
};

void Offer(Entry entry, absl::string_view where, EndpointAdmission& admission) {
  auto endpoint = Endpoint::Parse(entry.address);
  if (!endpoint.ok()) {
    admission.Refuse(where, endpoint.status().message());
    return;
  }
  const int64_t weight = entry.weight.value_or(endpoint->weight);
  if (weight < 0 || weight > kMostWeight) {
    admission.Refuse(absl::StrCat(where, ".weight"),
                     absl::StrCat("must be 0..", kMaxEndpointWeight));
    return;
  }
  if (entry.priority < std::numeric_limits<int32_t>::min() ||
      entry.priority > std::numeric_limits<int32_t>::max()) {
    admission.Refuse(absl::StrCat(where, ".priority"),
                     "must be a 32 bit integer");
    return;
  }
  endpoint->weight = static_cast<uint32_t>(weight);
  endpoint->priority = static_cast<int32_t>(entry.priority);
  endpoint->role = std::move(entry.role);
  endpoint->zone = std::move(entry.zone);
  endpoint->labels = std::move(entry.labels);
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

bool ReadString(const JsonValue& value, std::string& to) {
  auto text = value.String();
  if (text.has_value()) to = *std::move(text);
  return text.has_value();
}

bool ReadLabels(const JsonValue& value, Entry& entry) {
  const auto labels = value.Object();
  if (!labels.has_value()) return false;
  for (const JsonObject::Member& label : labels->members()) {
    if (!ReadString(label.second, entry.labels[label.first])) return false;
  }
  return true;
}

bool ReadMember(const JsonObject::Member& member, Entry& entry) {
  const std::string& name = member.first;
  const JsonValue& value = member.second;
  if (name == "address") return ReadString(value, entry.address);
  if (name == "role") return ReadString(value, entry.role);
  if (name == "zone") return ReadString(value, entry.zone);
  if (name == "labels") return ReadLabels(value, entry);
  const absl::optional<int64_t> number = value.Integer();
  if (!number.has_value()) return false;
  if (name == "weight") entry.weight = number;
  if (name == "priority") entry.priority = *number;
  return name == "weight" || name == "priority";
}

// nullopt: it has another form.
absl::optional<std::vector<Entry>> ReadPlainly(absl::string_view json) {
  if (json.find('\\') != absl::string_view::npos) return absl::nullopt;
  const auto root = JsonValue(absl::StripAsciiWhitespace(json)).Object();
  if (!root.has_value() || root->members().size() != 1 ||
      root->members()[0].first != "endpoints") {
    return absl::nullopt;
  }
  const auto values = root->members()[0].second.Array();
  if (!values.has_value()) return absl::nullopt;
  std::vector<Entry> entries(values->size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto object = (*values)[i].Object();
    if (!object.has_value()) return absl::nullopt;
    for (const JsonObject::Member& member : object->members()) {
      if (!ReadMember(member, entries[i])) return absl::nullopt;
    }
  }
  return entries;
}

absl::StatusOr<std::vector<Entry>> ReadInFull(absl::string_view json) {
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
  std::vector<Entry> entries;
  for (const endpoints::v1::Endpoint& read : document.endpoints()) {
    Entry& entry = entries.emplace_back();
    entry.address = read.address();
    if (read.has_weight()) entry.weight = read.weight();
    entry.priority = read.priority();
    entry.role = read.role();
    entry.zone = read.zone();
    entry.labels.insert(read.labels().begin(), read.labels().end());
  }
  return entries;
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
  absl::optional<std::vector<Entry>> entries = ReadPlainly(json);
  if (!entries.has_value()) {
    auto read = ReadInFull(json);
    if (!read.ok()) return read.status();
    entries = *std::move(read);
  }
  EndpointAdmission admission(policy);
  for (size_t i = 0; i < entries->size(); ++i) {
    Offer(std::move((*entries)[i]), absl::StrCat("endpoints[", i, "]"),
          admission);
  }
  return std::move(admission).Finish();
}

}  // namespace multi_backend
