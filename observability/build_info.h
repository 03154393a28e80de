// What the metrics and the admin service say about the build.
//
// //tests/version checks the library's version against the public header.
#ifndef MULTI_BACKEND_OBSERVABILITY_BUILD_INFO_H_
#define MULTI_BACKEND_OBSERVABILITY_BUILD_INFO_H_

namespace multi_backend {

constexpr char kLibraryVersion[] = "0.2.0";

// The release of gRPC that the library is compiled for: "1.51" or "1.83".
extern const char kGrpcVersion[];

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_BUILD_INFO_H_
