// ExpectInSerializer(): what a fake asks when a policy calls it.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_SERIALIZER_CHECK_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_SERIALIZER_CHECK_H_

#include "gtest/gtest.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/fakes.h"

namespace multi_backend {

// Fails the test if this thread is not running in `serializer`.  `what` names
// the function that was called.
inline void ExpectInSerializer(grpc_core::WorkSerializer& serializer,
                               const char* what) {
  if (!core::RunsIn(serializer)) {
    ADD_FAILURE() << what << " was called outside the work serializer";
  }
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_SERIALIZER_CHECK_H_
