// Connection pools, backlogs and the limit per backend: messages -> structs,
// with every rule that their shapes cannot say.  Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_RULES_POOL_AND_BACKLOG_H_
#define MULTI_BACKEND_PROTO_CONFIG_RULES_POOL_AND_BACKLOG_H_

#include <string>

#include "multi_backend/proto/config.pb.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {

// The results are to be used only when no error was added.

// Of a `pool` that is given; without one there is one connection.
ConnectionPoolConfig ReadPool(const config::v1::ConnectionPool& pool,
                              FieldErrors* errors);

// The backlog at `path`.
BacklogConfig ReadBacklog(const config::v1::Backlog& backlog,
                          const std::string& path, FieldErrors* errors);

// At most one backlog on any way from a tree's root to a leaf: a call that left
// one and waited in another would be overtaken, and limits would add up.
void CheckBacklogs(const PolicyConfig& policy, FieldErrors* errors);

// maxRequestsPerBackend; 0 = no limit.
int ReadMaxRequests(const config::v1::Policy& policy, FieldErrors* errors);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_RULES_POOL_AND_BACKLOG_H_
