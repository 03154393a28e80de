#include <grpcpp/grpcpp.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "multi_backend/multi_backend.h"
#include "multi_backend/tools/mb/output/interruption.h"
#include "multi_backend/tools/mb/output/json.h"
#include "multi_backend/tools/mb/press/commands.h"
#include "multi_backend/tools/mb/press/press.h"
#include "multi_backend/tools/mb/press/tally.h"

namespace multi_backend {
namespace mb {
namespace {

struct Flags {
  std::string target;
  PressOptions press;
  double seconds = 10;
  double timeout_seconds = 10;
  std::vector<std::string> headers;
  std::string config;
  std::string payload;
  bool tls = false;
  std::string ca;
  bool json = false;
};

// Throws for a value that a call cannot have.
void Complete(Flags& flags) {
  if (!IsMethodPath(flags.press.method)) {
    throw CLI::ValidationError("--method",
                               "write it as /package.Service/Method");
  }
  flags.press.metadata = ParseHeaders(flags.headers);
  flags.press.duration = absl::Seconds(flags.seconds);
  flags.press.timeout = absl::Seconds(flags.timeout_seconds);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(const Flags& flags,
                                                       std::istream& in) {
  ChannelOptions options;
  if (!flags.config.empty()) {
    auto config = ReadInput(flags.config, in);
    if (!config.ok()) return config.status();
    options.service_config_json = *std::move(config);
  }
  std::shared_ptr<grpc::ChannelCredentials> credentials =
      grpc::InsecureChannelCredentials();
  if (flags.tls || !flags.ca.empty()) {
    grpc::SslCredentialsOptions tls;
    if (!flags.ca.empty()) {
      auto ca = ReadInput(flags.ca, in);
      if (!ca.ok()) return ca.status();
      tls.pem_root_certs = *std::move(ca);
    }
    credentials = grpc::SslCredentials(tls);
  }
  return CreateChannel(flags.target, credentials, std::move(options));
}

void Run(Flags& flags, const Command& mb) {
  Complete(flags);
  if (!flags.payload.empty()) {
    auto payload = ReadInput(flags.payload, *mb.in);
    if (!payload.ok()) return mb.Fail(payload.status().message());
    flags.press.payload = *std::move(payload);
  }
  const auto channel = Connect(flags, *mb.in);
  if (!channel.ok()) return mb.Fail(channel.status().message());
  const auto print = [&](const v1::PressReport& report) {
    *mb.out << (flags.json ? ToJson(report) : FormatReport(report))
            << std::flush;
  };
  const Interruption& interruption = Interruption::Install();
  const v1::PressReport total =
      Press(*channel, flags.press, print,
            [&interruption] { return interruption.happened(); });
  print(total);
  if (total.failed() > 0) *mb.exit_code = ExitCode::kProblem;
}

}  // namespace

void AddPress(CLI::App& app, const Command& mb) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* const command = app.add_subcommand(
      "press", "Make calls and show how they spread over the backends");
  command->add_option("TARGET", flags->target, "As for CreateChannel")
      ->required();
  command
      ->add_option("--method", flags->press.method,
                   "A unary method, /package.Service/Method")
      ->required();
  command->add_option("--config", flags->config,
                      "The service config in JSON; - is standard input");
  command->add_option("--payload", flags->payload,
                      "A file with the serialised request; without it, it is "
                      "empty");
  command->add_option("--header", flags->headers,
                      "Metadata of each call, KEY=VALUE; may be repeated");
  command
      ->add_option("--concurrency", flags->press.concurrency,
                   "Calls in flight, at most; 10 unless given")
      ->check(CLI::Range(1, 10000));
  command
      ->add_option("--qps", flags->press.qps,
                   "Calls a second, at most; 0, the default, is no limit")
      ->check(CLI::Range(0.0, 1e6));
  command
      ->add_option("--calls", flags->press.calls,
                   "Ends after so many calls; 0, the default, is no limit")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 50));
  command
      ->add_option("--seconds", flags->seconds,
                   "Ends after this time; 10 unless given")
      ->check(CLI::Range(0.001, 86400.0 * 365));
  command
      ->add_option("--timeout", flags->timeout_seconds,
                   "Deadline of each call in seconds; 10 unless given")
      ->check(CLI::Range(0.001, 3600.0));
  command->add_flag("--tls", flags->tls, "Connect by TLS");
  command->add_option("--ca", flags->ca,
                      "A PEM file of authorities, in place of the system's; "
                      "implies --tls");
  command->add_flag("--json", flags->json, "One JSON object for each second");
  command->footer(
      "A call counts for the backend that answered last.  (none) are calls "
      "that\n"
      "reached no backend.  Latencies are at most 5 % too large.  The exit "
      "code\n"
      "is 1 when a call failed.  The calls are real: press a service of your "
      "own.\n"
      "\n"
      "Examples:\n"
      "  mb press static:///127.0.0.1:50051,127.0.0.1:50052 \\\n"
      "     --method /grpc.health.v1.Health/Check --qps 100\n"
      "  mb press dns+txt:///users.example --config users.json \\\n"
      "     --method /acme.Users/GetUser --payload request.bin --seconds 60");
  command->callback([flags, mb] { Run(*flags, mb); });
}

}  // namespace mb
}  // namespace multi_backend
