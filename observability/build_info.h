// What the metrics and the admin service say about the build.
//
// //tests/version checks the first against the public header, and
// port/core.h compiles with no other gRPC than the second.
#ifndef MULTI_BACKEND_OBSERVABILITY_BUILD_INFO_H_
#define MULTI_BACKEND_OBSERVABILITY_BUILD_INFO_H_

namespace multi_backend {

constexpr char kLibraryVersion[] = "0.2.0";
constexpr char kGrpcVersion[] = "1.51";

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_BUILD_INFO_H_
