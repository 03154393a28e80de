// SerializerCheck: tells whether this thread is running in a work serializer.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_SERIALIZER_CHECK_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_SERIALIZER_CHECK_H_

#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "multi_backend/port/core.h"

namespace multi_backend {

// Core's serializer has no such query, but it runs a new callback at once if
// and only if the caller is outside it.  Works in tests with one thread, and
// needs an ExecCtx.
class SerializerCheck {
 public:
  explicit SerializerCheck(
      std::shared_ptr<grpc_core::WorkSerializer> serializer)
      : serializer_(std::move(serializer)) {}

  // Fails the test if this thread is not in the serializer.  `what` names the
  // function that was called.
  void Expect(const char* what) const {
    const auto ran = std::make_shared<bool>(false);
    serializer_->Run([ran]() { *ran = true; }, DEBUG_LOCATION);
    if (*ran) {
      ADD_FAILURE() << what << " was called outside the work serializer";
    }
  }

 private:
  const std::shared_ptr<grpc_core::WorkSerializer> serializer_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_SERIALIZER_CHECK_H_
