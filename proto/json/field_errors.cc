#include "multi_backend/proto/json/field_errors.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

constexpr size_t kMaxValueSize = 40;

}  // namespace

std::string FieldPath(absl::string_view parent, absl::string_view name) {
  return parent.empty() ? std::string(name) : absl::StrCat(parent, ".", name);
}

std::string ElementPath(absl::string_view parent, size_t index) {
  return absl::StrCat(parent, "[", index, "]");
}

std::string KeyPath(absl::string_view parent, absl::string_view key) {
  return absl::StrCat(parent, "[", Quoted(key, kMaxKeySize), "]");
}

std::string QuotedValue(absl::string_view value) {
  return Quoted(value, kMaxValueSize);
}

std::string NotOneOf(absl::string_view value, absl::string_view names) {
  return absl::StrCat(QuotedValue(value), " is not one of ", names);
}

void FieldErrors::AddUnreadable(absl::string_view path,
                                absl::string_view what) {
  unreadable_.emplace(path);
  errors_[std::string(path)].emplace_back(what);
}

void FieldErrors::Add(absl::string_view path, absl::string_view what) {
  if (!IsUnreadable(path)) errors_[std::string(path)].emplace_back(what);
}

bool FieldErrors::IsUnreadable(absl::string_view path) const {
  if (unreadable_.empty()) return false;
  if (unreadable_.contains(path)) return true;
  for (size_t i = 0; i < path.size(); ++i) {
    if ((path[i] == '.' || path[i] == '[') &&
        unreadable_.contains(path.substr(0, i))) {
      return true;
    }
  }
  return false;
}

std::string FieldErrors::ToString() const {
  std::vector<std::string> parts;
  for (const auto& [path, whats] : errors_) {
    if (parts.size() == kMaxNamedFields) {
      parts.push_back(absl::StrCat("and ", errors_.size() - kMaxNamedFields,
                                   " more fields"));
      break;
    }
    parts.push_back(whats.size() == 1
                        ? absl::StrCat("field:", path, " error:", whats[0])
                        : absl::StrCat("field:", path, " errors:[",
                                       absl::StrJoin(whats, "; "), "]"));
  }
  return absl::StrJoin(parts, "; ");
}

absl::Status FieldErrors::ToStatus() const {
  if (empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "errors validating multi_backend config: [", ToString(), "]"));
}

}  // namespace multi_backend
