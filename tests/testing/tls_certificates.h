// TlsCertificates: a certificate authority in a temporary directory, for tests
// with real TLS servers.
//
//   auto tls = TlsCertificates::Create();                    // StatusOr
//   auto pair = (*tls)->Issue({"users.example", "127.0.0.1"});
//   server flags: --tls-key pair->key_file --tls-cert pair->cert_file
//   client: pem_root_certs = (*tls)->ca_pem()
//
// Names may be DNS names or IP addresses.  They become subject alternative
// names.  Keys are P-256.  Each certificate takes about 30 ms, for the openssl
// command.  The destructor removes the directory.
//
// Not thread-safe.
#ifndef MULTI_BACKEND_TESTS_TESTING_TLS_CERTIFICATES_H_
#define MULTI_BACKEND_TESTS_TESTING_TLS_CERTIFICATES_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

class TlsCertificates {
 public:
  // The paths of two PEM files.
  struct Pair {
    std::string key_file;
    std::string cert_file;
  };

  static absl::StatusOr<std::unique_ptr<TlsCertificates>> Create();
  ~TlsCertificates();
  TlsCertificates(const TlsCertificates&) = delete;
  TlsCertificates& operator=(const TlsCertificates&) = delete;

  const std::string& ca_pem() const { return ca_pem_; }

  // Valid from 2000 to 2099, like the authority itself.
  absl::StatusOr<Pair> Issue(const std::vector<std::string>& names);
  // Like Issue(), but expired in 2001.
  absl::StatusOr<Pair> IssueExpired(const std::vector<std::string>& names);
  // Valid from 2000 to 2099, but not signed by the authority.
  absl::StatusOr<Pair> IssueSelfSigned(const std::vector<std::string>& names);

 private:
  // How the kinds of certificates differ.
  struct Kind {
    const char* stem;  // The beginning of the file names; a number follows.
    const char* end;   // "YYYYMMDDHHMMSSZ".
    bool self_signed;
    bool authority;
  };

  explicit TlsCertificates(std::string directory)
      : directory_(std::move(directory)) {}
  absl::StatusOr<Pair> Make(const Kind& kind,
                            const std::vector<std::string>& names);
  absl::Status OpenSsl(absl::string_view arguments) const;

  const std::string directory_;
  std::string ca_pem_;
  int made_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_TLS_CERTIFICATES_H_
