// SplitMethodName: splits a gRPC method path into service and method.
#ifndef MULTI_BACKEND_INTERCEPTORS_METHOD_NAME_H_
#define MULTI_BACKEND_INTERCEPTORS_METHOD_NAME_H_

#include "absl/strings/string_view.h"

namespace multi_backend {

// Both views point into the path from which they were made.
struct MethodName {
  absl::string_view service;  // Full: "pkg.Service".
  absl::string_view method;   // Short: "Method".
};

// Splits "/pkg.Service/Method".  Generic stubs may call any path: a path
// without a slash is a method without a service, and a service may contain
// slashes.
inline MethodName SplitMethodName(absl::string_view path) {
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return {absl::string_view(), path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_METHOD_NAME_H_
