// The behaviours that tests most often give to a backend.
#ifndef MULTI_BACKEND_TESTS_TESTING_BEHAVIOURS_H_
#define MULTI_BACKEND_TESTS_TESTING_BEHAVIOURS_H_

#include <string>

#include "absl/time/time.h"
#include "multi_backend/examples/users.pb.h"

namespace multi_backend {

inline examples::users::v1::Behaviour Succeeding() { return {}; }

inline examples::users::v1::Behaviour Failing(
    const std::string& code = "UNAVAILABLE") {
  examples::users::v1::Behaviour behaviour;
  behaviour.set_fail_code(code);
  return behaviour;
}

// Streams fail after their first response.
inline examples::users::v1::Behaviour FailingLate(
    const std::string& code = "UNAVAILABLE") {
  examples::users::v1::Behaviour behaviour = Failing(code);
  behaviour.set_fail_when(examples::users::v1::Behaviour::AFTER_FIRST_RESPONSE);
  return behaviour;
}

// Fails with UNAVAILABLE and a push-back.
inline examples::users::v1::Behaviour PushingBack(const std::string& millis) {
  examples::users::v1::Behaviour behaviour = Failing();
  behaviour.set_pushback_ms(millis);
  return behaviour;
}

inline examples::users::v1::Behaviour Slow(absl::Duration delay) {
  examples::users::v1::Behaviour behaviour;
  behaviour.set_delay_ms(absl::ToInt64Milliseconds(delay));
  return behaviour;
}

// The health service says NOT_SERVING, but calls succeed.
inline examples::users::v1::Behaviour NotServing() {
  examples::users::v1::Behaviour behaviour;
  behaviour.set_not_serving(true);
  return behaviour;
}

inline examples::users::v1::Behaviour Hanging() {
  examples::users::v1::Behaviour behaviour;
  behaviour.set_hang(true);
  return behaviour;
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_BEHAVIOURS_H_
