#include "multi_backend/proto/config/parser/config_cache.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/hash/hash.h"

namespace multi_backend {
namespace {

// Null when `by_text` has no live value for `text`.
template <typename ByText>
auto Find(const ByText& by_text, absl::string_view text) {
  const auto found = by_text.values.find(text);
  return found == by_text.values.end() ? decltype(found->second.lock())()
                                       : found->second.lock();
}

// Stores `value` under `text`, unless another thread has stored one meanwhile.
// Returns the one that is stored now.
template <typename ByText, typename T>
std::shared_ptr<const T> Put(absl::string_view text,
                             std::shared_ptr<const T> value, ByText& by_text) {
  std::shared_ptr<const T> present = Find(by_text, text);
  if (present != nullptr) return present;
  by_text.values[text] = value;
  if (by_text.values.size() >= by_text.sweep_at) {
    absl::erase_if(by_text.values,
                   [](const auto& item) { return item.second.expired(); });
    by_text.sweep_at = std::max<size_t>(16, 2 * by_text.values.size());
  }
  return value;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ParsedConfig>> ConfigCache::Get(
    absl::string_view json) {
  {
    MutexLock lock(&mutex_);
    std::shared_ptr<const ParsedConfig> present = Find(configs_, json);
    if (present != nullptr) return present;
    ++parses_;
  }
  absl::StatusOr<ParsedConfig> parsed = ParseServiceConfig(json);
  if (!parsed.ok()) return parsed.status();
  auto config = std::make_shared<const ParsedConfig>(*std::move(parsed));
  Warn(json, config->warnings);
  MutexLock lock(&mutex_);
  return Put(json, std::move(config), configs_);
}

absl::StatusOr<std::shared_ptr<const PolicyConfig>> ConfigCache::GetPolicy(
    absl::string_view json) {
  {
    MutexLock lock(&mutex_);
    std::shared_ptr<const PolicyConfig> present = Find(policies_, json);
    if (present != nullptr) return present;
    ++parses_;
  }
  absl::StatusOr<PolicyConfig> parsed = ParsePolicyConfig(json);
  if (!parsed.ok()) return parsed.status();
  auto policy = std::make_shared<const PolicyConfig>(*std::move(parsed));
  MutexLock lock(&mutex_);
  return Put(json, std::move(policy), policies_);
}

void ConfigCache::AddPolicy(absl::string_view json,
                            std::shared_ptr<const PolicyConfig> policy) {
  MutexLock lock(&mutex_);
  Put(json, std::move(policy), policies_);
}

int64_t ConfigCache::parses() const {
  MutexLock lock(&mutex_);
  return parses_;
}

void ConfigCache::Warn(absl::string_view json,
                       const std::vector<LintWarning>& warnings) {
  if (warnings.empty()) return;
  {
    MutexLock lock(&mutex_);
    if (warned_.size() >= kMaxWarned) warned_.clear();
    if (!warned_.insert(absl::Hash<absl::string_view>()(json)).second) return;
  }
  warn_(warnings);
}

}  // namespace multi_backend
