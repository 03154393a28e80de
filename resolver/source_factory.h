// Targets of discovery sources -> groups.
//
//   file:///etc/app/backends.json
//   dns+addr://[server:port]/host:port
//   dns+srv://[server:port]/_grpc._tcp.users.example
//   dns+txt://[server:port]/users.example
//   zookeeper://host[:port][,host[:port]…]/path/of/node
//
// `authority` and `path` are those of the URI, percent-decoded; the servers of
// a DNS target may be several, with commas.  Options beyond the defaults need
// the group's own Make().  Thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_SOURCE_FACTORY_H_
#define MULTI_BACKEND_RESOLVER_SOURCE_FACTORY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "multi_backend/resolver/groups/endpoint_group.h"

namespace multi_backend {

// The schemes, for whoever registers them.
absl::Span<const absl::string_view> SourceSchemes();

bool IsSourceScheme(absl::string_view scheme);

// INVALID_ARGUMENT when the target cannot be read: nothing has started then.
absl::Status CheckSource(absl::string_view scheme, absl::string_view authority,
                         absl::string_view path);

// A running source.  INVALID_ARGUMENT as CheckSource(), and for other schemes.
absl::StatusOr<std::shared_ptr<EndpointGroup>> MakeSource(
    absl::string_view scheme, absl::string_view authority,
    absl::string_view path);

// The :authority and TLS name of calls to the target, which no discovered data
// may choose: dns+addr "host:port"; dns+srv and dns+txt the name without its
// "_service._protocol." labels (RFC 6125, section 6.4: the source domain); file
// "localhost"; zookeeper as AuthorityOfStorePath().
std::string DefaultAuthorityOfSource(absl::string_view scheme,
                                     absl::string_view path);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_SOURCE_FACTORY_H_
