#include "multi_backend/bench/instructions.h"

#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multi_backend/bench/calls/die.h"

namespace multi_backend {
namespace {

constexpr char kValgrind[] = "/usr/bin/valgrind";

}  // namespace

bool ValgrindIsInstalled() { return access(kValgrind, X_OK) == 0; }

double CountInstructions(const std::vector<std::string>& command,
                         const std::string& function) {
  const std::string within =
      function.empty()
          ? ""
          : absl::StrCat("--collect-atstart=no '--toggle-collect=", function,
                         "' ");
  const std::string line = absl::StrCat(
      kValgrind, " --tool=callgrind --callgrind-out-file=/dev/null ", within,
      absl::StrJoin(command, " "), " 2>&1");
  std::FILE* pipe = popen(line.c_str(), "r");
  std::string output;
  char buffer[4096];
  while (pipe != nullptr && std::fgets(buffer, sizeof(buffer), pipe)) {
    output += buffer;
  }
  const int exit_code = pipe == nullptr ? -1 : pclose(pipe);
  // Callgrind's closing line.
  const size_t at = output.find("Collected : ");
  double instructions = 0;
  if (exit_code != 0 || at == std::string::npos ||
      !absl::SimpleAtod(output.substr(at + 12, output.find('\n', at) - at - 12),
                        &instructions)) {
    Die(absl::StrCat(line, "\nexit ", exit_code, ":\n", output));
  }
  return instructions;
}

}  // namespace multi_backend
