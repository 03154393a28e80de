// TrackerBase: what core tells the LB policy about one attempt.
#ifndef MULTI_BACKEND_PORT_CORE_1_83_TRACKER_H_
#define MULTI_BACKEND_PORT_CORE_1_83_TRACKER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/port/core_1_83/headers.h"

namespace multi_backend {
namespace core {

using TrackerBase =
    grpc_core::LoadBalancingPolicy::SubchannelCallTrackerInterface;

// A call that was picked waits in its subchannel until the connection has a
// stream for it (gRFC A105).
inline constexpr bool kPickedCallsMayWait = true;

// LbMetadata has no function that changes what it shows.  An explicit template
// instantiation may name a private member ([temp.spec]/6), so this one makes it
// readable.
using LbMetadataBatch = grpc_metadata_batch* grpc_core::LbMetadata::*;
LbMetadataBatch GetLbMetadataBatch();
template <LbMetadataBatch kMember>
struct LbMetadataAccess {
  friend LbMetadataBatch GetLbMetadataBatch() { return kMember; }
};
template struct LbMetadataAccess<&grpc_core::LbMetadata::batch_>;

// The trailing metadata of an attempt that ends.
class Trailers {
 public:
  explicit Trailers(const TrackerBase::FinishArgs& args)
      : metadata_(args.trailing_metadata) {}

  // False when core has none to show.
  bool has_value() const { return batch() != nullptr; }
  // The result is valid as long as the metadata and `buffer`.
  absl::optional<absl::string_view> Lookup(absl::string_view key,
                                           std::string* buffer) const {
    if (metadata_ == nullptr) return absl::nullopt;
    return metadata_->Lookup(key, buffer);
  }
  // Whether core says that nothing of the attempt was written.  Core then
  // replays it without asking.
  bool NeverWritten() const {
    return has_value() && batch()->get(grpc_core::GrpcStreamNetworkState()) ==
                              grpc_core::GrpcStreamNetworkState::kNotSentOnWire;
  }
  // Sets one of gRPC's own keys, in the place of the present value.  Core's
  // retry filter and the caller then see that.  Requires has_value().  `value`
  // must live for ever.
  void Set(absl::string_view key, absl::string_view value) {
    batch()->Append(key, grpc_core::Slice::FromStaticString(value),
                    [](absl::string_view, const grpc_core::Slice&) {});
  }

 private:
  grpc_metadata_batch* batch() const {
    return metadata_ == nullptr ? nullptr
                                : static_cast<grpc_core::LbMetadata*>(metadata_)
                                          ->*GetLbMetadataBatch();
  }

  grpc_core::LoadBalancingPolicy::MetadataInterface* const metadata_;
};

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_83_TRACKER_H_
