#include "multi_backend/bench/calls/die.h"

#include <errno.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

void Die(absl::string_view why) {
  const std::string line =
      absl::StrCat(program_invocation_short_name, ": ", why, "\n");
  std::fputs(line.c_str(), stderr);
  std::exit(1);
}

void DieUnlessOk(const absl::Status& status) {
  if (!status.ok()) Die(status.ToString());
}

}  // namespace multi_backend
