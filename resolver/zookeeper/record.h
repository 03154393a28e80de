// The record of one endpoint in a ZooKeeper node.  Two forms are read:
//
//   10.0.0.1:50051 weight=2000 role=replica    as endpoint/text_record.h says
//
//   {"name":"users","id":"1f…","address":"10.0.0.1","port":50051,
//    "payload":{"weight":2000,"role":"replica","zone":"eu","priority":1,
//               "labels":{"version":"7"}}}
//
// The second form is the JSON of Curator's service discovery (ServiceInstance).
// The port is `port`, or `sslPort` when there is no `port`; an instance with
// "enabled":false gets weight 0 (no new calls).  Curator leaves the payload to
// the application.  The five members above are read from it; all others are
// ignored, and so is a payload that is not an object.
//
// Cost: about 5 us for 250 bytes.  Pure and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_ZOOKEEPER_RECORD_H_
#define MULTI_BACKEND_RESOLVER_ZOOKEEPER_RECORD_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// Many times what an instance with 64 labels needs.  The bound matters because
// 10,000 records are read.
constexpr size_t kMaxZookeeperRecordBytes = 64 << 10;

// INVALID_ARGUMENT says what is wrong: "port: must be 1..65535".
// RESOURCE_EXHAUSTED for a larger record.  Does not check whether an
// EndpointPolicy admits the endpoint.
absl::StatusOr<Endpoint> ParseZookeeperRecord(absl::string_view data);

// The Curator instance for an endpoint; ParseZookeeperRecord() reads it back.
// There is no payload when the endpoint has only host and port, because Java
// clients without a payload class refuse one.
std::string FormatZookeeperRecord(const Endpoint& endpoint,
                                  absl::string_view service,
                                  absl::string_view id, absl::Time registered);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ZOOKEEPER_RECORD_H_
