#include "multi_backend/resolver/groups/target.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace multi_backend {
namespace {

constexpr size_t kMaxGroupName = 128;

absl::Status StaticTargetError(absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat("static target: ", problem));
}

}  // namespace

absl::StatusOr<EndpointList> ParseStaticTarget(absl::string_view path) {
  absl::ConsumePrefix(&path, "/");
  EndpointList endpoints;
  if (path.empty()) return endpoints;
  // Counted first: a refusal must not cost the parse of a huge text.
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

absl::Status CheckGroupName(absl::string_view name) {
  std::string problem;
  if (name.empty()) {
    problem = "is empty";
  } else if (name.size() > kMaxGroupName) {
    problem = absl::StrCat("is longer than ", kMaxGroupName, " characters");
  }
  for (char c : name) {
    if (!problem.empty()) break;
    if (!absl::ascii_isalnum(c) && c != '_' && c != '.' && c != '-') {
      problem = absl::StrCat("must not contain \"",
                             absl::CHexEscape(absl::string_view(&c, 1)),
                             "\", only letters, digits and \"_.-\"");
    }
  }
  if (problem.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "group name \"", absl::CHexEscape(name.substr(0, kMaxGroupName)),
      name.size() > kMaxGroupName ? "…" : "", "\" ", problem));
}

absl::StatusOr<std::string> ParseGroupTarget(absl::string_view path) {
  absl::ConsumePrefix(&path, "/");
  const absl::Status status = CheckGroupName(path);
  if (!status.ok()) return status;
  return std::string(path);
}

std::string AuthorityOfStorePath(absl::string_view path) {
  path = absl::StripSuffix(path, "/");
  const absl::string_view name = path.substr(path.rfind('/') + 1);
  const bool is_host =
      !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
      });
  return is_host ? std::string(name) : "localhost";
}

}  // namespace multi_backend
