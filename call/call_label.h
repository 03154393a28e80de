// CallLabel: what an interceptor tells the picker about a call: the route, with
// its retry mode, and the hash of the sticky key.  It travels as one metadata
// value, "mb-call-bin".  The config selector removes the value from the call's
// metadata again, so the label never leaves the process.
//
// An interceptor may decide the route, the key or both.  The config selector
// decides what the label leaves open.
//
// An application, or a request that it proxies, may bring along an entry of the
// same name.  Each value therefore begins with a random 64-bit tag of this
// process, and a call that brings a value with another tag is refused.
//
// Cost: each call encodes and decodes one label.  Encoding a label costs one
// allocation and one copy.  Decoding allocates nothing and reads at fixed
// offsets.
//
// Threads: all functions are thread-safe.
//
//   // Once per route:
//   const std::string prefix = EncodeCallLabelPrefix(route);
//   // Per call:
//   metadata->Add(kCallLabelKey, EncodeCallLabel(prefix, hash));
//   absl::optional<CallLabel> label = DecodeCallLabel(value);
#ifndef MULTI_BACKEND_CALL_CALL_LABEL_H_
#define MULTI_BACKEND_CALL_CALL_LABEL_H_

#include <cstdint>
#include <string>

#include "absl/base/attributes.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// The metadata key, which is reserved for this library.  Because it ends in
// "-bin", gRPC does not check each byte of the value, which would cost more
// than making it.
constexpr absl::string_view kCallLabelKey = "mb-call-bin";

// The trails (observability/trail) that the application wants of the call; 0 =
// none.  Two are one too many, which both learn from their `status()`.
struct TrailIds {
  uint64_t first = 0;
  uint64_t second = 0;
};

// The views point into the encoded value, or to the strings from which the
// label was made.
struct CallLabel {
  // False: the interceptor has not decided the route.  The four members below
  // then have their defaults.
  bool route_decided = true;
  absl::string_view role;  // "" = the default strategy over all backends.
  WhenUnavailable when_unavailable = WhenUnavailable::kFail;
  absl::string_view fallback_role;  // Used with WhenUnavailable::kRole only.
  RetryMode retry = RetryMode::kDefault;
  // False: the interceptor has not decided whether there is a key.
  bool key_decided = false;
  absl::optional<uint64_t> key_hash;  // nullopt = no sticky key.
  TrailIds trails;
};

// Returns what `newer` decides, and of the rest what `older` decides; of trails
// those of both.
CallLabel CombineLabels(const CallLabel& older, const CallLabel& newer);

// Returns the part of the value that depends on the route alone, so that it is
// made once per route and not for each call.  Ignores the key.  Role names must
// be "" or satisfy IsValidRoleName(); the function aborts on any other name,
// because the name would end up in metadata.
std::string EncodeCallLabelPrefix(const CallLabel& label);

// Returns the whole value: `prefix`, from EncodeCallLabelPrefix(), completed
// with `key_hash`.  `key_decided` says whether nullopt means that the call has
// no key; a hash is always a decision.  The value's size is 19 bytes plus the
// role names, and 16 more if there are trails; any byte may occur in it.
std::string EncodeCallLabel(absl::string_view prefix,
                            absl::optional<uint64_t> key_hash,
                            bool key_decided = false,
                            const TrailIds& trails = {});

// Returns nullopt unless `value` carries this process's tag and is well formed.
// Several values with commas between them, as core joins the values of one key,
// are combined.
absl::optional<CallLabel> DecodeCallLabel(
    absl::string_view value ABSL_ATTRIBUTE_LIFETIME_BOUND);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_CALL_LABEL_H_
