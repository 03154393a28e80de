// The command that makes load: `mb press`.
#ifndef MULTI_BACKEND_TOOLS_MB_PRESS_COMMANDS_H_
#define MULTI_BACKEND_TOOLS_MB_PRESS_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "multi_backend/tools/mb/output/command.h"

namespace multi_backend {
namespace mb {

void AddPress(CLI::App& app, const Command& mb);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_PRESS_COMMANDS_H_
