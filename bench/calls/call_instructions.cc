#include "multi_backend/bench/calls/call_instructions.h"

#include "absl/strings/str_cat.h"
#include "multi_backend/bench/instructions.h"
#include "multi_backend/tests/testing/server_process.h"

namespace multi_backend {

std::string EverythingOnFile() {
  return RunfilePath("bench/everything_on.json");
}

double CallInstructions(const std::string& mode, int few, int many,
                        const std::string& addresses) {
  auto count = [&](int calls) {
    return CountInstructions({RunfilePath("bench/call_client"), mode,
                              absl::StrCat(calls), addresses,
                              EverythingOnFile()});
  };
  return (count(many) - count(few)) / (many - few);
}

}  // namespace multi_backend
