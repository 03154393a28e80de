#include "multi_backend/resolver/file/endpoint_document.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "multi_backend/proto/config/endpoint_bounds.h"
#include "multi_backend/proto/json/object.h"
#include "multi_backend/proto/json/syntax.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

// One element of "endpoints".  The integers have the schema's type, so that a
// value out of an endpoint's bounds is that endpoint's problem only.
struct Entry {
  std::string address;
  int64_t weight = kDefaultEndpointWeight;
  int64_t priority = 0;
  std::string role;
  std::string zone;
  std::map<std::string, std::string> labels;
};

// The Read... functions return what does not fit the schema, OK when all does.
absl::Status Misfit(absl::string_view field, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("does not fit the schema (endpoints.proto): ", field,
                   field.empty() ? "" : ": ", "must be ", what));
}

// An unknown field is left alone, since a newer schema may have it.  No schema
// has a field whose name is empty: that is a mistake in the document.
absl::Status MemberWithoutName(absl::string_view field) {
  return Misfit(field, "an object whose members have names");
}

absl::Status ReadString(const JsonValue& value, absl::string_view field,
                        std::string& result) {
  if (value.empty()) return absl::OkStatus();
  auto text = value.String();
  if (!text.has_value()) return Misfit(field, "a string");
  result = *std::move(text);
  return absl::OkStatus();
}

absl::optional<int64_t> IntegerOf(const JsonValue& value) {
  if (const auto integer = value.Integer()) return integer;
  if (const auto text = value.String()) {
    // A value of JSON has no spaces around it; Integer() would skip them.
    if (absl::StripAsciiWhitespace(*text) != *text) return absl::nullopt;
    return JsonValue(*text).Integer();
  }
  // 2^63; the largest int64 is one less, which a double cannot hold.
  constexpr double kLimit = 9223372036854775808.0;
  const auto number = value.Number();
  if (!number.has_value() || *number != std::trunc(*number) ||
      *number < -kLimit || *number >= kLimit) {
    return absl::nullopt;
  }
  return static_cast<int64_t>(*number);
}

absl::Status ReadInteger(const JsonValue& value, absl::string_view field,
                         int64_t& result) {
  if (value.empty()) return absl::OkStatus();
  const auto integer = IntegerOf(value);
  if (!integer.has_value()) return Misfit(field, "an integer");
  result = *integer;
  return absl::OkStatus();
}

absl::Status ReadLabels(const JsonValue& value, absl::string_view field,
                        std::map<std::string, std::string>& result) {
  if (value.empty()) return absl::OkStatus();
  const auto labels = value.Object();
  if (!labels.has_value()) return Misfit(field, "an object");
  for (const auto& [name, value] : labels->members()) {
    std::string text;
    const absl::Status status =
        ReadString(value, absl::StrCat(field, ".", name), text);
    if (!status.ok()) return status;
    // Two spellings of one name, "a" and "\u0061".
    if (!result.emplace(name, std::move(text)).second) {
      return Misfit(field, "an object without repeated names");
    }
  }
  return absl::OkStatus();
}

absl::Status ReadMember(const JsonObject::Member& member,
                        absl::string_view entry_path, Entry& entry) {
  const auto& [name, value] = member;
  if (name.empty()) return MemberWithoutName(entry_path);
  const std::string field = absl::StrCat(entry_path, ".", name);
  if (name == "address") return ReadString(value, field, entry.address);
  if (name == "weight") return ReadInteger(value, field, entry.weight);
  if (name == "role") return ReadString(value, field, entry.role);
  if (name == "priority") return ReadInteger(value, field, entry.priority);
  if (name == "zone") return ReadString(value, field, entry.zone);
  if (name == "labels") return ReadLabels(value, field, entry.labels);
  return absl::OkStatus();
}

template <typename Integer>
bool Fits(int64_t value) {
  return value >= std::numeric_limits<Integer>::min() &&
         value <= std::numeric_limits<Integer>::max();
}

void Offer(Entry entry, absl::string_view where, EndpointAdmission& admission) {
  auto endpoint = Endpoint::Parse(entry.address);
  if (!endpoint.ok()) {
    admission.Refuse(where, endpoint.status().message());
    return;
  }
  // The policy knows the bound; here it matters that an endpoint can hold it.
  if (!Fits<uint32_t>(entry.weight)) {
    admission.Refuse(absl::StrCat(where, ".weight"),
                     absl::StrCat("must be 0..", kMaxEndpointWeight));
    return;
  }
  if (!Fits<int32_t>(entry.priority)) {
    admission.Refuse(absl::StrCat(where, ".priority"),
                     "must be a 32 bit integer");
    return;
  }
  endpoint->weight = static_cast<uint32_t>(entry.weight);
  endpoint->priority = static_cast<int32_t>(entry.priority);
  endpoint->role = std::move(entry.role);
  endpoint->zone = std::move(entry.zone);
  endpoint->labels = std::move(entry.labels);
  admission.Offer(*std::move(endpoint), where);
}

class DocumentReader {
 public:
  explicit DocumentReader(EndpointAdmission& admission)
      : admission_(admission) {}

  // The value of "endpoints".
  absl::Status ReadList(const JsonValue& value) {
    if (value.empty()) return absl::OkStatus();
    // protobuf also takes one endpoint for a list of one, and a list in a list
    // for its elements.
    const auto elements = value.Array();
    if (!elements.has_value()) return ReadEntry(value);
    for (const JsonValue& element : *elements) {
      const absl::Status status = ReadList(element);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status ReadEntry(const JsonValue& value) {
    const std::string where = absl::StrCat("endpoints[", count_++, "]");
    const auto object = value.Object();
    if (!object.has_value()) return Misfit(where, "an object");
    Entry entry;
    for (const JsonObject::Member& member : object->members()) {
      const absl::Status status = ReadMember(member, where, entry);
      if (!status.ok()) return status;
    }
    Offer(std::move(entry), where, admission_);
    return absl::OkStatus();
  }

  EndpointAdmission& admission_;
  size_t count_ = 0;
};

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
  const auto document = JsonValue(absl::StripAsciiWhitespace(json)).Object();
  if (!document.has_value()) return Misfit("", "an object");
  EndpointAdmission admission(policy);
  DocumentReader reader(admission);
  for (const auto& [name, value] : document->members()) {
    if (name.empty()) return MemberWithoutName("");
    if (name != "endpoints") continue;
    const absl::Status status = reader.ReadList(value);
    if (!status.ok()) return status;
  }
  return std::move(admission).Finish();
}

}  // namespace multi_backend
