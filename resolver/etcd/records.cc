#include "multi_backend/resolver/etcd/records.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/resolver/etcd/record.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

// Bytes of a key that an error text quotes.
constexpr size_t kMaxQuoted = 100;

}  // namespace

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
    const std::string key = Excerpt(record.first, kMaxQuoted);
    if (record.second.ok()) {
      admission.Offer(*record.second, key);
    } else {
      admission.Refuse(key, record.second.status().message());
    }
  }
  return std::move(admission).Finish();
}

}  // namespace multi_backend
