#include <stdlib.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/tools/mb/admin/commands.h"
#include "multi_backend/tools/mb/admin/views.h"
#include "multi_backend/tools/mb/output/json.h"

namespace multi_backend {
namespace mb {
namespace {

constexpr char kTokenFileVariable[] = "MULTI_BACKEND_ADMIN_TOKEN_FILE";

struct StatusFlags : AdminFlags {
  bool check = false;
};

struct CallsFlags : AdminFlags {
  admin::v1::GetCallsRequest request;
  uint32_t limit = 20;
};

struct EventsFlags : AdminFlags {
  uint64_t after = 0;
  bool follow = false;
};

void RunStatus(const StatusFlags& flags, const Command& mb) {
  const auto client = Connect(flags, mb);
  if (!client.ok()) return mb.Fail(client.status().message());
  const auto status = (*client)->GetStatus(flags.target);
  if (!status.ok()) return mb.Fail(status.status().message());
  *mb.out << (flags.json ? ToJson(*status) : FormatStatus(*status))
          << std::flush;
  if (!flags.target.empty() && status->channels().empty()) {
    return mb.Fail(absl::StrCat("no channel has the target ", flags.target));
  }
  if (flags.check && HasProblem(*status)) *mb.exit_code = ExitCode::kProblem;
}

void RunCalls(CallsFlags& flags, const Command& mb) {
  const auto client = Connect(flags, mb);
  if (!client.ok()) return mb.Fail(client.status().message());
  flags.request.set_target(flags.target);
  flags.request.set_limit(flags.limit);
  const auto calls = (*client)->GetCalls(flags.request);
  if (!calls.ok()) return mb.Fail(calls.status().message());
  *mb.out << (flags.json ? ToJson(*calls) : FormatCalls(*calls)) << std::flush;
}

void RunEvents(const EventsFlags& flags, const Command& mb) {
  const auto client = Connect(flags, mb);
  if (!client.ok()) return mb.Fail(client.status().message());
  admin::v1::WatchEventsRequest request;
  request.set_target(flags.target);
  request.set_after(flags.after);
  request.set_kept_only(!flags.follow);
  const absl::Status status =
      (*client)->WatchEvents(request, [&](const admin::v1::Event& event) {
        *mb.out << (flags.json ? ToJson(event) : FormatEvent(event))
                << std::flush;
      });
  if (!status.ok()) mb.Fail(status.message());
}

}  // namespace

const char kAddressHelp[] =
    "ADDR is host:port of the admin service, or http://host:port of the "
    "status\n"
    "page.  A token is read from --token-file, or else from the file that\n"
    "MULTI_BACKEND_ADMIN_TOKEN_FILE names.\n";

void AddAdminFlags(CLI::App& command, AdminFlags& flags) {
  command
      .add_option("ADDR", flags.address, "The admin service or the status page")
      ->required();
  command.add_option("--target", flags.target,
                     "Only the channels to this target");
  command.add_flag("--tls", flags.tls, "The admin service has TLS");
  command.add_option("--ca", flags.ca,
                     "A PEM file of authorities, in place of the system's; "
                     "implies --tls");
  command.add_option("--token-file", flags.token_file,
                     "A file with the token in its one line");
  command.add_flag("--json", flags.json, "The message as JSON");
}

absl::StatusOr<std::unique_ptr<AdminClient>> Connect(const AdminFlags& flags,
                                                     const Command& mb) {
  AdminAddress address;
  address.address = flags.address;
  address.tls = flags.tls;
  if (!flags.ca.empty()) {
    auto ca = ReadInput(flags.ca, *mb.in);
    if (!ca.ok()) return ca.status();
    address.ca_pem = *std::move(ca);
  }
  std::string token_file = flags.token_file;
  const char* const variable = getenv(kTokenFileVariable);
  if (token_file.empty() && variable != nullptr) token_file = variable;
  if (!token_file.empty()) {
    const auto token = ReadInput(token_file, *mb.in);
    if (!token.ok()) return token.status();
    address.token = std::string(absl::StripAsciiWhitespace(*token));
    for (const char c : address.token) {
      if (absl::ascii_isgraph(static_cast<unsigned char>(c))) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          token_file, ": the token must be one line of printable ASCII"));
    }
  }
  return MakeAdminClient(address);
}

void AddStatus(CLI::App& app, const Command& mb) {
  const auto flags = std::make_shared<StatusFlags>();
  CLI::App* const command = app.add_subcommand(
      "status", "Show an application's channels and backends");
  AddAdminFlags(*command, *flags);
  command->add_flag("--check", flags->check,
                    "Exit code 1 when a backend is not ALIVE, a balancer is in "
                    "panic or a list could not be read");
  command->footer(absl::StrCat(kAddressHelp,
                               "\n"
                               "Examples:\n"
                               "  mb status 127.0.0.1:9090\n"
                               "  mb status http://127.0.0.1:8080 --json\n"
                               "  mb status 127.0.0.1:9090 --check || page"));
  command->callback([flags, mb] { RunStatus(*flags, mb); });
}

void AddCalls(CLI::App& app, const Command& mb) {
  const auto flags = std::make_shared<CallsFlags>();
  CLI::App* const command = app.add_subcommand(
      "calls", "Show an application's recent calls, with their attempts");
  AddAdminFlags(*command, *flags);
  command->add_option("--limit", flags->limit,
                      "So many at most; 20 unless given, 0 is all");
  command->add_flag_function(
      "--failed",
      [flags](int64_t) { flags->request.set_failed_or_retried_only(true); },
      "Only those that failed or were retried");
  command->footer(absl::StrCat(kAddressHelp,
                               "\n"
                               "Examples:\n"
                               "  mb calls 127.0.0.1:9090 --failed\n"
                               "  mb calls http://127.0.0.1:8080 --limit 0 "
                               "--json"));
  command->callback([flags, mb] { RunCalls(*flags, mb); });
}

void AddEvents(CLI::App& app, const Command& mb) {
  const auto flags = std::make_shared<EventsFlags>();
  CLI::App* const command = app.add_subcommand(
      "events", "Show what happened to an application's backends");
  AddAdminFlags(*command, *flags);
  command->add_option("--after", flags->after,
                      "Only events with a larger number");
  command->add_flag("--follow", flags->follow,
                    "Go on and print each new event, until ^C");
  command->footer(absl::StrCat(kAddressHelp,
                               "\n"
                               "Examples:\n"
                               "  mb events 127.0.0.1:9090 --follow\n"
                               "  mb events http://127.0.0.1:8080 --json"));
  command->callback([flags, mb] { RunEvents(*flags, mb); });
}

}  // namespace mb
}  // namespace multi_backend
