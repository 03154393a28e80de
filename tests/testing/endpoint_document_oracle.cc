#include "multi_backend/tests/testing/endpoint_document_oracle.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "multi_backend/proto/config/endpoint_bounds.h"
#include "multi_backend/proto/endpoints.pb.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

void Offer(const endpoints::v1::Endpoint& entry, absl::string_view where,
           EndpointAdmission& admission) {
  auto endpoint = Endpoint::Parse(entry.address());
  if (!endpoint.ok()) {
    admission.Refuse(where, endpoint.status().message());
    return;
  }
  if (entry.weight() < 0 ||
      entry.weight() > std::numeric_limits<uint32_t>::max()) {
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

}  // namespace

absl::StatusOr<AdmittedEndpoints> ReadEndpointsByProtobuf(
    absl::string_view json, const EndpointPolicy& policy) {
  endpoints::v1::EndpointDocument document;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      std::string(json), &document, options);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(std::string(parsed.message()));
  }
  EndpointAdmission admission(policy);
  for (int i = 0; i < document.endpoints_size(); ++i) {
    Offer(document.endpoints(i), absl::StrCat("endpoints[", i, "]"), admission);
  }
  return std::move(admission).Finish();
}

}  // namespace multi_backend
