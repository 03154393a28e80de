// The command that runs a source of endpoints: `mb resolve`.
#ifndef MULTI_BACKEND_TOOLS_MB_RESOLVE_COMMANDS_H_
#define MULTI_BACKEND_TOOLS_MB_RESOLVE_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "multi_backend/tools/mb/output/command.h"

namespace multi_backend {
namespace mb {

void AddResolve(CLI::App& app, const Command& mb);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_RESOLVE_COMMANDS_H_
