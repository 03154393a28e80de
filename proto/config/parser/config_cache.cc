#include "multi_backend/proto/config/parser/config_cache.h"

#include <utility>

#include "absl/hash/hash.h"

namespace multi_backend {
namespace {

// Null when `map` has no live value for `text`.
template <typename Map>
auto Find(const Map& map, absl::string_view text) {
  const auto found = map.find(text);
  return found == map.end() ? decltype(found->second.lock())()
                            : found->second.lock();
}

// The value that `map` holds for `text` afterwards: `value`, or the one that
// another thread was quicker to put there.
template <typename Map, typename T>
std::shared_ptr<const T> Put(absl::string_view text,
                             std::shared_ptr<const T> value, Map& map) {
  std::shared_ptr<const T> present = Find(map, text);
  if (present != nullptr) return present;
  absl::erase_if(map, [](const auto& item) { return item.second.expired(); });
  map[text] = value;
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
    if (!warned_.insert(absl::Hash<absl::string_view>()(json)).second) return;
  }
  warn_(warnings);
}

}  // namespace multi_backend
