#include "multi_backend/resolver/groups/group_name.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

constexpr size_t kMaxGroupName = 128;

}  // namespace

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
  return absl::InvalidArgumentError(
      absl::StrCat("group name ", Quoted(name, kMaxGroupName), " ", problem));
}

absl::StatusOr<std::string> ParseGroupTarget(absl::string_view path) {
  absl::ConsumePrefix(&path, "/");
  const absl::Status status = CheckGroupName(path);
  if (!status.ok()) return status;
  return std::string(path);
}

}  // namespace multi_backend
