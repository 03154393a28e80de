// Registrar: lists one endpoint of this process in a store (ZooKeeper, etcd),
// so that clients that follow the store find it.
//
//   auto registrar = MakeRegistrar("zookeeper://h1:2181/services/users",
//                                  Endpoint::Of("10.0.0.1", port), {});
//   absl::Status listed = (*registrar)->AwaitRegistered(absl::Seconds(10));
//   … serve …
//   (*registrar)->Close();  // Before the server stops taking calls.
//
// Make() does not wait for the store; the endpoint is listed soon after it.
// Close() and the destructor take it off the list at once.  When the process is
// killed or cut off from the store, the store takes the endpoint off after
// `ttl`.  While the store cannot be reached, the registrar tries again with
// backoff.  When the store has lost the endpoint (it was restarted without its
// data, the session or lease ended, someone deleted the entry), the registrar
// lists the endpoint again.
//
// Threads: every method may be called from any thread.
#ifndef MULTI_BACKEND_RESOLVER_SOURCE_REGISTRAR_H_
#define MULTI_BACKEND_RESOLVER_SOURCE_REGISTRAR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/source/backoff.h"

namespace multi_backend {

// The options that all stores share.
struct RegistrarOptions {
  // How long the endpoint stays listed after the process stopped answering, by
  // the store's session or lease.  A store may have bounds of its own.
  absl::Duration ttl = absl::Seconds(10);
  // The entry's name in the store, different in each process; "" = a random
  // one. 1 to 128 of [A-Za-z0-9_.:-], not "." or "..".
  std::string id;
  // A file with "user:password" in its one line; "" = the store's environment
  // variables, if they are set.  Read again for each session.
  std::string credentials_file;
  // The waits between attempts while the store cannot be reached.
  BackoffOptions backoff = {absl::Milliseconds(100), absl::Seconds(1), 0.2};
};

class Registrar {
 public:
  virtual ~Registrar() = default;

  // Waits until the endpoint is listed.  DEADLINE_EXCEEDED after `timeout`,
  // with the store and the last error in the text; CANCELLED when closed.
  virtual absl::Status AwaitRegistered(absl::Duration timeout) = 0;

  // OK while the endpoint is listed; otherwise why the latest attempt failed,
  // or UNAVAILABLE before the first attempt ended.  Never shows credentials.
  virtual absl::Status last_error() const = 0;

  // Takes the endpoint off the list.  If the store answers within 2 s, the
  // entry is gone on return; otherwise it is gone after `ttl`.  Idempotent.
  virtual void Close() = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_SOURCE_REGISTRAR_H_
