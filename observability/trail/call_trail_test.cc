// The owned form of a call's trail, and its line of text.
#include "multi_backend/observability/trail/call_trail.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMillis = 1'000'000;

AttemptEnded Attempt(absl::string_view backend, absl::StatusCode status,
                     Sent sent, int64_t millis) {
  AttemptEnded attempt;
  attempt.backend = Label(backend);
  attempt.address = backend;
  attempt.status = status;
  attempt.sent = sent;
  attempt.latency_nanos = millis * kMillis;
  return attempt;
}

CallEnded CallOf(const std::vector<AttemptEnded>& attempts) {
  CallEnded call;
  call.attempts = attempts;
  call.attempts_made = static_cast<int>(attempts.size());
  if (!attempts.empty()) {
    call.status = attempts.back().status;
    call.last_step = attempts.back().next;
  }
  return call;
}

std::string TextOf(const std::vector<AttemptEnded>& attempts) {
  return CallTrail::Of(CallOf(attempts)).ToString();
}

TEST(CallTrailTest, OneAttempt) {
  EXPECT_EQ(
      TextOf({Attempt("b1:50051", absl::StatusCode::kOk, Sent::kAnswered, 4)}),
      "b1:50051 OK after 4.0 ms");
}

TEST(CallTrailTest, ARetryAndWhoWasPassedOver) {
  AttemptEnded first =
      Attempt("b2:50051", absl::StatusCode::kUnavailable, Sent::kMaybe, 12);
  first.address = "10.0.0.2:50051";
  first.next = NextStep::kRetried;
  AttemptEnded second =
      Attempt("b3:50051", absl::StatusCode::kOk, Sent::kAnswered, 4);
  const PassedOver passed[] = {
      {"b2:50051", PassedOver::Why::kTried},
      {"b1:50051", PassedOver::Why::kDown},
  };
  second.passed_over = passed;
  EXPECT_EQ(TextOf({first, second}),
            "b2:50051 10.0.0.2:50051 UNAVAILABLE after 12 ms (sent, no "
            "answer); retried: b3:50051 OK after 4.0 ms (b1:50051 down)");
}

TEST(CallTrailTest, TheReasonWhyThereIsNoOtherAttempt) {
  AttemptEnded attempt =
      Attempt("b1:1", absl::StatusCode::kNotFound, Sent::kAnswered, 12'345);
  attempt.message = "no user \"x\"";
  attempt.next = NextStep::kNotRetriable;
  EXPECT_EQ(TextOf({attempt}),
            "b1:1 NOT_FOUND after 12.3 s (answered: no user \\\"x\\\"); no "
            "retry: this end is not retriable");
}

TEST(CallTrailTest, AReplay) {
  AttemptEnded first =
      Attempt("b1:1", absl::StatusCode::kUnavailable, Sent::kNever, 1);
  first.next = NextStep::kReplayed;
  AttemptEnded second =
      Attempt("b1:1", absl::StatusCode::kOk, Sent::kAnswered, 1);
  second.connection = 2;
  second.waited_in_pick_nanos = 20 * kMillis;
  second.chosen_by = ChosenBy::kStickyKey;
  EXPECT_EQ(TextOf({first, second}),
            "b1:1 UNAVAILABLE after 1.0 ms (not sent); replayed: b1:1 "
            "connection 2 OK after 1.0 ms (waited 20 ms, by its key)");
}

TEST(CallTrailTest, ACallWithoutAnAttempt) {
  CallEnded call;
  call.status = absl::StatusCode::kDeadlineExceeded;
  call.message = "multi_backend: the call was never sent";
  call.latency_nanos = 301 * kMillis;
  call.waited_in_backlog_nanos = 300 * kMillis;
  call.last_step = NextStep::kNoOtherBackend;
  EXPECT_EQ(CallTrail::Of(call).ToString(),
            "no attempt: DEADLINE_EXCEEDED after 301 ms (waited 300 ms in the "
            "backlog): multi_backend: the call was never sent");
}

TEST(CallTrailTest, TextsOfServersAreCutAndEscaped) {
  AttemptEnded attempt =
      Attempt("b1:1", absl::StatusCode::kInternal, Sent::kAnswered, 1);
  const std::string message = "\n\x1b[31m" + std::string(10'000, 'x');
  attempt.message = message;
  const CallTrail trail = CallTrail::Of(CallOf({attempt}));
  EXPECT_EQ(trail.attempts[0].message.size(), CallTrail::kMaxTextBytes);
  const std::string text = trail.ToString();
  EXPECT_LT(text.size(), 300u);
  EXPECT_THAT(text, HasSubstr("\\n\\x1b[31mxxx"));
  EXPECT_THAT(text, HasSubstr("x...)"));
}

TEST(CallTrailTest, EveryWordIsThere) {
  for (int i = 0; i <= static_cast<int>(NextStep::kCallerGaveUp); ++i) {
    EXPECT_NE(Describe(static_cast<NextStep>(i)), "") << i;
  }
  for (int i = 0; i <= static_cast<int>(PassedOver::Why::kSlowStart); ++i) {
    EXPECT_NE(Describe(static_cast<PassedOver::Why>(i)), "") << i;
  }
  for (int i = 1; i <= static_cast<int>(ChosenBy::kPanic); ++i) {
    EXPECT_NE(Describe(static_cast<ChosenBy>(i)), "") << i;
  }
}

}  // namespace
}  // namespace multi_backend
