#include "multi_backend/bench/calls/everything_on.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "multi_backend/bench/calls/die.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/multi_backend.h"

namespace multi_backend {
std::shared_ptr<grpc::Channel> EverythingOnChannel(
    const std::string& addresses, const std::string& config_file,
    std::vector<std::shared_ptr<MetricsSink>> sinks) {
  std::ostringstream json;
  json << std::ifstream(config_file).rdbuf();
  if (json.str().empty()) {
    Die("cannot read " + config_file);
  }
  EndpointList replicas;
  for (absl::string_view address : absl::StrSplit(addresses, ',')) {
    replicas.push_back(
        ValueOrDie(Endpoint::Parse(address)).WithRole("replica"));
  }
  DieUnlessOk(EndpointGroupRegistry::Register(
      "replicas", ValueOrDie(StaticEndpointGroup::Make(replicas))));
  ChannelOptions options;
  options.service_config_json = json.str();
  options.sinks = std::move(sinks);
  return ValueOrDie(CreateChannel("group:///replicas",
                                  grpc::InsecureChannelCredentials(),
                                  std::move(options)));
}

}  // namespace multi_backend
