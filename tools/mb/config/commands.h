// The commands that read a service config and nothing else: `mb validate` and
// `mb explain`.
#ifndef MULTI_BACKEND_TOOLS_MB_CONFIG_COMMANDS_H_
#define MULTI_BACKEND_TOOLS_MB_CONFIG_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "multi_backend/tools/mb/output/command.h"

namespace multi_backend {
namespace mb {

void AddValidate(CLI::App& app, const Command& mb);
void AddExplain(CLI::App& app, const Command& mb);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_CONFIG_COMMANDS_H_
