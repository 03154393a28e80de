// Registrar: lists one endpoint of this process in a store (ZooKeeper, etcd),
// so that clients which follow the store find it.
//
//   auto registrar = MakeRegistrar("zookeeper://h1:2181/services/users",
//                                  Endpoint::Of("10.0.0.1", port), {});
//   absl::Status listed = (*registrar)->AwaitRegistered(absl::Seconds(10));
//   … serve …
//   (*registrar)->Close();  // Before the server stops to take calls.
//
// The endpoint is listed from about the Make() of a store's registrar, which
// does not wait for the store, until Close() or the destructor, which takes it
// off the list at once.  When the process is killed, or cut off from the store,
// the store takes it off after `ttl`.  A store that is away is tried again with
// backoff; when it has forgotten the endpoint (it was restarted without its
// data, the session or lease ended, somebody deleted the entry), the endpoint
// is listed anew.
//
// Threads: every method from any thread.
#ifndef MULTI_BACKEND_RESOLVER_SOURCE_REGISTRAR_H_
#define MULTI_BACKEND_RESOLVER_SOURCE_REGISTRAR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/source/backoff.h"

namespace multi_backend {

// For every store; what only one store has are options of its own.
struct RegistrarOptions {
  // How long the endpoint stays listed when the process no longer answers: of
  // the session or lease.  A store may have bounds of its own.
  absl::Duration ttl = absl::Seconds(10);
  // Of the entry in the store; "" = a random one.  Two processes must not have
  // the same.  1 to 128 of [A-Za-z0-9_.:-], not "." or "..".
  std::string id;
  // A file with "user:password" in its one line; "" = what the store's
  // environment variables say, if anything.  Read again for each session.
  std::string credentials_file;
  // Between attempts while the store is away.
  BackoffOptions backoff = {absl::Milliseconds(100), absl::Seconds(1), 0.2};
};

class Registrar {
 public:
  virtual ~Registrar() = default;

  // Returns when the endpoint is listed.  DEADLINE_EXCEEDED after `timeout`,
  // with the store and the last error in the text; CANCELLED when closed.
  virtual absl::Status AwaitRegistered(absl::Duration timeout) = 0;

  // OK while the endpoint is listed; else why the newest attempt failed, or
  // UNAVAILABLE before the first one ended.  Never shows credentials.
  virtual absl::Status last_error() const = 0;

  // Takes the endpoint off the list; gone on return when the store answers,
  // otherwise after `ttl`.  Waits 2 s at most.  Idempotent.
  virtual void Close() = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_SOURCE_REGISTRAR_H_
