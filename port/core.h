// What the adapters (*/grpc) include of gRPC's core: its classes, and in
// namespace core the concepts whose form differs between gRPC's releases.
// port/README.md says what each concept promises.  A folder port/core_<release>
// gives it that release's form.
//
// Requires: every file that includes this one is compiled with -UNDEBUG
// (tools/build_defs.bzl: core = True).  The distribution builds libgrpc without
// -DNDEBUG, and NDEBUG changes the members of core's classes.
#ifndef MULTI_BACKEND_PORT_CORE_H_
#define MULTI_BACKEND_PORT_CORE_H_

#ifdef NDEBUG
#error \
    "multi_backend: compile files that see gRPC's core with -UNDEBUG (mb_cc_library(core = True)): NDEBUG changes the layout of core's classes"
#endif

#ifdef _GLIBCXX_DEBUG
#error \
    "multi_backend: -D_GLIBCXX_DEBUG changes the layout of core's classes; compile without it"
#endif

#include <grpcpp/version_info.h>

#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR == 51
#include "multi_backend/port/core_1_51/core.h"
#elif GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR == 83
#include "multi_backend/port/core_1_83/core.h"
#else
#error \
    "multi_backend supports gRPC 1.51.1, the gRPC of Debian 12/13 and Ubuntu 24.04, and 1.83.0: install the distribution's libgrpc++-dev (tools/setup does)"
#endif

#endif  // MULTI_BACKEND_PORT_CORE_H_
