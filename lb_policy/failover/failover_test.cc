#include "multi_backend/lb_policy/failover/failover.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/failover/error_class.h"
#include "multi_backend/lb_policy/failover/pushback.h"

namespace multi_backend {
namespace {

using absl::StatusCode;

constexpr int kCodes = 17;

StatusCode CodeAt(int code) { return static_cast<StatusCode>(code); }

// --- Classes ----------------------------------------------------------------

struct MessageCase {
  const char* name;
  const char* message;
  bool per_try_timeout;  // Whether the message is that of perTryTimeout.
};

const MessageCase kMessages[] = {
    {"Nothing", "", false},
    {"CoresOwnText", "retry perAttemptRecvTimeout exceeded", true},
    {"CoresTextWithinAnother",
     "CANCELLED: retry perAttemptRecvTimeout exceeded [fd 7]", true},
    {"TheCallersCancellation", "Cancelled on the client side", false},
    {"ATextCutShort", "retry perAttemptRecvTimeout exceede", false},
    {"AnotherCase", "retry perattemptrecvtimeout exceeded", false},
    {"AnotherTimeout", "Deadline Exceeded", false},
};

class ClassifyTest : public ::testing::TestWithParam<MessageCase> {};

INSTANTIATE_TEST_SUITE_P(Messages, ClassifyTest, ::testing::ValuesIn(kMessages),
                         [](const ::testing::TestParamInfo<MessageCase>& info) {
                           return std::string(info.param.name);
                         });

ErrorClass ExpectedClass(StatusCode code, bool per_try_timeout) {
  switch (code) {
    case StatusCode::kOk:
      return ErrorClass::kNone;
    case StatusCode::kUnavailable:
      return ErrorClass::kTransient;
    case StatusCode::kCancelled:
      return per_try_timeout ? ErrorClass::kTimeout : ErrorClass::kCallerGaveUp;
    case StatusCode::kDeadlineExceeded:
      return ErrorClass::kCallerGaveUp;
    case StatusCode::kUnknown:
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
    case StatusCode::kAlreadyExists:
    case StatusCode::kPermissionDenied:
    case StatusCode::kResourceExhausted:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kAborted:
    case StatusCode::kOutOfRange:
    case StatusCode::kUnimplemented:
    case StatusCode::kInternal:
    case StatusCode::kDataLoss:
    case StatusCode::kUnauthenticated:
      return ErrorClass::kApplication;
    default:
      ADD_FAILURE() << "no such code";
      return ErrorClass::kNone;
  }
}

TEST_P(ClassifyTest, EveryCodeHasItsClass) {
  for (int code = 0; code < kCodes; ++code) {
    EXPECT_EQ(ClassifyError(CodeAt(code), GetParam().message),
              ExpectedClass(CodeAt(code), GetParam().per_try_timeout))
        << absl::StatusCodeToString(CodeAt(code));
  }
}

TEST(ClassifyTest, ACodeThatDoesNotExistIsTheApplications) {
  EXPECT_EQ(ClassifyError(CodeAt(17), ""), ErrorClass::kApplication);
  EXPECT_EQ(ClassifyError(CodeAt(-1), ""), ErrorClass::kApplication);
}

TEST(ClassifyTest, OnlyTheWayThereAndItsTimeSpeakAgainstABackend) {
  EXPECT_FALSE(IsInfrastructureFailure(ErrorClass::kNone));
  EXPECT_TRUE(IsInfrastructureFailure(ErrorClass::kTransient));
  EXPECT_TRUE(IsInfrastructureFailure(ErrorClass::kTimeout));
  EXPECT_FALSE(IsInfrastructureFailure(ErrorClass::kApplication));
  EXPECT_FALSE(IsInfrastructureFailure(ErrorClass::kCallerGaveUp));
  EXPECT_FALSE(IsInfrastructureFailure(ErrorClass::kClientFault));
}

// --- Retriable --------------------------------------------------------------

AttemptView Attempt(StatusCode code, bool timed_out = false) {
  AttemptView attempt;
  attempt.code = code;
  attempt.timed_out = timed_out;
  return attempt;
}

Failover WithCodes(std::vector<StatusCode> codes) {
  FailoverConfig config;
  config.retriable_status_codes = std::move(codes);
  return Failover(config, nullptr);
}

TEST(IsRetriableTest, EachListedCodeAloneIsRetriable) {
  for (int listed = 0; listed < kCodes; ++listed) {
    const Failover failover = WithCodes({CodeAt(listed)});
    for (int code = 0; code < kCodes; ++code) {
      EXPECT_EQ(failover.IsRetriable(Attempt(CodeAt(code))), code == listed)
          << code << " with " << listed;
    }
  }
}

struct ListCase {
  const char* name;
  std::vector<StatusCode> listed;
};

const ListCase kLists[] = {
    {"NoCode", {}},
    {"SeveralCodes",
     {StatusCode::kUnavailable, StatusCode::kInternal, StatusCode::kAborted}},
    {"ACodeTwice", {StatusCode::kAborted, StatusCode::kAborted}},
    {"CodesThatDoNotExist", {CodeAt(17), CodeAt(-1), CodeAt(1 << 20)}},
};

class RetriableListTest : public ::testing::TestWithParam<ListCase> {};

INSTANTIATE_TEST_SUITE_P(Lists, RetriableListTest, ::testing::ValuesIn(kLists),
                         [](const ::testing::TestParamInfo<ListCase>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(RetriableListTest, IsTheWholeTruthForAllThatDidNotTimeOut) {
  const Failover failover = WithCodes(GetParam().listed);
  for (int code = 0; code < kCodes; ++code) {
    bool listed = false;
    for (const StatusCode other : GetParam().listed) {
      listed |= other == CodeAt(code);
    }
    EXPECT_EQ(failover.IsRetriable(Attempt(CodeAt(code))), listed) << code;
    EXPECT_TRUE(failover.IsRetriable(Attempt(CodeAt(code), true))) << code;
  }
  EXPECT_FALSE(failover.IsRetriable(Attempt(CodeAt(17))));
  EXPECT_FALSE(failover.IsRetriable(Attempt(CodeAt(-1))));
}

TEST(IsRetriableTest, ByDefaultUnavailableAndPerTryTimeoutAre) {
  const Failover failover(FailoverConfig(), nullptr);
  for (int code = 0; code < kCodes; ++code) {
    EXPECT_EQ(failover.IsRetriable(Attempt(CodeAt(code))),
              CodeAt(code) == StatusCode::kUnavailable)
        << code;
  }
  EXPECT_TRUE(failover.IsRetriable(Attempt(StatusCode::kCancelled, true)));
  EXPECT_EQ(failover.max_retries(), 2);
}

TEST(IsRetriableTest, AClassifierReplacesTheListAndTheTimeoutRule) {
  FailoverConfig config;
  config.max_retries = 4;
  config.retriable_status_codes = {StatusCode::kUnavailable};
  const Failover failover(
      config,
      std::make_shared<const AttemptClassifier>([](const AttemptView& attempt) {
        return attempt.code == StatusCode::kNotFound;
      }));
  for (int code = 0; code < kCodes; ++code) {
    for (const bool timed_out : {false, true}) {
      EXPECT_EQ(failover.IsRetriable(Attempt(CodeAt(code), timed_out)),
                CodeAt(code) == StatusCode::kNotFound)
          << code << timed_out;
    }
  }
  EXPECT_EQ(failover.max_retries(), 4);
}

TEST(IsRetriableTest, AClassifierSeesTheWholeAttempt) {
  std::string seen;
  const Failover failover(
      FailoverConfig(),
      std::make_shared<const AttemptClassifier>([&](const AttemptView& view) {
        seen = absl::StrCat(static_cast<int>(view.code), "|", view.message, "|",
                            view.method, "|", view.backend, "|", view.timed_out,
                            "|", view.attempt);
        return true;
      }));
  AttemptView view;
  view.code = StatusCode::kCancelled;
  view.message = "slow";
  view.method = "/users.Users/Get";
  view.backend = "10.0.0.1:50051";
  view.timed_out = true;
  view.attempt = 3;
  EXPECT_TRUE(failover.IsRetriable(view));
  EXPECT_EQ(seen, "1|slow|/users.Users/Get|10.0.0.1:50051|1|3");
}

// --- Push-back --------------------------------------------------------------

struct PushbackCase {
  const char* name;
  absl::optional<absl::string_view> pushback_ms;
  absl::Duration remaining;
  bool retry;
};

const absl::Duration kMinute = absl::Minutes(1);

const PushbackCase kPushbackCases[] = {
    {"Absent", absl::nullopt, kMinute, true},
    {"AbsentWithoutDeadline", absl::nullopt, absl::InfiniteDuration(), true},
    {"AbsentWithNoTimeLeft", absl::nullopt, absl::ZeroDuration(), true},
    {"Zero", "0", kMinute, true},
    {"Some", "10", kMinute, true},
    {"SomeWithoutDeadline", "10", absl::InfiniteDuration(), true},
    {"LeadingZeros", "0010", kMinute, true},
    {"Negative", "-1", kMinute, false},
    {"MinusZero", "-0", kMinute, true},
    {"VeryNegative", "-9223372036854775808", kMinute, false},
    {"Words", "abc", kMinute, false},
    {"Empty", "", kMinute, false},
    {"OnlySpaces", "  ", kMinute, false},
    {"Exponent", "1e3", kMinute, false},
    {"Fraction", "1.5", kMinute, false},
    {"Unit", "10ms", kMinute, false},
    {"Hex", "0x10", kMinute, false},
    {"TwoValues", "10,20", kMinute, false},
    {"ANulAfterTheNumber", absl::string_view("10\0", 3), kMinute, false},
    // Core reads the number with the same function.  If the two differed, core
    // would wait where this code refuses, or the other way round.
    {"SpacesAroundAsCoreReadsThem", " 5 ", kMinute, true},
    {"PlusAsCoreReadsIt", "+5", kMinute, true},
    {"NoInt64", "999999999999999999999", absl::InfiniteDuration(), false},
    {"TheLargestInt64", "9223372036854775807", absl::InfiniteDuration(), false},
    {"ExactlyWhatIsLeft", "250", absl::Milliseconds(250), true},
    {"LongerThanWhatIsLeft", "251", absl::Milliseconds(250), false},
    {"JustLongerThanWhatIsLeft", "250",
     absl::Milliseconds(250) - absl::Nanoseconds(1), false},
    {"ExactlyTheMost", "30000", kMinute, true},
    {"MoreThanTheMost", "30001", kMinute, false},
    {"TheMostWithoutDeadline", "30000", absl::InfiniteDuration(), true},
    {"MoreThanTheMostWithoutDeadline", "30001", absl::InfiniteDuration(),
     false},
    {"ZeroWithNoTimeLeft", "0", absl::ZeroDuration(), true},
    {"ZeroAfterTheDeadline", "0", -absl::Milliseconds(1), false},
    {"ZeroLongAfterTheDeadline", "0", -absl::InfiniteDuration(), false},
};

class PushbackTest : public ::testing::TestWithParam<PushbackCase> {};

INSTANTIATE_TEST_SUITE_P(
    Cases, PushbackTest, ::testing::ValuesIn(kPushbackCases),
    [](const ::testing::TestParamInfo<PushbackCase>& info) {
      return std::string(info.param.name);
    });

TEST(PushbackOfZeroTest, IsANumberOfThatValue) {
  for (const absl::string_view zero : {"0", "00", "-0", "+0", " 0 "}) {
    EXPECT_TRUE(IsPushbackOfZero(zero)) << zero;
  }
  for (const absl::string_view other : {"1", "-1", "0.0", "", "zero", "0ms"}) {
    EXPECT_FALSE(IsPushbackOfZero(other)) << other;
  }
  EXPECT_FALSE(IsPushbackOfZero(absl::nullopt));
}

TEST_P(PushbackTest, AllowsARetryOrNot) {
  EXPECT_EQ(PushbackAllowsRetry(GetParam().pushback_ms, GetParam().remaining),
            GetParam().retry);
}

}  // namespace
}  // namespace multi_backend
