// TrackerBase: what core tells the LB policy about one attempt.
#ifndef MULTI_BACKEND_PORT_CORE_1_51_TRACKER_H_
#define MULTI_BACKEND_PORT_CORE_1_51_TRACKER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/port/core_1_51/headers.h"

namespace multi_backend {
namespace core {

// A call that was picked gets its stream at once.
inline constexpr bool kPickedCallsMayWait = false;

class TrackerBase
    : public grpc_core::LoadBalancingPolicy::SubchannelCallTrackerInterface {
 public:
  // Core 1.83 has no such call, so nothing may depend on it.
  void Start() final {}
};

// The trailing metadata of an attempt that ends.
class Trailers {
 public:
  explicit Trailers(const TrackerBase::FinishArgs& args)
      : metadata_(args.trailing_metadata) {}

  // False when core has none to show.
  bool has_value() const { return metadata_ != nullptr; }
  // The result is valid as long as the metadata and `buffer`.
  absl::optional<absl::string_view> Lookup(absl::string_view key,
                                           std::string* buffer) const {
    if (metadata_ == nullptr) return absl::nullopt;
    return metadata_->Lookup(key, buffer);
  }
  // Whether core says that nothing of the attempt was written.  This release
  // tells only filters, and each attempt reaches the stream filter.
  bool NeverWritten() const { return false; }
  // Sets one of gRPC's own keys, in the place of the present value.  Core's
  // retry filter and the caller then see that.  Requires has_value().  `value`
  // must live for ever.
  void Set(absl::string_view key, absl::string_view value) {
    metadata_->Add(key, value);
  }

 private:
  grpc_core::LoadBalancingPolicy::MetadataInterface* const metadata_;
};

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_51_TRACKER_H_
