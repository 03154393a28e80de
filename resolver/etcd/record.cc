#include "multi_backend/resolver/etcd/record.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/proto/json/object.h"
#include "multi_backend/resolver/endpoint/attributes.h"
#include "multi_backend/resolver/endpoint/text_record.h"

namespace multi_backend {
namespace {

absl::StatusOr<Endpoint> ParseNamingRecord(absl::string_view json) {
  const auto record = JsonObject::Parse(json);
  if (!record.ok()) return record.status();
  const auto address = record->Find("Addr").String();
  if (!address.has_value()) {
    return absl::InvalidArgumentError("Addr: must be a string, \"host:port\"");
  }
  auto endpoint = Endpoint::Parse(*address);
  if (!endpoint.ok()) return endpoint;
  const auto metadata = record->Find("Metadata").Object();
  if (!metadata.has_value()) return endpoint;
  const absl::Status status = ReadEndpointAttributes(*metadata, *endpoint);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("Metadata.", status.message()));
  }
  return endpoint;
}

}  // namespace

absl::StatusOr<Endpoint> ParseEtcdRecord(absl::string_view value) {
  if (value.size() > kMaxEtcdRecordBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        value.size(), " bytes, at most ", kMaxEtcdRecordBytes, " are allowed"));
  }
  value = absl::StripAsciiWhitespace(value);
  return absl::StartsWith(value, "{") ? ParseNamingRecord(value)
                                      : ParseTextRecord(value);
}

std::string FormatEtcdRecord(const Endpoint& endpoint) {
  return absl::StrCat("{\"Addr\":", JsonQuote(endpoint.address()),
                      ",\"Metadata\":", FormatEndpointAttributes(endpoint),
                      "}");
}

}  // namespace multi_backend
