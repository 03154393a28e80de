#include "multi_backend/proto/call_label.h"

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "absl/strings/ascii.h"

namespace multi_backend {
namespace {

// A value is
//   offset  0  tag               11 of [A-Za-z0-9_-]
//          11  class             'A' + when + 3 * retry, + 6 with a key
//          12  key hash          16 of 'a'..'p', one a nibble ('a' without key)
//          28  role length       '0' + length
//          29  fallback length   '0' + length
//          30  role, fallback role
// Lengths come first so that nothing has to be searched and a cut value shows.
constexpr size_t kTagSize = 11;
constexpr size_t kClassOffset = kTagSize;
constexpr size_t kKeyOffset = kClassOffset + 1;
constexpr size_t kKeySize = 16;
constexpr size_t kRoleLengthOffset = kKeyOffset + kKeySize;
constexpr size_t kFallbackLengthOffset = kRoleLengthOffset + 1;
constexpr size_t kFixedSize = kFallbackLengthOffset + 1;

constexpr size_t kMaxRoleSize = 64;
constexpr char kFirstClass = 'A';
constexpr int kWhenValues = 3;
constexpr int kKeylessClasses = 2 * kWhenValues;
constexpr char kLengthZero = '0';

std::atomic<bool> labels_in_use{false};

using Tag = std::array<char, kTagSize>;

Tag MakeTag() {
  constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  // The system's own generator: the tag must not be guessable from outside.
  std::random_device random;
  uint64_t bits = (uint64_t{random()} << 32) | random();
  Tag tag;
  for (char& c : tag) {
    c = kAlphabet[bits & 63];
    bits >>= 6;
  }
  return tag;
}

const Tag& ProcessTag() {
  static const Tag tag = MakeTag();
  return tag;
}

// Nibbles become the letters 'a'..'p' (not hexadecimal digits, which are two
// ranges), so eight of them are made and read at once in a machine word.  The
// byte order is the machine's: a value never leaves the process.
constexpr uint64_t kLetterA = 0x6161616161616161;

void PutNibbles(uint32_t bits, char* out) {
  uint64_t x = bits;
  x = (x | (x << 16)) & 0x0000FFFF0000FFFF;
  x = (x | (x << 8)) & 0x00FF00FF00FF00FF;
  x = (x | (x << 4)) & 0x0F0F0F0F0F0F0F0F;
  x += kLetterA;
  std::memcpy(out, &x, sizeof(x));
}

// Whether all eight were letters in the range.
bool GetNibbles(const char* in, uint32_t* bits) {
  uint64_t x;
  std::memcpy(&x, in, sizeof(x));
  x -= kLetterA;  // A borrow needs a byte below 'a', which fails the test here.
  if ((x & 0xF0F0F0F0F0F0F0F0) != 0) return false;
  x = (x | (x >> 4)) & 0x00FF00FF00FF00FF;
  x = (x | (x >> 8)) & 0x0000FFFF0000FFFF;
  x = (x | (x >> 16)) & 0x00000000FFFFFFFF;
  *bits = static_cast<uint32_t>(x);
  return true;
}

void RequireRole(absl::string_view role) {
  if (role.empty() || IsValidRoleName(role)) return;
  std::fputs("multi_backend: a call label takes valid role names only\n",
             stderr);
  std::abort();
}

}  // namespace

bool CallLabelsInUse() { return labels_in_use.load(std::memory_order_relaxed); }

std::string EncodeCallLabelPrefix(const CallLabel& label) {
  labels_in_use.store(true, std::memory_order_relaxed);
  const absl::string_view fallback =
      label.when_unavailable == WhenUnavailable::kRole ? label.fallback_role
                                                       : absl::string_view();
  RequireRole(label.role);
  RequireRole(fallback);
  const Tag& tag = ProcessTag();
  std::string value;
  value.reserve(kFixedSize + label.role.size() + fallback.size());
  value.append(tag.data(), tag.size());
  value.push_back(
      static_cast<char>(kFirstClass + static_cast<int>(label.when_unavailable) +
                        kWhenValues * static_cast<int>(label.retry)));
  value.append(kKeySize, 'a');
  value.push_back(static_cast<char>(kLengthZero + label.role.size()));
  value.push_back(static_cast<char>(kLengthZero + fallback.size()));
  value.append(label.role.data(), label.role.size());
  value.append(fallback.data(), fallback.size());
  return value;
}

std::string EncodeCallLabel(absl::string_view prefix,
                            absl::optional<uint64_t> key_hash) {
  std::string value(prefix);
  if (key_hash.has_value()) {
    value[kClassOffset] += kKeylessClasses;
    PutNibbles(static_cast<uint32_t>(*key_hash >> 32), &value[kKeyOffset]);
    PutNibbles(static_cast<uint32_t>(*key_hash), &value[kKeyOffset + 8]);
  }
  return value;
}

absl::optional<CallLabel> DecodeCallLabel(absl::string_view value) {
  if (value.size() < kFixedSize ||
      std::memcmp(value.data(), ProcessTag().data(), kTagSize) != 0) {
    return absl::nullopt;
  }
  // Unsigned, so that a byte below a range's start is far above its end.
  unsigned cls = static_cast<unsigned char>(value[kClassOffset]) - kFirstClass;
  const size_t role_size =
      static_cast<unsigned char>(value[kRoleLengthOffset]) - kLengthZero;
  const size_t fallback_size =
      static_cast<unsigned char>(value[kFallbackLengthOffset]) - kLengthZero;
  uint32_t high;
  uint32_t low;
  if (cls >= 2 * kKeylessClasses || role_size > kMaxRoleSize ||
      fallback_size > kMaxRoleSize ||
      value.size() != kFixedSize + role_size + fallback_size ||
      !GetNibbles(&value[kKeyOffset], &high) ||
      !GetNibbles(&value[kKeyOffset + 8], &low)) {
    return absl::nullopt;
  }
  CallLabel label;
  if (cls >= kKeylessClasses) {
    cls -= kKeylessClasses;
    label.key_hash = (uint64_t{high} << 32) | low;
  }
  label.retry = static_cast<RetryMode>(cls / kWhenValues);
  label.when_unavailable = static_cast<WhenUnavailable>(cls % kWhenValues);
  label.role = value.substr(kFixedSize, role_size);
  label.fallback_role = value.substr(kFixedSize + role_size);
  return label;
}

bool IsValidRoleName(absl::string_view role) {
  if (role.empty() || role.size() > kMaxRoleSize) return false;
  for (char c : role) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_' &&
        c != '.' && c != '-') {
      return false;
    }
  }
  return true;
}

}  // namespace multi_backend
