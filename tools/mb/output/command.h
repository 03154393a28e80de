// What the commands of mb have in common.
//
// A command adds itself to the application with its flags, and later runs as
// their callback:
//
//   void AddValidate(CLI::App& app, const Command& mb);
//
// A flag whose value is wrong throws CLI::ValidationError, which main() turns
// into kUsage.
#ifndef MULTI_BACKEND_TOOLS_MB_OUTPUT_COMMAND_H_
#define MULTI_BACKEND_TOOLS_MB_OUTPUT_COMMAND_H_

#include <cstddef>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multi_backend {
namespace mb {

enum class ExitCode {
  kOk = 0,
  kProblem = 1,  // What was asked about is not well, or could not be asked.
  kUsage = 2,    // The command line is wrong.
};

// Where a command reads and writes, and what main() returns.  All must outlive
// the application.
struct Command {
  std::istream* in = nullptr;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  ExitCode* exit_code = nullptr;

  // Prints "mb: WHAT" to `err`, made printable, and sets kProblem.
  void Fail(absl::string_view what) const;
};

// The largest file that a command reads: that of a service config.
constexpr size_t kMaxInputBytes = 1 << 20;

// The whole file, or standard input for "-".  NOT_FOUND and other errors name
// the file and say what is wrong; INVALID_ARGUMENT for one that is larger than
// kMaxInputBytes.
absl::StatusOr<std::string> ReadInput(const std::string& path,
                                      std::istream& in);

// Whether it is "/package.Service/Method".
bool IsMethodPath(absl::string_view path);

// The keys, in lower case, and the values of --header, each "KEY=VALUE".
// Throws for another form, and for what cannot be metadata of a call.
std::multimap<std::string, std::string> ParseHeaders(
    const std::vector<std::string>& headers);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_OUTPUT_COMMAND_H_
