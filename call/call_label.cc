#include "multi_backend/call/call_label.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "multi_backend/proto/config/role_name.h"

namespace multi_backend {
namespace {

// Layout of a value:
//   offset  0  tag               8 bytes
//           8  class             'A' + route + 7 * key + 21 * trails, where
//                                route is when + 3 * retry, or 6 when it is
//                                undecided, key is 0 undecided, 1 none, 2 a
//                                key, and trails is 1 if there are any
//           9  key hash          8 bytes, in the byte order of this machine: a
//                                value never leaves the process
//          17  role length
//          18  fallback length
//          19  role, fallback role
//              trails            2 * 8 bytes, only if there are any
// The lengths come before the names, so that decoding needs no search and
// detects a truncated value.
constexpr size_t kTagSize = 8;
constexpr size_t kClassOffset = kTagSize;
constexpr size_t kKeyOffset = kClassOffset + 1;
constexpr size_t kKeySize = 8;
constexpr size_t kRoleLengthOffset = kKeyOffset + kKeySize;
constexpr size_t kFallbackLengthOffset = kRoleLengthOffset + 1;
constexpr size_t kFixedSize = kFallbackLengthOffset + 1;

constexpr char kFirstClass = 'A';
constexpr int kWhenValues = 3;
constexpr int kUndecidedRoute = 2 * kWhenValues;
constexpr int kRouteClasses = kUndecidedRoute + 1;

enum KeyClass { kUndecided, kNoKey, kKey, kKeyClasses };

constexpr int kWithTrails = kKeyClasses * kRouteClasses;
constexpr size_t kTrailsSize = 2 * sizeof(uint64_t);

int RouteClassOf(const CallLabel& label) {
  if (!label.route_decided) return kUndecidedRoute;
  return static_cast<int>(label.when_unavailable) +
         kWhenValues * static_cast<int>(label.retry);
}

// The tag must not be guessable from outside, so it comes from the system's
// random generator.
uint64_t MakeTag() {
  std::random_device random;
  return (uint64_t{random()} << 32) | random();
}

uint64_t ProcessTag() {
  static const uint64_t tag = MakeTag();
  return tag;
}

uint64_t ReadBytes(const char* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

void WriteBytes(uint64_t value, char* to) {
  std::memcpy(to, &value, sizeof(value));
}

void RequireRole(absl::string_view role) {
  if (role.empty() || IsValidRoleName(role)) return;
  std::fputs("multi_backend: a call label takes valid role names only\n",
             stderr);
  std::abort();
}

void AddTrail(uint64_t id, TrailIds& trails) {
  if (trails.first == 0) {
    trails.first = id;
  } else if (trails.second == 0) {
    trails.second = id;
  }
}

// Takes the value that `values` begins with off it; nullopt when it does not
// begin with one.
absl::optional<CallLabel> TakeFirst(absl::string_view& values) {
  if (values.size() < kFixedSize || ReadBytes(values.data()) != ProcessTag()) {
    return absl::nullopt;
  }
  // Unsigned arithmetic: a byte below kFirstClass wraps around to a large
  // number, which the range check below rejects.
  unsigned cls = static_cast<unsigned char>(values[kClassOffset]) - kFirstClass;
  const size_t role_size =
      static_cast<unsigned char>(values[kRoleLengthOffset]);
  const size_t fallback_size =
      static_cast<unsigned char>(values[kFallbackLengthOffset]);
  if (cls >= 2 * kWithTrails || role_size > kMaxRoleNameSize ||
      fallback_size > kMaxRoleNameSize) {
    return absl::nullopt;
  }
  const bool has_trails = cls >= kWithTrails;
  if (has_trails) cls -= kWithTrails;
  const size_t trails_offset = kFixedSize + role_size + fallback_size;
  const size_t size = trails_offset + (has_trails ? kTrailsSize : 0);
  if (size > values.size()) return absl::nullopt;
  const absl::string_view value = values.substr(0, size);
  values.remove_prefix(size);

  CallLabel label;
  if (has_trails) {
    label.trails.first = ReadBytes(&value[trails_offset]);
    label.trails.second = ReadBytes(&value[trails_offset + sizeof(uint64_t)]);
  }
  const unsigned key = cls / kRouteClasses;
  label.key_decided = key != kUndecided;
  if (key == kKey) label.key_hash = ReadBytes(&value[kKeyOffset]);
  const unsigned route = cls % kRouteClasses;
  if (route == kUndecidedRoute) {
    if (role_size + fallback_size > 0) return absl::nullopt;
    label.route_decided = false;
    return label;
  }
  label.retry = static_cast<RetryMode>(route / kWhenValues);
  label.when_unavailable = static_cast<WhenUnavailable>(route % kWhenValues);
  label.role = value.substr(kFixedSize, role_size);
  label.fallback_role = value.substr(kFixedSize + role_size, fallback_size);
  return label;
}

}  // namespace

CallLabel CombineLabels(const CallLabel& older, const CallLabel& newer) {
  CallLabel label = newer.route_decided ? newer : older;
  const CallLabel& key = newer.key_decided ? newer : older;
  label.key_decided = key.key_decided;
  label.key_hash = key.key_hash;
  label.trails = older.trails;
  for (const uint64_t id : {newer.trails.first, newer.trails.second}) {
    AddTrail(id, label.trails);
  }
  return label;
}

std::string EncodeCallLabelPrefix(const CallLabel& label) {
  const absl::string_view fallback =
      label.when_unavailable == WhenUnavailable::kRole ? label.fallback_role
                                                       : absl::string_view();
  RequireRole(label.role);
  RequireRole(fallback);
  std::string value;
  value.reserve(kFixedSize + label.role.size() + fallback.size());
  value.append(kTagSize, '\0');
  WriteBytes(ProcessTag(), &value[0]);
  value.push_back(static_cast<char>(kFirstClass + RouteClassOf(label)));
  value.append(kKeySize, '\0');
  value.push_back(static_cast<char>(label.role.size()));
  value.push_back(static_cast<char>(fallback.size()));
  value.append(label.role.data(), label.role.size());
  value.append(fallback.data(), fallback.size());
  return value;
}

std::string EncodeCallLabel(absl::string_view prefix,
                            absl::optional<uint64_t> key_hash, bool key_decided,
                            const TrailIds& trails) {
  std::string value(prefix);
  if (key_hash.has_value()) {
    value[kClassOffset] += kKey * kRouteClasses;
    WriteBytes(*key_hash, &value[kKeyOffset]);
  } else if (key_decided) {
    value[kClassOffset] += kNoKey * kRouteClasses;
  }
  if (trails.first != 0) {
    value[kClassOffset] += kWithTrails;
    const size_t offset = value.size();
    value.resize(offset + kTrailsSize);
    WriteBytes(trails.first, &value[offset]);
    WriteBytes(trails.second, &value[offset + sizeof(uint64_t)]);
  }
  return value;
}

absl::optional<CallLabel> DecodeCallLabel(absl::string_view value) {
  absl::optional<CallLabel> label = TakeFirst(value);
  while (label.has_value() && !value.empty()) {
    if (value[0] != ',') return absl::nullopt;
    value.remove_prefix(1);
    const absl::optional<CallLabel> next = TakeFirst(value);
    if (!next.has_value()) return absl::nullopt;
    label = CombineLabels(*label, *next);
  }
  return label;
}

}  // namespace multi_backend
