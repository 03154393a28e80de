// DiscoveryStore: a place on this machine that tells where backends are, of one
// of the kinds that multi_backend follows, started for the demonstration.
//
// One thread.
#ifndef MULTI_BACKEND_EXAMPLES_DISCOVERY_STORE_H_
#define MULTI_BACKEND_EXAMPLES_DISCOVERY_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace examples {

class DiscoveryStore {
 public:
  // How to install the server of `source`; "" when it is installed.
  static std::string HowToInstall(absl::string_view source);
  // `source`: "file", "dns", "zookeeper" or "etcd", whose server is installed.
  static absl::StatusOr<std::unique_ptr<DiscoveryStore>> Start(
      absl::string_view source);
  virtual ~DiscoveryStore() = default;

  // What a channel is made for.
  virtual std::string target() const = 0;
  // From now on the list is this one, "host:port" each.
  virtual absl::Status Set(const std::vector<std::string>& addresses) = 0;
  // Away, and back with its list.
  virtual void TakeAway() = 0;
  virtual absl::Status BringBack() = 0;
};

}  // namespace examples

#endif  // MULTI_BACKEND_EXAMPLES_DISCOVERY_STORE_H_
