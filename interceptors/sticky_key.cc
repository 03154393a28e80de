#include "multi_backend/interceptors/sticky_key.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "multi_backend/interceptors/method_name.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace multi_backend {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::MethodDescriptor;

uint64_t HashStickyKey(absl::string_view key) {
  return XXH3_64bits(key.data(), key.size());
}

StickyRequestFields::StickyRequestFields(std::string path, Report report,
                                         const DescriptorPool* pool)
    : path_(std::move(path)),
      report_(std::move(report)),
      pool_(pool != nullptr ? pool : DescriptorPool::generated_pool()) {}

const RequestField* StickyRequestFields::ResolveAndRemember(
    absl::string_view full_method) const {
  const RequestField* field;
  std::string problem;
  {
    absl::MutexLock lock(&mu_);
    field = ResolveLocked(full_method, problem);
  }
  cache_.Insert(full_method, field);
  // Without the lock: the application's logger may make a call itself.
  if (!problem.empty() && report_ != nullptr) report_(problem);
  return field;
}

const RequestField* StickyRequestFields::ResolveLocked(
    absl::string_view full_method, std::string& problem) const {
  const MethodName name = SplitMethodName(full_method);
  const MethodDescriptor* method =
      pool_->FindMethodByName(absl::StrCat(name.service, ".", name.method));
  if (method == nullptr) {
    if (!reported_unknown_) {
      problem = absl::StrCat(
          "sticky key: no descriptor of ", full_method,
          " in this process, so its calls (and those of other unknown methods) "
          "have no key from request field \"",
          path_, "\"");
    }
    reported_unknown_ = true;
    return nullptr;
  }
  const Descriptor* type = method->input_type();
  const auto known = fields_.find(type);
  if (known != fields_.end()) return known->second.get();
  absl::StatusOr<RequestField> field = RequestField::Make(type, path_);
  if (!field.ok()) {
    problem = absl::StrCat("sticky key: calls with ", type->full_name(),
                           " have no key: ", field.status().message());
  }
  auto& slot = fields_[type];
  if (field.ok()) {
    slot = std::make_unique<const RequestField>(*std::move(field));
  }
  return slot.get();
}

}  // namespace multi_backend
