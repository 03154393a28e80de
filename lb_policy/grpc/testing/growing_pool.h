// OpenSecondConnection: for tests of backends with several connections.
//
// Threads: the test's only.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_GROWING_POOL_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_GROWING_POOL_H_

#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/grpc/testing/policy_harness.h"

namespace multi_backend {

// Connects `address`, the only backend, and fills its connection with two
// calls, so that another one opens.  For a pool with two streams a connection.
inline void OpenSecondConnection(PolicyHarness& harness,
                                 const std::string& address) {
  ASSERT_EQ(harness.Update({address}), absl::OkStatus());
  harness.Connect(address);
  harness.Call();
  harness.Call();
  ASSERT_EQ(harness.connections(address), 2u);
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_GROWING_POOL_H_
