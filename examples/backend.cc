// The backend of the examples and tests: a gRPC server that can be told to
// fail, to wait or to hang.  `backend --help` lists the flags.
//
// Once it serves, it prints the line "LISTENING <port>".  With --control it
// prints "CONTROL <port>" before that.  Exits with 0 on SIGTERM or SIGINT, and
// with 1 when it cannot serve.
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "multi_backend/examples/backend_model.h"
#include "multi_backend/examples/users_service.h"

namespace {

struct Flags {
  std::string host = "127.0.0.1";
  int port = 0;
  bool control = false;
  pid_t parent = 0;
  int max_concurrent_streams = 0;
  bool no_health_service = false;
  std::string tls_key;
  std::string tls_cert;
  bool fail_before_first_response = false;
  bool fail_after_first_response = false;
  examples::BackendModel::Options model{"backend", "", ""};
  examples::users::v1::Behaviour behaviour;
};

// CLI11 writes to plain variables, so callbacks set the protobuf fields.
void AddBehaviourFlags(CLI::App* app, Flags* flags) {
  auto* behaviour = &flags->behaviour;
  app->add_option_function<std::string>(
      "--fail-code",
      [=](const std::string& name) { behaviour->set_fail_code(name); },
      "Answer with this status, as UNAVAILABLE");
  app->add_option_function<int64_t>(
      "--fail-every", [=](int64_t n) { behaviour->set_fail_every(n); },
      "With --fail-code: only every Nth call");
  auto* before = app->add_flag(
      "--fail-before-first-response", flags->fail_before_first_response,
      "With --fail-code: streams fail before their first response (default)");
  app->add_flag("--fail-after-first-response", flags->fail_after_first_response,
                "With --fail-code: streams fail after their first response")
      ->excludes(before);
  app->add_option_function<int64_t>(
      "--delay-ms", [=](int64_t ms) { behaviour->set_delay_ms(ms); },
      "Wait this long before each answer");
  app->add_flag_function(
      "--hang", [=](int64_t count) { behaviour->set_hang(count > 0); },
      "Never answer");
  app->add_flag_function(
      "--not-serving",
      [=](int64_t count) { behaviour->set_not_serving(count > 0); },
      "grpc.health.v1 says NOT_SERVING; calls go on as told");
  app->add_option_function<int64_t>(
      "--workers", [=](int64_t n) { behaviour->set_workers(n); },
      "Work on N calls at a time; others wait (default: no limit)");
  app->add_option_function<std::string>(
      "--pushback-ms",
      [=](const std::string& text) { behaviour->set_pushback_ms(text); },
      "Trailing metadata grpc-retry-pushback-ms of failures; gRPC sends what "
      "is "
      "no number as a negative one");
}

void AddServerFlags(CLI::App* app, Flags* flags) {
  app->add_option("--host", flags->host, "IP address to listen on");
  app->add_option("--port", flags->port, "0 = the system chooses");
  app->add_option("--name", flags->model.name, "Stated in answers");
  app->add_option("--role", flags->model.role, "Stated in GetStats");
  app->add_option("--dump-metadata", flags->model.metadata_dump,
                  "Append all metadata of each call to this file");
  app->add_flag("--control", flags->control,
                "Serve on a second port too, without TLS, for BackendControl");
  app->add_option("--parent", flags->parent,
                  "Process id of the parent: die when it does");
  app->add_option("--max-concurrent-streams", flags->max_concurrent_streams,
                  "Per connection; 0 = gRPC's default");
  app->add_flag("--no-health-service", flags->no_health_service,
                "Without grpc.health.v1");
  auto* key = app->add_option("--tls-key", flags->tls_key, "PEM file")
                  ->check(CLI::ExistingFile);
  app->add_option("--tls-cert", flags->tls_cert, "PEM file, with its chain")
      ->check(CLI::ExistingFile)
      ->needs(key);
}

std::string ReadFile(const std::string& path) {
  std::ostringstream contents;
  contents << std::ifstream(path).rdbuf();
  return contents.str();
}

std::shared_ptr<grpc::ServerCredentials> Credentials(const Flags& flags) {
  if (flags.tls_key.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back(
      {ReadFile(flags.tls_key), ReadFile(flags.tls_cert)});
  return grpc::SslServerCredentials(options);
}

// A parent that is killed cannot stop its children, so the kernel does it.
bool DieWithParent(pid_t parent) {
  if (parent == 0) return true;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have ended before prctl().
  return getppid() == parent;
}

// Makes the health service report the model's health, for the server as a whole
// and for the users service.
void ReportHealth(examples::BackendModel* model,
                  grpc::HealthCheckServiceInterface* health) {
  if (health == nullptr) return;
  model->WatchServing([health](bool serving) {
    health->SetServingStatus("", serving);
    health->SetServingStatus(examples::users::v1::Users::service_full_name(),
                             serving);
  });
}

int Serve(const Flags& flags, const sigset_t& stop_signals) {
  grpc::ServerBuilder builder;
  // By default two servers can share a port.  Here that would be a mistake, so
  // the second one fails.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  if (flags.max_concurrent_streams > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                               flags.max_concurrent_streams);
    // Servers with gRPC 1.83 otherwise refuse a stream below the limit, too,
    // until they have released the memory of one that has ended.
    builder.AddChannelArgument("grpc.http.overload_protection", 0);
  }
  int port = 0;
  builder.AddListeningPort(absl::StrCat(flags.host, ":", flags.port),
                           Credentials(flags), &port);
  int control_port = 0;
  if (flags.control) {
    builder.AddListeningPort(absl::StrCat(flags.host, ":0"),
                             grpc::InsecureServerCredentials(), &control_port);
  }
  grpc::EnableDefaultHealthCheckService(!flags.no_health_service);
  examples::BackendModel model(flags.model);
  const absl::Status accepted = model.SetBehaviour(flags.behaviour);
  if (!accepted.ok()) {
    std::cerr << accepted.message() << std::endl;
    return 1;
  }
  examples::UsersService users(&model);
  examples::BackendControlService control(&model);
  builder.RegisterService(&users);
  builder.RegisterService(&control);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    std::cerr << "cannot listen on " << flags.host << ":" << flags.port
              << std::endl;
    return 1;
  }
  ReportHealth(&model, server->GetHealthCheckService());
  if (flags.control) std::cout << "CONTROL " << control_port << std::endl;
  std::cout << "LISTENING " << port << std::endl;

  int signal_number = 0;
  sigwait(&stop_signals, &signal_number);
  model.ShutDown();
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("A users backend that can be told to fail");
  AddServerFlags(&app, &flags);
  AddBehaviourFlags(&app, &flags);
  CLI11_PARSE(app, argc, argv);
  if (flags.fail_after_first_response) {
    flags.behaviour.set_fail_when(
        examples::users::v1::Behaviour::AFTER_FIRST_RESPONSE);
  }
  if (!DieWithParent(flags.parent)) return 1;

  // Blocks the signals before the first thread starts.  All threads inherit
  // that, so only sigwait() gets the signals.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  sigaddset(&stop_signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  return Serve(flags, stop_signals);
}
