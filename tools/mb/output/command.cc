#include "multi_backend/tools/mb/output/command.h"

#include <sys/stat.h>

#include <CLI/Error.hpp>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/interceptors/method_name.h"
#include "multi_backend/interceptors/request_metadata.h"
#include "multi_backend/tools/mb/output/text.h"

namespace multi_backend {
namespace mb {
namespace {

absl::StatusOr<std::string> ReadStream(std::istream& in,
                                       absl::string_view name) {
  // One byte more tells whether there is more.
  std::string text(kMaxInputBytes + 1, '\0');
  in.read(&text[0], static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (in.bad()) {
    return absl::UnavailableError(absl::StrCat(
        "cannot read ", name, ": ", std::system_category().message(errno)));
  }
  if (text.size() > kMaxInputBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is longer than ", kMaxInputBytes, " bytes"));
  }
  return text;
}

absl::StatusOr<std::pair<std::string, std::string>> ParseHeader(
    const std::string& header) {
  const size_t equals = header.find('=');
  if (equals == std::string::npos || equals == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("write it as KEY=VALUE: ", Printable(header)));
  }
  std::string key = absl::AsciiStrToLower(header.substr(0, equals));
  std::string value = header.substr(equals + 1);
  const absl::Status status = CheckMetadataEntry(key, value);
  if (!status.ok()) return status;
  return std::make_pair(std::move(key), std::move(value));
}

}  // namespace

void Command::Fail(absl::string_view what) const {
  // A status text of the library may name five backends with their errors.
  constexpr size_t kMaxFailure = 2000;
  *err << "mb: " << Printable(what, kMaxFailure) << std::endl;
  *exit_code = ExitCode::kProblem;
}

absl::StatusOr<std::string> ReadInput(const std::string& path,
                                      std::istream& in) {
  if (path == "-") return ReadStream(in, "standard input");
  struct stat file;
  if (stat(path.c_str(), &file) != 0) {
    return absl::NotFoundError(absl::StrCat(
        "cannot open ", path, ": ", std::system_category().message(errno)));
  }
  if (S_ISDIR(file.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is a directory: name a file in it"));
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return absl::NotFoundError(absl::StrCat(
        "cannot open ", path, ": ", std::system_category().message(errno)));
  }
  return ReadStream(stream, path);
}

bool IsMethodPath(absl::string_view path) {
  const MethodName name = SplitMethodName(path);
  return absl::StartsWith(path, "/") && !name.service.empty() &&
         !name.method.empty();
}

std::multimap<std::string, std::string> ParseHeaders(
    const std::vector<std::string>& headers) {
  std::multimap<std::string, std::string> parsed;
  for (const std::string& header : headers) {
    auto entry = ParseHeader(header);
    if (!entry.ok()) {
      throw CLI::ValidationError("--header",
                                 std::string(entry.status().message()));
    }
    parsed.insert(*std::move(entry));
  }
  return parsed;
}

}  // namespace mb
}  // namespace multi_backend
