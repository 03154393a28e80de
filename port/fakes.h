// What the fakes of core's classes need that differs between gRPC's releases:
// base classes with the functions that only one release has, and how a test
// makes what core makes in a program.  For tests and benches.
#ifndef MULTI_BACKEND_PORT_FAKES_H_
#define MULTI_BACKEND_PORT_FAKES_H_

#include "multi_backend/port/core.h"

#if GRPC_CPP_VERSION_MINOR == 51
#include "multi_backend/port/core_1_51/fakes.h"
#else
#include "multi_backend/port/core_1_83/fakes.h"
#endif

#endif  // MULTI_BACKEND_PORT_FAKES_H_
