#include "multi_backend/proto/config/rules/field_checks.h"

#include <algorithm>

#include "multi_backend/proto/config/role_name.h"

namespace multi_backend {
namespace {

// No duration may be longer; a longer one probably has the wrong unit.
constexpr absl::Duration kMaxDuration = absl::Hours(1);

}  // namespace

std::string InSeconds(absl::Duration duration) {
  return absl::StrCat(absl::ToDoubleSeconds(duration), "s");
}

int CheckedInt(int64_t value, int low, int high, absl::string_view path,
               FieldErrors* errors) {
  CheckRange(value, int64_t{low}, int64_t{high}, path, errors);
  return static_cast<int>(std::clamp(value, int64_t{low}, int64_t{high}));
}

absl::Duration CheckedDuration(const google::protobuf::Duration& value,
                               absl::Duration low, absl::string_view path,
                               FieldErrors* errors) {
  const absl::Duration duration =
      absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
  if (duration < low || duration > kMaxDuration) {
    errors->Add(path, absl::StrCat("must be from ", InSeconds(low), " to ",
                                   InSeconds(kMaxDuration)));
  }
  return duration;
}

void CheckRoleName(absl::string_view role, absl::string_view path,
                   FieldErrors* errors) {
  if (!IsValidRoleName(role)) {
    errors->Add(path, kRoleNameRule);
  } else if (IsReservedRole(role)) {
    errors->Add(path, "FAIL and ANY cannot be names of roles");
  }
}

void CheckSize(absl::string_view value, size_t max, absl::string_view path,
               FieldErrors* errors) {
  if (value.size() > max) {
    errors->Add(path, absl::StrCat("is longer than ", max, " bytes"));
  }
}

std::map<std::string, std::string> CheckedLabels(
    const google::protobuf::Map<std::string, std::string>& labels,
    absl::string_view path, FieldErrors* errors) {
  if (labels.size() > kMaxLabels) {
    errors->Add(path, absl::StrCat("has more than ", kMaxLabels, " labels"));
  }
  for (const auto& [name, value] : labels) {
    const std::string at = KeyPath(path, name);
    if (name.empty()) errors->Add(at, "a label needs a name");
    CheckSize(name, kMaxNameSize, at, errors);
    CheckSize(value, kMaxNameSize, at, errors);
  }
  return std::map<std::string, std::string>(labels.begin(), labels.end());
}

}  // namespace multi_backend
