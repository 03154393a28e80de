// DiscoveredEndpointGroup: the base of the sources whose data comes from
// outside of the program, such as files and DNS.
//
// It adds to DynamicEndpointGroup: the host names are not the application's
// own, last_error() says how old the list in use is, and Describe() shows the
// refused endpoints.
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_DISCOVERED_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_DISCOVERED_ENDPOINT_GROUP_H_

#include <chrono>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

// What an answer without any endpoint means.
enum class EmptyAnswer {
  kIsAList,       // There are no endpoints at present.
  kKeepsTheList,  // An error, since it is more likely a mistake than the truth.
};

class DiscoveredEndpointGroup : public DynamicEndpointGroup {
 public:
  bool names_are_configured() const override { return false; }
  // "line 3, column 7: expected ':' (the list in use is 12 s old)".
  absl::Status last_error() const override;
  // "file:///a.json (last error: …) (2 refused: …)".
  std::string Describe() const override;
  // What the latest answer had and the policy refused.
  Refusals refusals() const;

 protected:
  explicit DiscoveredEndpointGroup(EmptyAnswer empty) : empty_(empty) {}

  // Takes the latest answer.  One in which every endpoint was refused is an
  // error.  The callback of a watch may destroy the group during the call.
  void Publish(AdmittedEndpoints admitted);
  // Takes the error of the latest attempt; the list stays.
  void Fail(absl::Status error);

 private:
  using Clock = std::chrono::steady_clock;

  const EmptyAnswer empty_;
  mutable Mutex mu_;
  Refusals refusals_ ABSL_GUARDED_BY(mu_);
  absl::optional<Clock::time_point> last_good_ ABSL_GUARDED_BY(mu_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_DISCOVERED_ENDPOINT_GROUP_H_
