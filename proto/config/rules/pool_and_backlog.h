// Turns the messages of connection pools and backlogs, and the limit per
// backend, into structs and checks every rule that the schema cannot express.
// Use the results only when no error was added.  Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_RULES_POOL_AND_BACKLOG_H_
#define MULTI_BACKEND_PROTO_CONFIG_RULES_POOL_AND_BACKLOG_H_

#include <string>

#include "multi_backend/proto/config.pb.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {

// Reads the pool at `path`, which is given; without one there is one
// connection.
ConnectionPoolConfig ReadPool(const config::v1::ConnectionPool& pool,
                              const std::string& path, FieldErrors* errors);

// Reads the backlog at `path`.
BacklogConfig ReadBacklog(const config::v1::Backlog& backlog,
                          const std::string& path, FieldErrors* errors);

// Allows at most one backlog on any path from a tree's root to a leaf.  With
// two, a call that left one and waited in the other would be overtaken, and
// their limits would add up.
void CheckBacklogs(const PolicyConfig& policy, FieldErrors* errors);

// Reads maxRequestsPerBackend; 0 = no limit.
int ReadMaxRequests(const config::v1::Policy& policy, FieldErrors* errors);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_RULES_POOL_AND_BACKLOG_H_
