#include "multi_backend/interceptors/sticky_key_source.h"

#include <utility>

namespace multi_backend {

StickyKeySource::StickyKeySource(Reader reader, StickyKeyFunction function,
                                 StickyRequestFields::Report report)
    : reader_(reader),
      function_(std::move(function)),
      report_(std::move(report)) {}

void StickyKeySource::SetRequestField(absl::string_view path) {
  MutexLock lock(&mutex_);
  // Another object would resolve every method, and report its problems, again.
  if (path == path_) return;
  path_ = std::string(path);
  fields_ = path.empty()
                ? nullptr
                : std::make_shared<const StickyRequestFields>(path_, report_);
  has_fields_.store(fields_ != nullptr, std::memory_order_release);
}

std::shared_ptr<const StickyRequestFields> StickyKeySource::request_fields()
    const {
  if (!has_fields_.load(std::memory_order_acquire)) return nullptr;
  MutexLock lock(&mutex_);
  return fields_;
}

}  // namespace multi_backend
