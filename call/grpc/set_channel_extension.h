// ChannelObjects: what the application gives to its channels in C++, because
// JSON cannot say it.  SetChannelExtension() puts them into the channel args,
// from which the resolver and the LB policy take them.
//
// This header includes no core header, so that multi_backend.cc compiles
// quickly.
#ifndef MULTI_BACKEND_CALL_GRPC_SET_CHANNEL_EXTENSION_H_
#define MULTI_BACKEND_CALL_GRPC_SET_CHANNEL_EXTENSION_H_

#include <functional>
#include <memory>
#include <vector>

namespace grpc {
class ChannelArguments;
}  // namespace grpc

namespace multi_backend {

class AttemptClassifier;
class BackendPool;
class ConfigWarnings;
class MetricsSink;
class StickyKeySource;

struct ChannelObjects {
  std::shared_ptr<BackendPool> pool;  // Null: the channel makes its own.
  // Makes the channel's own pool; needed with sinks and without a pool.
  std::function<std::shared_ptr<BackendPool>()> make_pool;
  // Null: the status codes in the configuration decide which attempts may be
  // retried.
  std::shared_ptr<const AttemptClassifier> classifier;
  // Null: keys come from a header alone, because no interceptor of the library
  // and no function reads them.
  std::shared_ptr<StickyKeySource> sticky_keys;
  std::shared_ptr<ConfigWarnings> warnings;  // Null: they are only logged.
  // To whom the channel tells about its calls and backends; never null.
  std::vector<std::shared_ptr<MetricsSink>> sinks;
};

// `args` shares ownership of the objects.
void SetChannelExtension(ChannelObjects objects, grpc::ChannelArguments& args);

// The channel arg that SetChannelExtension() sets.
constexpr char kChannelExtensionArg[] = "multi_backend.channel_extension";

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_SET_CHANNEL_EXTENSION_H_
