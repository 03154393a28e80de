// The code of docs/registration.md.
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/examples/snippets/snippets.h"
#include "multi_backend/registrar.h"

namespace snippets {

// [registration_server]
absl::Status ServeListed(grpc::Service& service, const std::string& store,
                         const std::function<void()>& await_stop) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::UnavailableError("cannot listen");

  // The server listens, so clients may find it now.
  auto registrar = multi_backend::MakeRegistrar(
      store, multi_backend::Endpoint::Of("127.0.0.1", port));
  if (!registrar.ok()) return registrar.status();

  await_stop();

  // First leave the list, so that no new calls come; then let calls end.
  (*registrar)->Close();
  absl::SleepFor(absl::Milliseconds(500));  // Until all clients know it.
  server->Shutdown(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  return absl::OkStatus();
}
// [/registration_server]

absl::Status ListWithOptions(const std::string& store, uint16_t port) {
  // [registration_options]
  multi_backend::Endpoint endpoint =
      multi_backend::Endpoint::Of("10.0.0.1", port);
  endpoint.weight = 2000;     // Twice the default of 1000.
  endpoint.role = "replica";  // For routes.
  endpoint.zone = "eu-1";     // For `members` that select by zone.

  multi_backend::RegistrarOptions options;
  options.ttl = absl::Seconds(5);
  options.credentials_file = "/etc/app/store_password";  // user:password
  auto registrar = multi_backend::MakeRegistrar(store, endpoint, options);
  if (!registrar.ok()) return registrar.status();

  const absl::Status listed = (*registrar)->AwaitRegistered(absl::Seconds(10));
  if (!listed.ok()) std::cerr << "not listed yet: " << listed << std::endl;
  // [/registration_options]
  return listed;
}

}  // namespace snippets
