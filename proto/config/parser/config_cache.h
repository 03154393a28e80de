// ConfigCache: parses each text of a configuration once, although several parts
// of one channel ask for it.
//
// CreateChannel(), the interceptor and the resolver read the whole service
// config.  gRPC passes the policy's part of it to the policy factory, and does
// so again whenever it gets a service config.  All of them share one immutable
// object.  The cache holds only weak pointers, so a text is parsed again after
// its last user is gone.  Errors are not kept.
//
// Cost: one lookup.  Texts whose users are gone are forgotten when the number
// of texts has doubled, so they never outnumber the others by much.
// Thread-safe; no lock is held during parsing, so threads that ask for one new
// text at the same time may each parse it.
#ifndef MULTI_BACKEND_PROTO_CONFIG_PARSER_CONFIG_CACHE_H_
#define MULTI_BACKEND_PROTO_CONFIG_PARSER_CONFIG_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/config/parser/parser.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class ConfigCache {
 public:
  // Receives the warnings of a service config, which are not empty.
  using WarningSink =
      std::function<void(const std::vector<LintWarning>& warnings)>;

  // `warn` is called once for each text, however often the text is parsed.
  explicit ConfigCache(WarningSink warn) : warn_(std::move(warn)) {}

  // As ParseServiceConfig().
  absl::StatusOr<std::shared_ptr<const ParsedConfig>> Get(
      absl::string_view json);

  // As ParsePolicyConfig(), or the policy that AddPolicy() has given.
  absl::StatusOr<std::shared_ptr<const PolicyConfig>> GetPolicy(
      absl::string_view json);

  // Tells that `policy`, which is part of a whole service config, is what
  // GetPolicy(json) would parse.
  void AddPolicy(absl::string_view json,
                 std::shared_ptr<const PolicyConfig> policy);

  // How many texts have been parsed so far, for tests.
  int64_t parses() const;

 private:
  template <typename T>
  struct ByText {
    absl::flat_hash_map<std::string, std::weak_ptr<const T>> values;
    size_t sweep_at = 16;  // The size at which values that are gone go, too.
  };

  static constexpr size_t kMaxWarned = 10000;

  void Warn(absl::string_view json, const std::vector<LintWarning>& warnings);

  const WarningSink warn_;
  mutable Mutex mutex_;
  ByText<ParsedConfig> configs_ ABSL_GUARDED_BY(mutex_);
  ByText<PolicyConfig> policies_ ABSL_GUARDED_BY(mutex_);
  // Hashes of the texts whose warnings were passed on.  A text itself may be
  // large, and would stay for the life of the process.  When there are
  // kMaxWarned, all are forgotten, and a warning may come again.
  absl::flat_hash_set<size_t> warned_ ABSL_GUARDED_BY(mutex_);
  int64_t parses_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_PARSER_CONFIG_CACHE_H_
