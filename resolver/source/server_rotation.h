// ServerRotation: which of several servers to try next, and how long to wait
// before that.
//
//   ServerRotation rotation(servers, backoff);
//   … work with rotation.server() until it fails …
//   wait = rotation.Failed(how_long_it_worked);
//
// The first server is a random one, which spreads the clients.  The next one is
// tried at once; only after all have failed in a row there is a wait, and it
// grows.  Pure except for its seed; thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_SOURCE_SERVER_ROTATION_H_
#define MULTI_BACKEND_RESOLVER_SOURCE_SERVER_ROTATION_H_

#include <cstddef>
#include <random>

#include "absl/time/time.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/source/backoff.h"

namespace multi_backend {

class ServerRotation {
 public:
  // `servers`: not empty.  `seed`: for tests.
  ServerRotation(EndpointList servers, BackoffOptions backoff,
                 uint32_t seed = std::random_device()());

  const Endpoint& server() const { return servers_[current_]; }

  // Goes on to the next server; returns how long to wait first.  After a server
  // that worked for longer than the longest wait, the waits start over.
  absl::Duration Failed(absl::Duration worked);

 private:
  const EndpointList servers_;
  const absl::Duration longest_;
  std::minstd_rand random_;
  Backoff backoff_;
  size_t current_;
  size_t failed_ = 0;  // In a row.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_SOURCE_SERVER_ROTATION_H_
