// Registration with core: once, before core is configured.
//
// No core header here, so that whoever wires the parts compiles cheaply.
#ifndef MULTI_BACKEND_PORT_REGISTRATION_H_
#define MULTI_BACKEND_PORT_REGISTRATION_H_

#include <vector>

#include "absl/status/status.h"

namespace multi_backend {

struct CoreBuilder;  // port/core_builder.h

// One part that registers something with core's configuration.
using CorePart = void (*)(CoreBuilder&);

// Registers `parts` with core.  The first call decides; later ones return its
// status.  FAILED_PRECONDITION (and a log line, no abort) when a channel or a
// server has been made in this process before, or when the gRPC that is loaded
// is not the one that this library was compiled for.  Thread-safe.
absl::Status RegisterWithCore(const std::vector<CorePart>& parts);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_REGISTRATION_H_
