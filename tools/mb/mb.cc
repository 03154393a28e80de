// mb: the command line of multi_backend.  `mb --help` lists its commands.
//
// Exits with 0 when all is well, 1 when a problem was found, and 2 when the
// command line is wrong.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>

#include "absl/status/status.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tools/mb/admin/commands.h"
#include "multi_backend/tools/mb/config/commands.h"
#include "multi_backend/tools/mb/output/command.h"
#include "multi_backend/tools/mb/press/commands.h"
#include "multi_backend/tools/mb/resolve/commands.h"

namespace {

using multi_backend::mb::Command;
using multi_backend::mb::ExitCode;

// `bazel run` starts a program among its runfiles, and says where the user has
// run it.  The paths of the command line are relative to that.
bool EnterUsersDirectory() {
  const char* const directory = std::getenv("BUILD_WORKING_DIRECTORY");
  char here[PATH_MAX] = "";
  if (directory == nullptr || getcwd(here, sizeof(here)) == nullptr ||
      std::strstr(here, ".runfiles/") == nullptr || chdir(directory) == 0) {
    return true;
  }
  const absl::Status problem = absl::ErrnoToStatus(errno, directory);
  fprintf(stderr, "mb: BUILD_WORKING_DIRECTORY: %s\n",
          std::string(problem.message()).c_str());
  return false;
}

int Main(int argc, char** argv) {
  ExitCode exit_code = ExitCode::kOk;
  const Command mb{&std::cin, &std::cout, &std::cerr, &exit_code};
  const absl::Status registered = multi_backend::Register();
  if (!registered.ok()) {
    mb.Fail(registered.message());
    return static_cast<int>(exit_code);
  }
  CLI::App app{
      "See what multi_backend does with a configuration, a list of backends\n"
      "or an application.\n"
      "Exit codes: 0 all is well, 1 a problem was found, 2 wrong usage.",
      "mb"};
  app.set_version_flag("--version", std::string(multi_backend::Version()));
  app.require_subcommand(1);
  multi_backend::mb::AddValidate(app, mb);
  multi_backend::mb::AddExplain(app, mb);
  multi_backend::mb::AddResolve(app, mb);
  multi_backend::mb::AddPress(app, mb);
  multi_backend::mb::AddStatus(app, mb);
  multi_backend::mb::AddCalls(app, mb);
  multi_backend::mb::AddEvents(app, mb);
  multi_backend::mb::AddActions(app, mb);
  multi_backend::mb::AddTop(app, mb);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and the version are no errors; everything else is the user's.
    return app.exit(error) == 0 ? static_cast<int>(ExitCode::kOk)
                                : static_cast<int>(ExitCode::kUsage);
  }
  return static_cast<int>(exit_code);
}

}  // namespace

int main(int argc, char** argv) {
  // `mb events … | head` ends by a failed write, not by a message.
  signal(SIGPIPE, SIG_DFL);
  if (!EnterUsersDirectory()) return static_cast<int>(ExitCode::kUsage);
  try {
    return Main(argc, argv);
  } catch (const std::exception& error) {
    // CLI11 throws when an option is declared in a way that it does not allow.
    fprintf(stderr, "mb: %s\n", error.what());
    return static_cast<int>(ExitCode::kProblem);
  }
}
