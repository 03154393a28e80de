#include "multi_backend/tests/testing/metadata_dump.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

constexpr absl::string_view kPreviousAttemptsKey = "grpc-previous-rpc-attempts";

[[noreturn]] void GiveUp(const std::string& why) {
  std::cerr << "metadata dump: " << why << std::endl;
  abort();
}

}  // namespace

MetadataDump::MetadataDump() {
  directory_ =
      (std::filesystem::temp_directory_path() / "dump-XXXXXX").string();
  if (mkdtemp(&directory_[0]) == nullptr) GiveUp("no temporary directory");
}

MetadataDump::~MetadataDump() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string MetadataDump::PathOf(const std::string& backend) const {
  return absl::StrCat(directory_, "/", backend);
}

BackendSpec MetadataDump::Record(BackendSpec spec) const {
  spec.flags.push_back("--dump-metadata");
  spec.flags.push_back(PathOf(spec.name));
  return spec;
}

std::vector<SeenAttempt> MetadataDump::Of(const std::string& backend) const {
  std::ifstream file(PathOf(backend));
  if (!file) GiveUp(absl::StrCat("no file for backend ", backend));
  std::vector<SeenAttempt> attempts;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::MaxSplits('\t', 2));
    if (parts.size() != 3) GiveUp(absl::StrCat("no entry: ", line));
    if (parts[1] == kCallIdKey) {
      attempts.emplace_back();
      attempts.back().backend = backend;
      attempts.back().method = parts[0];
      attempts.back().call_id = parts[2];
    }
    if (attempts.empty()) GiveUp(absl::StrCat("a call without id: ", line));
    SeenAttempt& attempt = attempts.back();
    attempt.metadata.emplace_back(parts[1], parts[2]);
    if (parts[1] != kPreviousAttemptsKey) continue;
    int previous = 0;
    if (!absl::SimpleAtoi(parts[2], &previous)) GiveUp(line);
    attempt.number = 1 + previous;
  }
  return attempts;
}

std::map<std::string, std::vector<SeenAttempt>> MetadataDump::ByCall(
    const BackendFleet& fleet) const {
  std::map<std::string, std::vector<SeenAttempt>> calls;
  for (size_t i = 0; i < fleet.size(); ++i) {
    for (SeenAttempt& attempt : Of(fleet.name(i))) {
      calls[attempt.call_id].push_back(std::move(attempt));
    }
  }
  for (auto& call : calls) {
    std::sort(call.second.begin(), call.second.end(),
              [](const SeenAttempt& a, const SeenAttempt& b) {
                return a.number < b.number;
              });
  }
  return calls;
}

}  // namespace multi_backend
