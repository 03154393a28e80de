// StickyRequestFields: finds the field of a method's requests that holds the
// sticky key.
#ifndef MULTI_BACKEND_INTERCEPTORS_STICKY_KEY_H_
#define MULTI_BACKEND_INTERCEPTORS_STICKY_KEY_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multi_backend/interceptors/method_cache.h"
#include "multi_backend/sync/mutex.h"

namespace google {
namespace protobuf {
class Descriptor;
class DescriptorPool;
}  // namespace protobuf
}  // namespace google

namespace multi_backend {

class RequestField;  // request_field.h

// The request type of a method comes from the descriptors that are linked into
// the process.  A call has no key when the type of its method is unknown, when
// its request has no such field (which is common: a list request has no user
// id), or when the field cannot be a key.  The first method of each of the
// first two kinds is reported, and each request type of the third.
//
// Cost: for a method seen before, one hash and one comparison, without a lock.
//
// Threads: all functions are thread-safe.
class StickyRequestFields {
 public:
  // Receives a message about a method without a key.  Called on the thread of a
  // call.
  using Report = std::function<void(absl::string_view message)>;

  // `path` is field names joined by dots.  `pool` must outlive this object;
  // null = the pool of the process.
  StickyRequestFields(std::string path, Report report,
                      const google::protobuf::DescriptorPool* pool = nullptr);
  ~StickyRequestFields();

  StickyRequestFields(const StickyRequestFields&) = delete;
  StickyRequestFields& operator=(const StickyRequestFields&) = delete;

  // Returns the field in the requests of "/pkg.Service/Method", or nullptr for
  // a method without a key.  The pointer is valid as long as this object.
  const RequestField* Find(absl::string_view full_method) const {
    const RequestField* const* cached = cache_.Find(full_method);
    return cached != nullptr ? *cached : ResolveAndRemember(full_method);
  }

 private:
  const RequestField* ResolveAndRemember(absl::string_view full_method) const;
  struct Resolution {
    const RequestField* field;
    std::string problem;  // To be reported; "" = nothing.
  };
  Resolution ResolveLocked(absl::string_view full_method) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Says why `type` has no key; "" = that has been reported already.
  std::string DescribeLocked(const google::protobuf::Descriptor& type,
                             const absl::Status& status) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  const Report report_;
  const google::protobuf::DescriptorPool* const pool_;
  mutable MethodCache<const RequestField*> cache_;

  mutable Mutex mu_;
  // Keyed by request type, so the pool bounds its size.  Null for a type
  // without a key.
  mutable std::map<const google::protobuf::Descriptor*,
                   std::unique_ptr<const RequestField>>
      fields_ ABSL_GUARDED_BY(mu_);
  mutable bool reported_unknown_ ABSL_GUARDED_BY(mu_) = false;
  mutable bool reported_absent_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_STICKY_KEY_H_
