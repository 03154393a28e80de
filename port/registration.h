// RegisterWithCore: registers the parts of the library (resolvers, LB policies)
// with core.  It must be called before core builds its configuration, which
// happens when the process makes its first channel or server.
//
// This header includes no core header, so that its users compile quickly.
#ifndef MULTI_BACKEND_PORT_REGISTRATION_H_
#define MULTI_BACKEND_PORT_REGISTRATION_H_

#include <vector>

#include "absl/status/status.h"

namespace multi_backend {

struct CoreBuilder;  // port/core_builder.h

// Registers one part of the library with the given builder.
using CorePart = void (*)(CoreBuilder&);

// Registers `parts` with core.  Only the first call in a process registers
// anything; later calls return the status of the first.  Returns
// FAILED_PRECONDITION and logs an error, but does not abort, when the process
// has already made a channel or a server, or when the loaded gRPC has another
// version than the one that the library was compiled for.  Thread-safe.
absl::Status RegisterWithCore(const std::vector<CorePart>& parts);

// Whether RegisterWithCore() has succeeded in this process.  Thread-safe.
bool IsRegisteredWithCore();

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_REGISTRATION_H_
