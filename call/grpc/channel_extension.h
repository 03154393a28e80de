// ChannelExtension: what CreateChannel hands to our resolver and LB policy of
// one channel, as one channel arg.
//
// It is taken off again before subchannels are made, so that channels with
// equal settings still share their connections.
#ifndef MULTI_BACKEND_CALL_GRPC_CHANNEL_EXTENSION_H_
#define MULTI_BACKEND_CALL_GRPC_CHANNEL_EXTENSION_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class BackendPool;
class AttemptClassifier;

class ChannelExtension : public grpc_core::RefCounted<ChannelExtension> {
 public:
  static absl::string_view ChannelArgName() {
    return "multi_backend.channel_extension";
  }
  static int ChannelArgsCompare(const ChannelExtension* a,
                                const ChannelExtension* b) {
    return grpc_core::QsortCompare(a, b);
  }

  ChannelExtension(std::shared_ptr<BackendPool> shared_pool,
                   std::shared_ptr<const AttemptClassifier> attempt_classifier)
      : pool(std::move(shared_pool)),
        classifier(std::move(attempt_classifier)) {}

  const std::shared_ptr<BackendPool> pool;  // Null: one of the channel's own.
  // Null: the status codes of the configuration decide.
  const std::shared_ptr<const AttemptClassifier> classifier;
};

// A copy of the channel's service config JSON, when it speaks of us.  Core
// takes its own arg away before it makes the resolver, and our resolver has to
// return a service config for its config selector to be used.
constexpr absl::string_view kServiceConfigArg = "multi_backend.service_config";

// Set (integer) when the channel has a service config that does not speak of
// us: our resolver then must not put another in its place.
constexpr absl::string_view kForeignServiceConfigArg =
    "multi_backend.foreign_service_config";

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_CHANNEL_EXTENSION_H_
