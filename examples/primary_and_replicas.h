// The servers of the quickstart and the dashboard, a primary and two replicas
// in processes of their own, and a channel to them.
#ifndef MULTI_BACKEND_EXAMPLES_PRIMARY_AND_REPLICAS_H_
#define MULTI_BACKEND_EXAMPLES_PRIMARY_AND_REPLICAS_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"

namespace examples {

// Indices in the fleet.
constexpr size_t kPrimary = 0;
constexpr size_t kKilledReplica = 1;
constexpr size_t kFrozenReplica = 2;

absl::StatusOr<std::unique_ptr<multi_backend::BackendFleet>>
StartPrimaryAndReplicas();

// Registers the fleet as the group "users" and returns a channel to it.  The
// service config of `options` is read from `config_file`.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannelTo(
    const multi_backend::BackendFleet& fleet, const std::string& config_file,
    multi_backend::ChannelOptions options);

}  // namespace examples

#endif  // MULTI_BACKEND_EXAMPLES_PRIMARY_AND_REPLICAS_H_
