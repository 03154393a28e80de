// The channels of a client of //bench:peers, as its flags say.
#ifndef MULTI_BACKEND_BENCH_PEERS_CLIENT_CLIENT_CHANNELS_H_
#define MULTI_BACKEND_BENCH_PEERS_CLIENT_CLIENT_CHANNELS_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

namespace multi_backend {

struct ChannelFlags {
  std::string target;
  std::string service_config;
  // Application channels, each with connections of its own if there are
  // several.
  int channels = 1;
  // Whether the process registers the library, which then has a filter in the
  // channels of other policies, too.
  bool library = false;
  // The path of everything_on.json: the channel is EverythingOnChannel() with
  // metrics, and `target` has addresses only.
  std::string everything_on;
  // Whether the channels are set up to notice faults: SetReconnectBackoff()
  // and, without the library, which probes instead, SetKeepalive().
  bool faults = false;
  // Whether the channels share connections, as the channels of an application
  // do that does not ask for anything else.
  bool shared = false;
  // Whether the target is one of PushingResolver.
  bool pushed = false;
};

// Ends the program on an error.
std::vector<std::shared_ptr<grpc::Channel>> MakeChannels(
    const ChannelFlags& flags);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PEERS_CLIENT_CLIENT_CHANNELS_H_
