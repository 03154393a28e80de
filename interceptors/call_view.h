// One call as the application's own sticky-key function sees it.
//
// A view is valid during the function's call only; what it returns points into
// the call.  The function runs in the thread that starts the call, before
// anything is sent, possibly in several threads at once (for several calls).
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

  // The first value of a metadata key (lower case) that the application set.
  virtual absl::optional<absl::string_view> GetMetadata(
      absl::string_view key) const = 0;

  // The first request message, serialized.  Costs its serialization (which
  // gRPC then need not do again) and, for large messages, a copy.  nullopt
  // when the message is not known before the call starts: client-side and
  // bidirectional streams send it later.
  virtual absl::optional<absl::string_view> serialized_request() const = 0;

 protected:
  explicit CallView(absl::string_view full_method)
      : full_method_(full_method) {}
  CallView(const CallView&) = default;
  CallView& operator=(const CallView&) = default;

 private:
  absl::string_view full_method_;
};

// The sticky key of a call; nullopt = no key, so any backend will do.  Any
// bytes and any length are fine: only a hash of the key travels.
using StickyKeyFunction =
    std::function<absl::optional<std::string>(const CallView&)>;

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_CALL_VIEW_H_
