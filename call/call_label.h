// What the interceptor tells the picker about one call: the routing decision,
// the sticky key's hash and the retry class, as ONE metadata value of fixed
// form ("mb-call-bin").  The config selector takes it off the call's metadata
// again before anything leaves the process.
//
// The value begins with a random tag of this process (64 bits), so that a value
// which an application (or a proxied request) brought along is recognised and
// ignored.
//
// Cost: both directions are on every call.  A value costs one allocation and
// its copy; reading one allocates nothing and looks at fixed offsets only.
// Thread-safe: all functions are pure but for the tag, which is made once.
//
//   const std::string prefix = EncodeCallLabelPrefix(route);   // Once a route.
//   metadata->Add(kCallLabelKey, EncodeCallLabel(prefix, hash));  // Each call.
//   absl::optional<CallLabel> label = DecodeCallLabel(value);     // Each call.
#ifndef MULTI_BACKEND_CALL_CALL_LABEL_H_
#define MULTI_BACKEND_CALL_CALL_LABEL_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// The metadata key, one of the reserved ones (reserved_metadata.h).  "-bin":
// gRPC then does not look at each byte of the value, which costs more than to
// make it.
constexpr absl::string_view kCallLabelKey = "mb-call-bin";

// The views point into the encoded value, or wherever the maker took them from.
struct CallLabel {
  absl::string_view role;  // "" = the default strategy over all backends.
  WhenUnavailable when_unavailable = WhenUnavailable::kFail;
  absl::string_view fallback_role;  // With WhenUnavailable::kRole.
  RetryMode retry = RetryMode::kDefault;
  absl::optional<uint64_t> key_hash;  // Of the sticky key; unset = no key.
};

// The part of a value that depends on the route alone; made once per route.
// `label.key_hash` is not used.  Requires role names that are "" or valid
// (IsValidRoleName); aborts on others, because they would end in metadata.
std::string EncodeCallLabelPrefix(const CallLabel& label);

// A whole value: `prefix` as made above, completed with the key's hash.
// 19 bytes of any kind, and the role names.
std::string EncodeCallLabel(absl::string_view prefix,
                            absl::optional<uint64_t> key_hash);

// nullopt unless `value` carries this process's tag and is well formed.
absl::optional<CallLabel> DecodeCallLabel(absl::string_view value);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_CALL_LABEL_H_
