#include <grpcpp/support/validate_service_config.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "multi_backend/tools/mb/config/commands.h"
#include "multi_backend/tools/mb/config/validate.h"
#include "multi_backend/tools/mb/output/json.h"
#include "multi_backend/tools/mb/output/text.h"

namespace multi_backend {
namespace mb {
namespace {

struct Flags {
  std::vector<std::string> files;
  ValidateOptions options;
  bool json = false;
};

void Run(const Flags& flags, const Command& mb) {
  for (const std::string& file : flags.files) {
    const absl::StatusOr<std::string> text = ReadInput(file, *mb.in);
    if (!text.ok()) {
      mb.Fail(text.status().message());
      continue;
    }
    const v1::Validation validation =
        Validate(file == "-" ? "standard input" : file, *text, flags.options,
                 grpc::experimental::ValidateServiceConfigJSON);
    *mb.out << (flags.json ? ToJson(validation) : FormatValidation(validation))
            << std::flush;
    if (!validation.ok()) *mb.exit_code = ExitCode::kProblem;
  }
}

}  // namespace

void AddValidate(CLI::App& app, const Command& mb) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* const command =
      app.add_subcommand("validate", "Say what is wrong with a service config");
  command
      ->add_option("FILE", flags->files,
                   "Service configs in JSON; - is standard input")
      ->required();
  command->add_flag(
      "--strict", flags->options.strict,
      "Unknown keys are errors, and a warning makes the exit code 1");
  command->add_flag("--json", flags->json, "One JSON object for each file");
  command->footer(
      "Examples:\n"
      "  mb validate users.json\n"
      "  mb validate --strict deploy/*.json   # In CI.\n"
      "  kubectl get cm users -o 'jsonpath={.data.config}' | mb validate -");
  command->callback([flags, mb] { Run(*flags, mb); });
}

}  // namespace mb
}  // namespace multi_backend
