#include "multi_backend/observability/channel/channel_record.h"

#include "absl/strings/str_cat.h"

namespace multi_backend {

void ChannelRecord::SetPolicyPart(const void* policy,
                                  std::shared_ptr<const PolicyPart> part,
                                  bool last) {
  // The old part is destroyed without the lock: that may take locks of
  // backends.
  MutexLock lock(&mutex_);
  if (last && policy_part_ != nullptr && policy_ != policy) return;
  policy_part_.swap(part);
  policy_ = policy;
}

void ChannelRecord::OnResolverStarted(
    std::function<std::string()> newest_error) {
  MutexLock lock(&mutex_);
  ++resolvers_;
  newest_error_.swap(newest_error);
}

void ChannelRecord::OnResolverStopped() {
  std::function<std::string()> stopped;  // Destroyed without the lock.
  MutexLock lock(&mutex_);
  if (--resolvers_ == 0) newest_error_.swap(stopped);
}

void ChannelRecord::OnList(uint64_t endpoints, absl::Time now) {
  MutexLock lock(&mutex_);
  ++resolver_.updates;
  resolver_.endpoints = endpoints;
  resolver_.last_success = now;
  resolver_.last_error.clear();
}

void ChannelRecord::OnResolverError(absl::string_view error) {
  MutexLock lock(&mutex_);
  ++resolver_.errors;
  resolver_.last_error = std::string(error.substr(0, kMaxErrorBytes));
}

void ChannelRecord::SetConfiguration(Configuration configuration) {
  std::shared_ptr<const Configuration> newest =
      std::make_shared<const Configuration>(std::move(configuration));
  MutexLock lock(&mutex_);
  configuration_.swap(newest);
}

ChannelStatus ChannelRecord::Status() const {
  ChannelStatus status;
  std::shared_ptr<const PolicyPart> policy;
  std::shared_ptr<const Configuration> configuration;
  std::function<std::string()> newest_error;
  bool resolving = false;
  {
    MutexLock lock(&mutex_);
    policy = policy_part_;
    configuration = configuration_;
    newest_error = newest_error_;
    status.resolver = resolver_;
    resolving = resolvers_ > 0;
  }
  status.target = target_;
  status.resolver.target = target_;
  if (configuration != nullptr) {
    status.config_json = configuration->json;
    status.warnings = configuration->warnings;
    if (configuration->routes != nullptr) {
      status.routes = configuration->routes();
    }
  }
  if (newest_error != nullptr) {
    const std::string error = newest_error();
    if (!error.empty()) {
      status.resolver.last_error = error.substr(0, kMaxErrorBytes);
    }
  }
  if (policy != nullptr) policy->WriteTo(status);
  if (status.state.empty()) {
    status.state = !resolving                           ? "IDLE"
                   : status.resolver.last_error.empty() ? "CONNECTING"
                                                        : "TRANSIENT_FAILURE";
  }
  return status;
}

std::string TargetWithoutSecrets(absl::string_view target) {
  const size_t scheme_end = target.find("://");
  if (scheme_end == absl::string_view::npos) return std::string(target);
  const size_t begin = scheme_end + 3;
  const absl::string_view authority =
      target.substr(begin, target.find('/', begin) - begin);
  const size_t at = authority.rfind('@');
  if (at == absl::string_view::npos) return std::string(target);
  return absl::StrCat(target.substr(0, begin), "***",
                      target.substr(begin + at));
}

}  // namespace multi_backend
