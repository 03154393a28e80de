#include <sys/stat.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multi_backend/tools/mb/config/commands.h"
#include "multi_backend/tools/mb/config/explain.h"
#include "multi_backend/tools/mb/output/json.h"

namespace multi_backend {
namespace mb {
namespace {

struct Flags {
  std::string file;
  ExplainedCall call;
  std::vector<std::string> headers;
  std::string key;
  std::string backends;
  bool json = false;
};

// `backends` names a file that exists, or is a list.
absl::StatusOr<EndpointList> ReadBackends(const std::string& backends,
                                          std::istream& in) {
  struct stat file;
  const bool is_file = stat(backends.c_str(), &file) == 0;
  if (!is_file) {
    auto list = ParseBackendList(backends);
    if (list.ok()) return list;
    return absl::InvalidArgumentError(absl::StrCat(
        "--backends: there is no file ", backends,
        ", and it is no list of host:port either: ", list.status().message()));
  }
  const auto text = ReadInput(backends, in);
  if (!text.ok()) return text.status();
  auto list = ParseBackendDocument(*text);
  if (list.ok()) return list;
  return absl::InvalidArgumentError(
      absl::StrCat(backends, ": ", list.status().message()));
}

void Run(Flags& flags, bool has_key, const Command& mb) {
  const absl::Status method = CheckMethodPath(flags.call.method);
  if (!method.ok()) {
    throw CLI::ValidationError("--method", std::string(method.message()));
  }
  // The first value of a key counts, as in a call.
  const auto headers = ParseHeaders(flags.headers);
  flags.call.headers.insert(headers.begin(), headers.end());
  if (has_key) flags.call.key = flags.key;
  const auto config = ReadInput(flags.file, *mb.in);
  if (!config.ok()) return mb.Fail(config.status().message());
  EndpointList endpoints;
  if (!flags.backends.empty()) {
    auto read = ReadBackends(flags.backends, *mb.in);
    if (!read.ok()) return mb.Fail(read.status().message());
    endpoints = *std::move(read);
  }
  const auto explanation = Explain(*config, endpoints, flags.call);
  if (!explanation.ok()) {
    return mb.Fail(
        absl::StrCat(flags.file, ": ", explanation.status().message()));
  }
  *mb.out << (flags.json ? ToJson(*explanation)
                         : FormatExplanation(*explanation))
          << std::flush;
  // The call would find no backend.
  if (!explanation->backends().empty() &&
      explanation->backends(0).attempt() == 0) {
    *mb.exit_code = ExitCode::kProblem;
  }
}

}  // namespace

void AddExplain(CLI::App& app, const Command& mb) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* const command = app.add_subcommand(
      "explain", "Say what a configuration makes of one call, and why");
  command
      ->add_option("FILE", flags->file,
                   "The service config in JSON; - is standard input")
      ->required();
  command
      ->add_option("--method", flags->call.method, "As /package.Service/Method")
      ->required();
  command->add_option("--header", flags->headers,
                      "Metadata of the call, KEY=VALUE; may be repeated");
  CLI::Option* const key = command->add_option(
      "--key", flags->key,
      "The sticky key, where a request field or a function gives it");
  command->add_option(
      "--backends", flags->backends,
      "host:port,host:port, or a file as for file: targets; without it, the "
      "`backends` of the configuration");
  command->add_flag("--json", flags->json, "One JSON object");
  command->footer(
      "The order of the backends is that of one call while all are connected,\n"
      "healthy and idle.  FIRST is the share of calls that begin with it.\n"
      "\n"
      "Examples:\n"
      "  mb explain users.json --method /acme.Users/GetUser\n"
      "  mb explain users.json --method /acme.Users/GetUser --header user=7 "
      "\\\n"
      "     --backends 10.0.0.1:50051,10.0.0.2:50051");
  command->callback([flags, key, mb] { Run(*flags, key->count() > 0, mb); });
}

}  // namespace mb
}  // namespace multi_backend
