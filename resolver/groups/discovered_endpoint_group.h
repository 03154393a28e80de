// DiscoveredEndpointGroup: the base of the sources whose data comes from
// outside of the program: files, DNS, ….
//
// On top of DynamicEndpointGroup: its endpoints' names are not the
// application's own, last_error() says how old the list is that is kept, and
// Describe() shows what was refused.
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_DISCOVERED_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_DISCOVERED_ENDPOINT_GROUP_H_

#include <chrono>
#include <mutex>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"

namespace multi_backend {

// What an answer without any endpoint means.
enum class EmptyAnswer {
  kIsAList,       // There are none just now.
  kKeepsTheList,  // An error: more often a mistake than the truth.
};

class DiscoveredEndpointGroup : public DynamicEndpointGroup {
 public:
  bool names_are_configured() const override { return false; }
  // "line 3, column 7: expected ':' (the list in use is 12 s old)".
  absl::Status last_error() const override;
  // "file:///a.json (last error: …) (2 refused: …)".
  std::string Describe() const override;
  // Of the newest answer.
  Refusals refusals() const;

 protected:
  explicit DiscoveredEndpointGroup(EmptyAnswer empty) : empty_(empty) {}

  // The newest answer.  One with nothing but refused endpoints is an error.
  // A watch's callback may destroy the group in here.
  void Publish(AdmittedEndpoints admitted);
  // The newest attempt failed; the list stays.
  void Fail(absl::Status error);

 private:
  using Clock = std::chrono::steady_clock;

  const EmptyAnswer empty_;
  mutable std::mutex mu_;
  Refusals refusals_ ABSL_GUARDED_BY(mu_);
  absl::optional<Clock::time_point> last_good_ ABSL_GUARDED_BY(mu_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_DISCOVERED_ENDPOINT_GROUP_H_
