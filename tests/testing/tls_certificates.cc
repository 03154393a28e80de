#include "multi_backend/tests/testing/tls_certificates.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace multi_backend {
namespace {

// The configuration for `openssl ca`, the only command that lets the caller set
// both ends of the validity.
constexpr char kConfig[] = R"([ca]
default_ca = test_authority
[test_authority]
new_certs_dir = .
database = index.txt
rand_serial = yes
default_md = sha256
policy = any_subject
unique_subject = no
email_in_dn = no
[any_subject]
commonName = supplied
[req]
distinguished_name = no_questions
[no_questions]
)";

// Fixed dates, so that nothing depends on the machine's clock.
constexpr char kBegin[] = "20000101000000Z";
constexpr char kEnd[] = "20990101000000Z";
constexpr char kExpiredEnd[] = "20010101000000Z";

bool IsIp(const std::string& name) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(AF_INET, name.c_str(), address) == 1 ||
         inet_pton(AF_INET6, name.c_str(), address) == 1;
}

std::string ExtensionsFile(const std::vector<std::string>& names,
                           bool authority) {
  if (authority) {
    return "basicConstraints = critical,CA:TRUE\n"
           "keyUsage = critical,keyCertSign,cRLSign\n"
           "subjectKeyIdentifier = hash\n";
  }
  std::vector<std::string> entries;
  for (const std::string& name : names) {
    entries.push_back(absl::StrCat(IsIp(name) ? "IP:" : "DNS:", name));
  }
  return absl::StrCat("basicConstraints = CA:FALSE\nsubjectAltName = ",
                      absl::StrJoin(entries, ","), "\n");
}

void WriteFile(const std::string& path, absl::string_view contents) {
  std::ofstream(path) << contents;
}

std::string ReadFile(const std::string& path) {
  std::ostringstream contents;
  contents << std::ifstream(path).rdbuf();
  return contents.str();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsCertificates>> TlsCertificates::Create() {
  const char* parent = getenv("TEST_TMPDIR");
  std::string directory =
      absl::StrCat(parent == nullptr ? "/tmp" : parent, "/tls_XXXXXX");
  if (mkdtemp(&directory[0]) == nullptr) {
    return absl::InternalError(absl::StrCat("mkdtemp ", directory));
  }
  std::unique_ptr<TlsCertificates> tls(new TlsCertificates(directory));
  WriteFile(directory + "/ca.cnf", kConfig);
  WriteFile(directory + "/index.txt", "");
  const absl::StatusOr<Pair> authority =
      tls->Make({"authority", kEnd, /*self_signed=*/true, /*authority=*/true},
                {"Test Authority"});
  if (!authority.ok()) return authority.status();
  tls->ca_pem_ = ReadFile(authority->cert_file);
  return tls;
}

TlsCertificates::~TlsCertificates() {
  std::error_code ignored;  // A file that is left behind does no harm.
  std::filesystem::remove_all(directory_, ignored);
}

absl::StatusOr<TlsCertificates::Pair> TlsCertificates::Issue(
    const std::vector<std::string>& names) {
  return Make({"server", kEnd, /*self_signed=*/false, /*authority=*/false},
              names);
}

absl::StatusOr<TlsCertificates::Pair> TlsCertificates::IssueExpired(
    const std::vector<std::string>& names) {
  return Make(
      {"expired", kExpiredEnd, /*self_signed=*/false, /*authority=*/false},
      names);
}

absl::StatusOr<TlsCertificates::Pair> TlsCertificates::IssueSelfSigned(
    const std::vector<std::string>& names) {
  return Make({"foreign", kEnd, /*self_signed=*/true, /*authority=*/false},
              names);
}

absl::StatusOr<TlsCertificates::Pair> TlsCertificates::Make(
    const Kind& kind, const std::vector<std::string>& names) {
  if (names.empty()) return absl::InvalidArgumentError("no names");
  const std::string stem = absl::StrCat(kind.stem, ++made_);
  WriteFile(absl::StrCat(directory_, "/", stem, ".ext"),
            ExtensionsFile(names, kind.authority));
  absl::Status status = OpenSsl(
      absl::StrCat("req -new -config ca.cnf -newkey ec -pkeyopt ",
                   "ec_paramgen_curve:prime256v1 -nodes -subj '/CN=", names[0],
                   "' -keyout ", stem, ".key -out ", stem, ".csr"));
  if (!status.ok()) return status;
  const std::string signer =
      kind.self_signed
          ? absl::StrCat("-selfsign -keyfile ", stem, ".key")
          : std::string("-cert authority1.pem -keyfile authority1.key");
  status =
      OpenSsl(absl::StrCat("ca -batch -notext -config ca.cnf ", signer, " -in ",
                           stem, ".csr -out ", stem, ".pem -startdate ", kBegin,
                           " -enddate ", kind.end, " -extfile ", stem, ".ext"));
  if (!status.ok()) return status;
  return Pair{absl::StrCat(directory_, "/", stem, ".key"),
              absl::StrCat(directory_, "/", stem, ".pem")};
}

absl::Status TlsCertificates::OpenSsl(absl::string_view arguments) const {
  const std::string command =
      absl::StrCat("cd '", directory_, "' && timeout 10 openssl ", arguments,
                   " 2>&1 < /dev/null");
  FILE* pipe = popen(command.c_str(), "re");
  if (pipe == nullptr) return absl::InternalError("popen");
  std::string output;
  char buffer[1024];
  size_t size;
  while ((size = fread(buffer, 1, sizeof(buffer), pipe)) > 0) {
    output.append(buffer, size);
  }
  if (pclose(pipe) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(command, ": ", output));
}

}  // namespace multi_backend
