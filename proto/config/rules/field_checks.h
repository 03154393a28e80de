// The checks that fields of several messages share: ranges, names and lengths.
// Each check adds an error at its `path` when the value breaks its rule.  Pure
// and thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_RULES_FIELD_CHECKS_H_
#define MULTI_BACKEND_PROTO_CONFIG_RULES_FIELD_CHECKS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/map.h"
#include "multi_backend/proto/config/endpoint_bounds.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {

// The least of the durations that may not be zero.
constexpr absl::Duration kMinDuration = absl::Milliseconds(1);

// Returns the duration as errors and warnings show it: "1.5s".
std::string InSeconds(absl::Duration duration);

// "must be from LOW to HIGH" unless low <= value <= high.
template <typename T>
void CheckRange(T value, T low, T high, absl::string_view path,
                FieldErrors* errors) {
  if (!(value >= low && value <= high)) {
    errors->Add(path, absl::StrCat("must be from ", low, " to ", high));
  }
}

// Returns the number, after an error the nearest one from `low` to `high`.
int CheckedInt(int64_t value, int low, int high, absl::string_view path,
               FieldErrors* errors);

// Returns the duration, which must be from `low` to an hour.
absl::Duration CheckedDuration(const google::protobuf::Duration& value,
                               absl::Duration low, absl::string_view path,
                               FieldErrors* errors);

// Requires a role name that is not one of the words of whenUnavailable.
void CheckRoleName(absl::string_view role, absl::string_view path,
                   FieldErrors* errors);

// Requires at most `max` bytes.
void CheckSize(absl::string_view value, size_t max, absl::string_view path,
               FieldErrors* errors);

// Returns the labels, whose number and sizes must be within bounds.
std::map<std::string, std::string> CheckedLabels(
    const google::protobuf::Map<std::string, std::string>& labels,
    absl::string_view path, FieldErrors* errors);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_RULES_FIELD_CHECKS_H_
