// StickyKeySource: where the sticky keys of one channel come from, as far as
// the channel's service config does not name a header.  The channel's
// interceptor and its config selector share one.
//
// The application's function never changes.  The request field follows the
// configuration, which a resolver may replace while calls are made.
//
// Threads: all functions are thread-safe.
#ifndef MULTI_BACKEND_INTERCEPTORS_STICKY_KEY_SOURCE_H_
#define MULTI_BACKEND_INTERCEPTORS_STICKY_KEY_SOURCE_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "multi_backend/interceptors/call_view.h"
#include "multi_backend/interceptors/sticky_key.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class StickyKeySource {
 public:
  // Who reads the keys.  Only an interceptor sees the requests.
  enum class Reader { kInterceptor, kConfigSelector };

  // `function` may be null; otherwise it replaces the request field and the
  // header.  `report` is that of StickyRequestFields.
  StickyKeySource(Reader reader, StickyKeyFunction function,
                  StickyRequestFields::Report report);

  StickyKeySource(const StickyKeySource&) = delete;
  StickyKeySource& operator=(const StickyKeySource&) = delete;

  Reader reader() const { return reader_; }
  const StickyKeyFunction& function() const { return function_; }

  // `path` is that of StickyRequestFields; "" = the configuration names no
  // request field.
  void SetRequestField(absl::string_view path);

  // Null when the configuration names no request field.  That takes no lock,
  // because every call of a channel without such a field asks.
  std::shared_ptr<const StickyRequestFields> request_fields() const;

 private:
  const Reader reader_;
  const StickyKeyFunction function_;
  const StickyRequestFields::Report report_;
  std::atomic<bool> has_fields_{false};
  mutable Mutex mutex_;
  std::string path_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const StickyRequestFields> fields_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_STICKY_KEY_SOURCE_H_
