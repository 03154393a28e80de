// CallView: one call, as the sticky-key function of the application sees it.
//
// Lifetime: a view, and all string_views that it returns, are valid only until
// the function returns.
//
// Threads: the function may run on several threads at once, for different
// calls.  With CreateChannel() and MakeInterceptorFactory() it runs on the
// thread that starts the call, before anything is sent.  With Attach() there is
// no interceptor, so gRPC's config selector calls it: without the request, on a
// thread of gRPC or on that of the call, and under a lock of the channel.  It
// must return soon and make no gRPC calls there.
#ifndef MULTI_BACKEND_INTERCEPTORS_CALL_VIEW_H_
#define MULTI_BACKEND_INTERCEPTORS_CALL_VIEW_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/interceptors/method_name.h"

namespace multi_backend {

class CallView {
 public:
  virtual ~CallView() = default;

  // "/pkg.Service/Method"
  absl::string_view full_method() const { return full_method_; }
  // "pkg.Service"
  absl::string_view service() const {
    return SplitMethodName(full_method_).service;
  }
  // "Method"
  absl::string_view method() const {
    return SplitMethodName(full_method_).method;
  }

  // Returns the first value that the application set for the metadata key,
  // which must be in lower case.
  virtual absl::optional<absl::string_view> GetMetadata(
      absl::string_view key) const = 0;

  // Returns the first request message, serialized.  This costs the
  // serialization, which gRPC then need not repeat, and a copy if the message
  // is large.  Returns nullopt when the message is not known before the call
  // starts, because client-side and bidirectional streams send it later, and
  // always with Attach().
  virtual absl::optional<absl::string_view> serialized_request() const = 0;

 protected:
  explicit CallView(absl::string_view full_method)
      : full_method_(full_method) {}
  CallView(const CallView&) = default;
  CallView& operator=(const CallView&) = default;

 private:
  absl::string_view full_method_;
};

// Returns the sticky key of a call; nullopt = no key, so any backend will do.
// The key may have any bytes and any length, because only its hash is sent on.
using StickyKeyFunction =
    std::function<absl::optional<std::string>(const CallView&)>;

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_CALL_VIEW_H_
