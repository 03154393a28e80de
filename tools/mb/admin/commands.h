// The commands that ask an application, or tell it what to do: `mb status`,
// `calls`, `events`, `top`, `mark`, `unmark`, `drain`, `undrain`, `weight` and
// `reconnect`.
#ifndef MULTI_BACKEND_TOOLS_MB_ADMIN_COMMANDS_H_
#define MULTI_BACKEND_TOOLS_MB_ADMIN_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "multi_backend/tools/mb/admin/admin_client.h"
#include "multi_backend/tools/mb/output/command.h"

namespace multi_backend {
namespace mb {

void AddStatus(CLI::App& app, const Command& mb);
void AddCalls(CLI::App& app, const Command& mb);
void AddEvents(CLI::App& app, const Command& mb);
void AddActions(CLI::App& app, const Command& mb);
void AddTop(CLI::App& app, const Command& mb);

// The flags that all of them have.
struct AdminFlags {
  std::string address;
  std::string target;
  bool tls = false;
  std::string ca;
  std::string token_file;
  bool json = false;
};

void AddAdminFlags(CLI::App& command, AdminFlags& flags);

// Reads the files that the flags name.  Without --token-file, the token is that
// of the file in the environment variable MULTI_BACKEND_ADMIN_TOKEN_FILE, if it
// is set.
absl::StatusOr<std::unique_ptr<AdminClient>> Connect(const AdminFlags& flags,
                                                     const Command& mb);

// The lines of --help about the address and the token.
extern const char kAddressHelp[];

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_ADMIN_COMMANDS_H_
