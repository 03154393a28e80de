// SourceRegistry: the kinds of discovery sources that a program has linked, by
// the schemes of their targets.
//
//   file:///etc/app/backends.json
//   dns+addr://[server:port]/host:port
//   dns+srv://[server:port]/_grpc._tcp.users.example
//   dns+txt://[server:port]/users.example
//   zookeeper://host[:port][,host[:port]…]/path/of/node
//   etcd://host[:port][,host[:port]…]/prefix/
//
// The schemes are fixed, because core must know them before the first channel.
// The kind behind a scheme may come later: each kind is in a target of its own,
// whose public function (RegisterDns() and so on) adds it here, at any time
// before the channel that uses it is made.  For a scheme without a registered
// kind, the functions below return INVALID_ARGUMENT with the target to link and
// the function to call.
//
// Threads: every function may be called from any thread.  Never destroyed: safe
// before main() and during exit.
#ifndef MULTI_BACKEND_RESOLVER_SOURCE_REGISTRY_H_
#define MULTI_BACKEND_RESOLVER_SOURCE_REGISTRY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/endpoint_group.h"
#include "multi_backend/resolver/source/registrar.h"

namespace multi_backend {

// The parts of a target's URI, percent-decoded.
struct SourceTarget {
  absl::string_view scheme;
  absl::string_view authority;
  absl::string_view path;
};

// What a kind of sources can do.
struct SourceKind {
  // INVALID_ARGUMENT when the target cannot be parsed.  Starts nothing.
  absl::Status (*check)(const SourceTarget& target);
  // Returns a running source.  Fails as check() does.
  absl::StatusOr<std::shared_ptr<EndpointGroup>> (*make)(
      const SourceTarget& target);
  // The :authority and TLS name of calls to the target, which no discovered
  // data may choose.
  std::string (*default_authority)(const SourceTarget& target);
  // Lists an endpoint there.  Null when the kind has no registrar.
  absl::StatusOr<std::unique_ptr<Registrar>> (*make_registrar)(
      const SourceTarget& target, const Endpoint& endpoint,
      const RegistrarOptions& options) = nullptr;
};

class SourceRegistry {
 public:
  SourceRegistry() = delete;

  // All schemes, also those without a registered kind.
  static absl::Span<const absl::string_view> Schemes();
  static bool Knows(absl::string_view scheme);

  // Never forgets `kind`, which must live as long as the process.  Idempotent.
  // ALREADY_EXISTS when the scheme has another kind, INVALID_ARGUMENT when
  // `scheme` is not one of Schemes().
  static absl::Status Register(absl::string_view scheme,
                               const SourceKind* kind);

  // Never null.  INVALID_ARGUMENT when no kind is registered; the text says
  // what to link and to call.
  static absl::StatusOr<const SourceKind*> Find(absl::string_view scheme);
};

// These call the kind of the target's scheme, and fail as Find() does.

absl::Status CheckSource(const SourceTarget& target);

absl::StatusOr<std::shared_ptr<EndpointGroup>> MakeSource(
    const SourceTarget& target);

// "localhost" when Find() fails.  No call leaves the process then.
std::string DefaultAuthorityOfSource(const SourceTarget& target);

// INVALID_ARGUMENT also when the kind has no registrar.
absl::StatusOr<std::unique_ptr<Registrar>> MakeSourceRegistrar(
    const SourceTarget& target, const Endpoint& endpoint,
    const RegistrarOptions& options);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_SOURCE_REGISTRY_H_
