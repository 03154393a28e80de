// PushingResolver: a resolver for tests, of the scheme "pushed", that brings a
// service config with its addresses and replaces it when the test says so.
// gRPC's own resolvers bring a service config too (dns from a TXT record), but
// none can be made to do so at a given moment.
//
//   RegisterPushingResolver();  // Before Register().
//   PushConfig("users", addresses, json_or_empty);
//   ... a channel to "pushed:///users" ...
//   PushConfig("users", addresses, other_json);
//
// A channel takes a result in its own time, so a test must wait for the effect.
//
// Threads: all functions are thread-safe.
#ifndef MULTI_BACKEND_TESTS_TESTING_PUSHING_RESOLVER_H_
#define MULTI_BACKEND_TESTS_TESTING_PUSHING_RESOLVER_H_

#include <string>
#include <vector>

namespace multi_backend {

// Registers the scheme with core.  Call it once in a process, before the first
// channel.
void RegisterPushingResolver();

// What the resolvers of all channels to pushed:///<name> report from now on:
// `addresses` ("127.0.0.1:port") and the service config `json`; "" = none.
void PushConfig(const std::string& name,
                const std::vector<std::string>& addresses,
                const std::string& json);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_PUSHING_RESOLVER_H_
