// What differs between the releases of c-ares.
//
// Debian 12 has c-ares 1.18, whose functions c-ares 1.34 of Debian 13 marks as
// deprecated.  Their successors do not exist in 1.18.  The rest of the room
// uses c-ares only in ways that both know.
//
// Thread-compatible, as c-ares is.
#ifndef MULTI_BACKEND_RESOLVER_DNS_CARES_H_
#define MULTI_BACKEND_RESOLVER_DNS_CARES_H_

#include <ares.h>

#include <cstddef>
#include <string>

namespace multi_backend {

// Makes the channel open its sockets so that programs which other threads start
// do not inherit them, and so that a lost TCP connection raises no SIGPIPE.
// Returns c-ares' error.  Comes before the first question.
int SetCaresSocketFunctions(ares_channel channel);

// Gets ARES_SUCCESS and the answer's packet, or c-ares' error.  `arg` is that
// of AskCares().
using OnCaresAnswer = void (*)(void* arg, int error,
                               const unsigned char* packet, size_t size);

struct CaresQuestion {
  const char* name = "";
  int type = 0;         // ns_t_a and so on.
  bool search = false;  // Whether the channel's search list applies.
  int udp_payload = 0;  // What an answer in a datagram may have, in bytes.
};

// Asks for the records of class IN.  Calls `on_answer` exactly once: within the
// call, while c-ares processes sockets, or when the channel is cancelled or
// destroyed.
void AskCares(ares_channel channel, const CaresQuestion& question,
              OnCaresAnswer on_answer, void* arg);

// The channel's servers: "192.0.2.1:53, [2001:db8::1]:53".
std::string CaresServers(ares_channel channel);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_CARES_H_
