// A server that lists itself in a store, so that clients find it without being
// configured: registered_backend TARGET [NAME], where TARGET is for example
// "etcd://127.0.0.1:2379/services/users/" or
// "zookeeper://127.0.0.1:2181/services/users".
//
// Clients use the same target: hello_create_channel TARGET.
#include <grpcpp/grpcpp.h>
#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <iostream>
#include <memory>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/examples/backend_model.h"
#include "multi_backend/examples/users_service.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/registrar.h"

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::cerr << "usage: registered_backend TARGET [NAME]" << std::endl;
    return 1;
  }
  // Blocks the signals before the first thread starts, so that only sigwait()
  // below gets them.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  sigaddset(&stop_signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

  examples::BackendModel model({argc == 3 ? argv[2] : "registered", "", ""});
  examples::UsersService users(&model);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(&users);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) return 1;

  // The server is up, so clients may find it from now on.
  auto registrar = multi_backend::MakeRegistrar(
      argv[1], multi_backend::Endpoint::Of("127.0.0.1", port));
  if (!registrar.ok()) {
    std::cerr << registrar.status() << std::endl;
    return 1;
  }
  // The wait is only for the message.  The registrar keeps trying as long as
  // the server runs.
  const absl::Status listed = (*registrar)->AwaitRegistered(absl::Seconds(10));
  std::cout << "port " << port << " listed: " << listed << std::endl;

  int signal_number = 0;
  sigwait(&stop_signals, &signal_number);
  // Leaves the list first, and waits until the clients know it, so that no new
  // calls arrive.  Then the calls that are running may end.
  (*registrar)->Close();
  absl::SleepFor(absl::Milliseconds(500));
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
  return 0;
}
