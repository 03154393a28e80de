#include "multi_backend/resolver/etcd/record.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/proto/json/object.h"
#include "multi_backend/resolver/endpoint/attributes.h"
#include "multi_backend/resolver/endpoint/text_record.h"

namespace multi_backend {
namespace {

// Bytes of a key that an error text quotes.
constexpr size_t kMaxQuoted = 100;

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

void EtcdRecords::Put(absl::string_view key, absl::string_view value) {
  auto endpoint = ParseEtcdRecord(value);
  if (endpoint.ok()) {
    const std::string reason = policy_.ReasonToRefuse(*endpoint);
    if (!reason.empty()) {
      endpoint = absl::InvalidArgumentError(
          absl::StrCat(endpoint->address(), ": ", reason));
    }
  }
  const auto found = records_.find(key);
  if (found == records_.end()) {
    records_.emplace(key, std::move(endpoint));
  } else {
    found->second = std::move(endpoint);
  }
}

void EtcdRecords::Delete(absl::string_view key) {
  const auto found = records_.find(key);
  if (found != records_.end()) records_.erase(found);
}

absl::StatusOr<AdmittedEndpoints> EtcdRecords::Admit() const {
  EndpointAdmission admission(policy_, records_.size());
  for (const auto& record : records_) {
    const std::string key =
        absl::CHexEscape(absl::string_view(record.first).substr(0, kMaxQuoted));
    if (record.second.ok()) {
      admission.Offer(*record.second, key);
    } else {
      admission.Refuse(key, record.second.status().message());
    }
  }
  return std::move(admission).Finish();
}

}  // namespace multi_backend
