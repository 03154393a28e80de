// How parts of the library are registered with core.
#ifndef MULTI_BACKEND_PORT_CORE_1_51_REGISTRATION_H_
#define MULTI_BACKEND_PORT_CORE_1_51_REGISTRATION_H_

#include <functional>
#include <utility>

#include "multi_backend/port/core_1_51/headers.h"

namespace multi_backend {
namespace core {

// The minor release of gRPC that this folder is for.
constexpr char kRelease[] = "1.51";

using Builder = grpc_core::CoreConfiguration::Builder;

// Core runs `part` when it builds its configuration.
inline void RegisterBuilder(std::function<void(Builder*)> part) {
  grpc_core::CoreConfiguration::RegisterBuilder(std::move(part));
}

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_51_REGISTRATION_H_
