// ChannelExtension: the objects that CreateChannel() and Attach() pass to the
// resolver and the LB policy of a channel, in a single channel arg.  Channels
// whose args are copies of each other share one.
//
// The LB policy removes the arg before it makes subchannels.  Otherwise
// channels with equal settings would have different subchannel args and could
// not share connections.
#ifndef MULTI_BACKEND_CALL_GRPC_CHANNEL_EXTENSION_H_
#define MULTI_BACKEND_CALL_GRPC_CHANNEL_EXTENSION_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "multi_backend/call/grpc/set_channel_extension.h"
#include "multi_backend/port/core.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class ChannelRecord;

// Its pointers never change once it is in a channel arg.
class ChannelExtension final : public grpc_core::RefCounted<ChannelExtension>,
                               public ChannelObjects {
 public:
  static absl::string_view ChannelArgName() { return kChannelExtensionArg; }
  static int ChannelArgsCompare(const ChannelExtension* a,
                                const ChannelExtension* b) {
    return grpc_core::QsortCompare(a, b);
  }

  explicit ChannelExtension(ChannelObjects objects)
      : ChannelObjects(std::move(objects)) {}
};

// ChannelStore: keeps one object of the LB policy, and the record for
// observers, for as long as the channel lives.  Core destroys the policy itself
// when the channel goes idle.  The LB policy removes this arg, too, before it
// makes subchannels.
//
// Thread-safe.
class ChannelStore : public grpc_core::RefCounted<ChannelStore> {
 public:
  static absl::string_view ChannelArgName() {
    return "multi_backend.channel_store";
  }
  static int ChannelArgsCompare(const ChannelStore* a, const ChannelStore* b) {
    return grpc_core::QsortCompare(a, b);
  }

  // Returns the object, which the first call makes by `make`.  Every caller
  // must name the same type.
  template <typename T, typename Make>
  std::shared_ptr<T> Get(Make make) {
    MutexLock lock(&mutex_);
    if (object_ == nullptr) object_ = make();
    return std::static_pointer_cast<T>(object_);
  }

  // Returns the record.  The first call takes `made` for it.
  std::shared_ptr<ChannelRecord> Record(std::shared_ptr<ChannelRecord> made) {
    MutexLock lock(&mutex_);
    if (record_ == nullptr) record_.swap(made);
    return record_;
  }
  // Null before the first Record().
  std::shared_ptr<ChannelRecord> record() {
    MutexLock lock(&mutex_);
    return record_;
  }

 private:
  Mutex mutex_;
  std::shared_ptr<void> object_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<ChannelRecord> record_ ABSL_GUARDED_BY(mutex_);
};

// The name of the arg ChannelServiceConfig (resolver/grpc), set when the
// channel has a service config that configures multi_backend.
constexpr absl::string_view kServiceConfigArg = "multi_backend.service_config";

// An integer arg, set when the channel has a service config that does not
// configure multi_backend.  The resolver then returns no service config of its
// own, which would replace that one.
constexpr absl::string_view kForeignServiceConfigArg =
    "multi_backend.foreign_service_config";

// The scheme that CreateChannel() puts before targets of gRPC's own resolvers.
constexpr absl::string_view kWrappingScheme = "multi-backend";

// The target as observers are told it: as the application wrote it, without
// secrets; "" when the args have none.
std::string ReportedTarget(const grpc_core::ChannelArgs& args);

// The channel's sinks, which live as long as its extension.
const std::vector<std::shared_ptr<MetricsSink>>& SinksOf(
    const grpc_core::ChannelArgs& args);

// Returns the pool that the application gave the channel.  Without one, it
// returns the channel's own, which the first call makes by `make` and the
// channel keeps while it is idle.
std::shared_ptr<BackendPool> PoolOf(
    const grpc_core::ChannelArgs& args,
    const std::function<std::shared_ptr<BackendPool>()>& make);

// Returns the channel's record for its sinks, or null if it has no sinks.  The
// first call makes the record and hands it to the sinks.
std::shared_ptr<ChannelRecord> RecordOf(const grpc_core::ChannelArgs& args);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_CHANNEL_EXTENSION_H_
