#include "multi_backend/resolver/groups/static_target.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace multi_backend {
namespace {

absl::Status StaticTargetError(absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat("static target: ", problem));
}

}  // namespace

absl::StatusOr<EndpointList> ParseStaticTarget(absl::string_view path) {
  absl::ConsumePrefix(&path, "/");
  EndpointList endpoints;
  if (path.empty()) return endpoints;
  // Counted first, so that a huge text is refused without being parsed.
  const size_t count = std::count(path.begin(), path.end(), ',') + 1;
  if (count > kMaxTargetEndpoints) {
    return StaticTargetError(absl::StrCat(count, " endpoints, at most ",
                                          kMaxTargetEndpoints,
                                          " are allowed; register a group"));
  }
  endpoints.reserve(count);
  for (absl::string_view element : absl::StrSplit(path, ',')) {
    const size_t position = endpoints.size() + 1;
    if (element.empty()) {
      return StaticTargetError(
          absl::StrCat("endpoint ", position, " is empty"));
    }
    auto endpoint = Endpoint::Parse(element);
    if (!endpoint.ok()) {
      return StaticTargetError(absl::StrCat("endpoint ", position, ": ",
                                            endpoint.status().message()));
    }
    endpoints.push_back(*std::move(endpoint));
  }
  const absl::Status status = CheckEndpoints(endpoints);
  if (!status.ok()) return StaticTargetError(status.message());
  return endpoints;
}

}  // namespace multi_backend
