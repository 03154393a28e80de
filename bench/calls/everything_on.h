// EverythingOnChannel(): the channel that benches call "everything on": routes,
// roles, a sticky key and failover, as bench/everything_on.json configures
// them.
#ifndef MULTI_BACKEND_BENCH_CALLS_EVERYTHING_ON_H_
#define MULTI_BACKEND_BENCH_CALLS_EVERYTHING_ON_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "multi_backend/observability.h"

namespace multi_backend {

// To replicas at `addresses`, which commas separate.  `config_file` is where
// everything_on.json is.  Register() has been called.  To be called once in a
// process.  Ends the program on an error.
std::shared_ptr<grpc::Channel> EverythingOnChannel(
    const std::string& addresses, const std::string& config_file,
    std::vector<std::shared_ptr<MetricsSink>> sinks);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_CALLS_EVERYTHING_ON_H_
