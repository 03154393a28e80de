// MakeAdminService(): what the status page shows and does, as a gRPC service.
//
//   auto monitor = multi_backend::Monitor::Create();
//   auto admin = multi_backend::MakeAdminService(monitor);
//   grpc::ServerBuilder builder;
//   builder.RegisterService(admin.get());  // The application's own server.
//
// The service is multi_backend.admin.v1.Admin of
// observability/admin/admin.proto.  It answers everyone whom the server lets
// in, so the server's credentials decide who that is.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_GRPC_ADMIN_SERVICE_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_GRPC_ADMIN_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "multi_backend/observability/admin/monitor.h"

namespace multi_backend {

struct AdminOptions {
  // Whether callers may mark, drain and weigh backends.
  bool enable_actions = false;
  // WatchEvents calls at a time.  Each one keeps a thread of the server.
  int max_watchers = 16;
};

// `monitor` must not be null.  The service must outlive the server.  A server
// with watchers ends them only when Shutdown() has a deadline.
std::unique_ptr<grpc::Service> MakeAdminService(
    std::shared_ptr<Monitor> monitor, AdminOptions options = {});

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_GRPC_ADMIN_SERVICE_H_
