// From a sticky key to the number that travels, and from a method to the
// request field that holds its key.
#ifndef MULTI_BACKEND_INTERCEPTORS_STICKY_KEY_H_
#define MULTI_BACKEND_INTERCEPTORS_STICKY_KEY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "multi_backend/interceptors/method_cache.h"
#include "multi_backend/interceptors/request_field.h"

namespace multi_backend {

// The key's hash: the same number in every process, on every machine and in
// every release, or the clients of one service would disagree about a key's
// backend.  All 64 bits are uniform, and any bytes of any length are fine.  It
// is XXH3 with seed 0.
uint64_t HashStickyKey(absl::string_view key);

// The configured request field in the request type of every method.
//
// A method's request type comes from the descriptors that are linked into the
// process.  Calls of a method whose type is unknown here, whose request has no
// such field (which is common: a list request has no user id), or where the
// field cannot be a key, simply carry no key.  The first method of each of the
// first two kinds is reported, and each request type of the third.
//
// Cost: a method seen before is one hash and one comparison, without a lock.
// Threads: all functions are thread-safe.
class StickyRequestFields {
 public:
  // Told about methods without key; called in the thread of a call.
  using Report = std::function<void(absl::string_view message)>;

  // `path`: dotted names of fields.  `pool` outlives this object; null = the
  // process's own.
  StickyRequestFields(std::string path, Report report,
                      const google::protobuf::DescriptorPool* pool = nullptr);

  StickyRequestFields(const StickyRequestFields&) = delete;
  StickyRequestFields& operator=(const StickyRequestFields&) = delete;

  // The field in the requests of "/pkg.Service/Method", or nullptr for a method
  // without key; valid as long as this object.
  const RequestField* Find(absl::string_view full_method) const {
    const RequestField* const* cached = cache_.Find(full_method);
    return cached != nullptr ? *cached : ResolveAndRemember(full_method);
  }

 private:
  const RequestField* ResolveAndRemember(absl::string_view full_method) const;
  struct Resolution {
    const RequestField* field;
    std::string problem;  // To report; "" = nothing.
  };
  Resolution ResolveLocked(absl::string_view full_method) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Why a type has no key, or "" if that has been said.
  std::string DescribeLocked(const google::protobuf::Descriptor& type,
                             const absl::Status& status) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  const Report report_;
  const google::protobuf::DescriptorPool* const pool_;
  mutable MethodCache<const RequestField*> cache_;

  mutable std::mutex mu_;  // As in method_cache.h.
  // By request type, so bounded by the pool; null for a type without key.
  mutable std::map<const google::protobuf::Descriptor*,
                   std::unique_ptr<const RequestField>>
      fields_ ABSL_GUARDED_BY(mu_);
  mutable bool reported_unknown_ ABSL_GUARDED_BY(mu_) = false;
  mutable bool reported_absent_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_STICKY_KEY_H_
