// The code of docs/status_page.md.
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "multi_backend/examples/snippets/snippets.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"

namespace snippets {

absl::StatusOr<ShownChannel> CreateShownChannel(const std::string& target,
                                                const Credentials& creds,
                                                const std::string& address) {
  // [status_page]
  auto monitor = multi_backend::Monitor::Create();
  multi_backend::ChannelOptions options;
  options.sinks.push_back(monitor);  // Each channel that the page shows.
  auto channel =
      multi_backend::CreateChannel(target, creds, std::move(options));
  if (!channel.ok()) return channel.status();

  multi_backend::StatusOptions status_options;
  status_options.monitor = monitor;
  status_options.address = address;  // "127.0.0.1:8080"
  auto server = multi_backend::ServeStatus(std::move(status_options));
  if (!server.ok()) return server.status();  // It says what to do.
  // [/status_page]
  return ShownChannel{*channel, monitor, *std::move(server)};
}

std::unique_ptr<grpc::Service> AddAdminService(
    const std::shared_ptr<multi_backend::Monitor>& monitor,
    grpc::ServerBuilder& builder) {
  // [status_admin_service]
  std::unique_ptr<grpc::Service> admin =
      multi_backend::MakeAdminService(monitor);
  builder.RegisterService(admin.get());
  // [/status_admin_service]
  return admin;
}

}  // namespace snippets
