#include "multi_backend/resolver/groups/discovered_endpoint_group.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace multi_backend {

absl::Status DiscoveredEndpointGroup::last_error() const {
  const absl::Status error = DynamicEndpointGroup::last_error();
  if (error.ok()) return error;
  MutexLock lock(&mu_);
  if (!last_good_.has_value()) return error;
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(
      Clock::now() - *last_good_);
  return absl::Status(error.code(),
                      absl::StrCat(error.message(), " (the list in use is ",
                                   age.count(), " s old)"));
}

std::string DiscoveredEndpointGroup::Describe() const {
  const std::string refused = refusals().ToString();
  if (refused.empty()) return DynamicEndpointGroup::Describe();
  return absl::StrCat(DynamicEndpointGroup::Describe(), " (", refused, ")");
}

Refusals DiscoveredEndpointGroup::refusals() const {
  MutexLock lock(&mu_);
  return refusals_;
}

void DiscoveredEndpointGroup::Publish(AdmittedEndpoints admitted) {
  const size_t refused = admitted.refused.count;
  const bool empty = admitted.endpoints.empty();
  const bool fails =
      empty && (refused > 0 || empty_ == EmptyAnswer::kKeepsTheList);
  {
    MutexLock lock(&mu_);
    refusals_ = std::move(admitted.refused);
    if (!fails) last_good_ = Clock::now();
  }
  if (!fails) {
    SetEndpoints(std::move(admitted.endpoints));
  } else if (refused > 0) {
    SetErrorAsNews(absl::NotFoundError(
        absl::StrCat("all of the ", refused, " endpoints were refused")));
  } else {
    SetErrorAsNews(absl::NotFoundError("the answer has no endpoints"));
  }
}

void DiscoveredEndpointGroup::Fail(absl::Status error) {
  SetErrorAsNews(std::move(error));
}

}  // namespace multi_backend
