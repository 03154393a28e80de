#include "multi_backend/bench/calls/everything_on.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/multi_backend.h"

namespace multi_backend {
namespace {

void DieUnlessOk(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

template <typename T>
T ValueOrDie(absl::StatusOr<T> value) {
  DieUnlessOk(value.status());
  return *std::move(value);
}

}  // namespace

std::shared_ptr<grpc::Channel> EverythingOnChannel(
    const std::string& addresses, const std::string& config_file,
    std::vector<std::shared_ptr<MetricsSink>> sinks) {
  std::ostringstream json;
  json << std::ifstream(config_file).rdbuf();
  if (json.str().empty()) {
    DieUnlessOk(absl::NotFoundError("cannot read " + config_file));
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
