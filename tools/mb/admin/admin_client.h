// AdminClient: asks an application about its channels, by the admin service
// over gRPC or by the status page over HTTP.  The messages are the same.
#ifndef MULTI_BACKEND_TOOLS_MB_ADMIN_ADMIN_CLIENT_H_
#define MULTI_BACKEND_TOOLS_MB_ADMIN_ADMIN_CLIENT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "multi_backend/observability/admin/action.h"
#include "multi_backend/observability/admin/admin.pb.h"

namespace multi_backend {
namespace mb {

struct AdminAddress {
  // "host:port" or "unix:/path" for gRPC, "http://host:port" or
  // "https://host:port" for the status page.
  std::string address;
  // Over gRPC: whether to use TLS.  A URL says so itself.
  bool tls = false;
  std::string ca_pem;  // Authorities in place of the system's; "" = those.
  std::string token;   // "" = none.
};

// Every call is bounded by 10 s, but for one that follows events, and every
// answer by 16 MiB.  A status says what could not be asked and what to do.
// Thread-compatible.
class AdminClient {
 public:
  virtual ~AdminClient() = default;

  // `target`: "" = all channels.
  virtual absl::StatusOr<admin::v1::Status> GetStatus(
      const std::string& target) = 0;
  virtual absl::StatusOr<admin::v1::Calls> GetCalls(
      const admin::v1::GetCallsRequest& request) = 0;
  // Calls `on_event` for each event, oldest first: with `kept_only` for those
  // that are kept now, else until the connection ends.
  virtual absl::Status WatchEvents(
      const admin::v1::WatchEventsRequest& request,
      const std::function<void(const admin::v1::Event&)>& on_event) = 0;
  virtual absl::StatusOr<admin::v1::ActionResult> Act(const Action& action) = 0;
};

// INVALID_ARGUMENT for an address that cannot be read, for one with a password
// in it, which is not shown, and for a token that would cross a network without
// TLS.  Does not connect yet.
absl::StatusOr<std::unique_ptr<AdminClient>> MakeAdminClient(
    const AdminAddress& address);

// The two kinds, for MakeAdminClient().
std::unique_ptr<AdminClient> MakeGrpcAdminClient(const AdminAddress& address);
std::unique_ptr<AdminClient> MakeHttpAdminClient(const AdminAddress& address);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_ADMIN_ADMIN_CLIENT_H_
