#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "multi_backend/tools/mb/admin/commands.h"
#include "multi_backend/tools/mb/admin/views.h"
#include "multi_backend/tools/mb/output/json.h"

namespace multi_backend {
namespace mb {
namespace {

struct ActionFlags : AdminFlags {
  Action action;
};

void Run(ActionFlags& flags, const Command& mb) {
  const auto client = Connect(flags, mb);
  if (!client.ok()) return mb.Fail(client.status().message());
  flags.action.target = flags.target;
  const auto result = (*client)->Act(flags.action);
  if (!result.ok()) return mb.Fail(result.status().message());
  *mb.out << (flags.json ? ToJson(*result) : FormatResult(*result))
          << std::flush;
}

// Adds a command for `kind`; its further flags are the caller's.
std::pair<CLI::App*, std::shared_ptr<ActionFlags>> AddAction(
    CLI::App& app, const Command& mb, ActionKind kind, const std::string& name,
    const std::string& what, const std::string& example) {
  const auto flags = std::make_shared<ActionFlags>();
  flags->action.kind = kind;
  CLI::App* const command = app.add_subcommand(name, what);
  AddAdminFlags(*command, *flags);
  command
      ->add_option("BACKEND", flags->action.backend,
                   "Its address or its name, as `mb status` shows it")
      ->required();
  command->add_option("--reason", flags->action.reason,
                      "For the event that the action leaves");
  command->footer(absl::StrCat("The application must have turned actions on.\n",
                               kAddressHelp, "\nExample:\n  ", example));
  command->callback([flags, mb] { Run(*flags, mb); });
  return {command, flags};
}

}  // namespace

void AddActions(CLI::App& app, const Command& mb) {
  AddAction(app, mb, ActionKind::kMarkUnhealthy, "mark",
            "Take a backend out of use until unmark",
            "mb mark 127.0.0.1:9090 10.0.0.2:50051 --reason 'disk is full'");
  AddAction(app, mb, ActionKind::kMarkHealthy, "unmark",
            "End a mark, or a DOWN that calls or probes caused",
            "mb unmark 127.0.0.1:9090 10.0.0.2:50051");
  const auto [drain, drain_flags] =
      AddAction(app, mb, ActionKind::kDrain, "drain",
                "Send a backend no new calls, and let those in flight end",
                "mb drain 127.0.0.1:9090 10.0.0.2:50051 --timeout 30");
  drain
      ->add_option_function<double>(
          "--timeout",
          [flags = drain_flags](double seconds) {
            flags->action.timeout = absl::Seconds(seconds);
          },
          "Seconds that calls in flight may go on; 30 unless given")
      ->check(CLI::Range(0.0, 86400.0 * 365));
  AddAction(app, mb, ActionKind::kUndrain, "undrain", "End a drain",
            "mb undrain 127.0.0.1:9090 10.0.0.2:50051");
  const auto [weight, weight_flags] =
      AddAction(app, mb, ActionKind::kSetWeight, "weight",
                "Set a backend's weight, or return to the listed one",
                "mb weight 127.0.0.1:9090 10.0.0.2:50051 500");
  CLI::Option* const value =
      weight->add_option("WEIGHT", weight_flags->action.weight, "1 to 1000000")
          ->check(CLI::Range(1, 1'000'000));
  CLI::Option* const reset = weight->add_flag_function(
      "--reset",
      [flags = weight_flags](int64_t) {
        flags->action.kind = ActionKind::kResetWeight;
      },
      "Return to the weight that discovery gives");
  reset->excludes(value);
  weight->parse_complete_callback([value, reset] {
    if (value->count() + reset->count() > 0) return;
    throw CLI::RequiredError("WEIGHT or --reset");
  });
  AddAction(app, mb, ActionKind::kResetBackoff, "reconnect",
            "Connect a backend again at once, without the delay after failures",
            "mb reconnect 127.0.0.1:9090 10.0.0.2:50051");
}

}  // namespace mb
}  // namespace multi_backend
