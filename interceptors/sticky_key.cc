#include "multi_backend/interceptors/sticky_key.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "multi_backend/interceptors/method_name.h"
#include "multi_backend/interceptors/request_field.h"

namespace multi_backend {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::MethodDescriptor;

StickyRequestFields::StickyRequestFields(std::string path, Report report,
                                         const DescriptorPool* pool)
    : path_(std::move(path)),
      report_(std::move(report)),
      pool_(pool != nullptr ? pool : DescriptorPool::generated_pool()) {}

StickyRequestFields::~StickyRequestFields() = default;

const RequestField* StickyRequestFields::ResolveAndRemember(
    absl::string_view full_method) const {
  Resolution resolution;
  {
    MutexLock lock(&mu_);
    resolution = ResolveLocked(full_method);
  }
  cache_.Insert(full_method, resolution.field);
  // Report without the lock, because the application's logger may itself make a
  // call.
  if (!resolution.problem.empty() && report_ != nullptr) {
    report_(resolution.problem);
  }
  return resolution.field;
}

StickyRequestFields::Resolution StickyRequestFields::ResolveLocked(
    absl::string_view full_method) const {
  const MethodName name = SplitMethodName(full_method);
  const MethodDescriptor* method =
      pool_->FindMethodByName(absl::StrCat(name.service, ".", name.method));
  if (method == nullptr) {
    if (reported_unknown_) return {nullptr, ""};
    reported_unknown_ = true;
    return {nullptr,
            absl::StrCat("sticky key: this process has no descriptor of ",
                         full_method,
                         ", so calls of it (and of other unknown "
                         "methods) have no key from their requests")};
  }
  const Descriptor* type = method->input_type();
  const auto known = fields_.find(type);
  if (known != fields_.end()) return {known->second.get(), ""};
  absl::StatusOr<RequestField> field = RequestField::Make(type, path_);
  auto& slot = fields_[type];
  if (!field.ok()) return {nullptr, DescribeLocked(*type, field.status())};
  slot = std::make_unique<const RequestField>(*std::move(field));
  return {slot.get(), ""};
}

std::string StickyRequestFields::DescribeLocked(
    const Descriptor& type, const absl::Status& status) const {
  if (!absl::IsNotFound(status)) {
    return absl::StrCat("sticky key: calls with ", type.full_name(),
                        " have no key: ", status.message());
  }
  if (reported_absent_) return "";
  reported_absent_ = true;
  return absl::StrCat("sticky key: calls with ", type.full_name(),
                      " (and other requests without the field) have no key: ",
                      status.message());
}

}  // namespace multi_backend
