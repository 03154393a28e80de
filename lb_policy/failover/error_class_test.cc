#include "multi_backend/lb_policy/failover/error_class.h"

#include <string>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using absl::StatusCode;

constexpr char kTryTimeout[] = "retry perAttemptRecvTimeout exceeded";

StreamReport Watched() {
  StreamReport report;
  report.watched = true;
  return report;
}

// The attempt never reached the transport.
StreamReport NotStarted() { return Watched(); }

StreamReport EndedByServer(StatusCode code) {
  StreamReport report = Watched();
  report.ended_with = code;
  report.from_server = true;
  report.sent = true;
  return report;
}

StreamReport BrokenOff(StatusCode code, bool sent = true) {
  StreamReport report = Watched();
  report.ended_with = code;
  report.sent = sent;
  return report;
}

StreamReport Cancelled(StatusCode code, bool sent) {
  StreamReport report = BrokenOff(code, sent);
  report.cancelled = true;
  return report;
}

struct Row {
  const char* name;
  StatusCode code;
  const char* message;
  StreamReport stream;
  StatusOrigin origin;
  ErrorClass error;
};

const Row kRows[] = {
    // The server's own answers.
    {"TheServerIsUnavailable", StatusCode::kUnavailable, "",
     EndedByServer(StatusCode::kUnavailable), StatusOrigin::kServer,
     ErrorClass::kTransient},
    {"TheServerIsExhausted", StatusCode::kResourceExhausted, "",
     EndedByServer(StatusCode::kResourceExhausted), StatusOrigin::kServer,
     ErrorClass::kApplication},
    {"TheServerSaysThatItFailed", StatusCode::kInternal, "",
     EndedByServer(StatusCode::kInternal), StatusOrigin::kServer,
     ErrorClass::kApplication},
    {"TheServerSawTheDeadlinePass", StatusCode::kDeadlineExceeded, "",
     EndedByServer(StatusCode::kDeadlineExceeded), StatusOrigin::kServer,
     ErrorClass::kCallerGaveUp},
    {"TheServerSaysCancelled", StatusCode::kCancelled, "",
     EndedByServer(StatusCode::kCancelled), StatusOrigin::kServer,
     ErrorClass::kApplication},
    {"TheServerHasCoresWords", StatusCode::kCancelled, kTryTimeout,
     EndedByServer(StatusCode::kCancelled), StatusOrigin::kServer,
     ErrorClass::kApplication},

    // The connection, and answers that are HTTP's.
    {"TheConnectionIsLost", StatusCode::kUnavailable, "Socket closed",
     BrokenOff(StatusCode::kUnavailable), StatusOrigin::kConnection,
     ErrorClass::kTransient},
    {"TheConnectionIsLostBeforeTheHeadersLeft", StatusCode::kUnavailable,
     "Transport closed", BrokenOff(StatusCode::kUnavailable, /*sent=*/false),
     StatusOrigin::kConnection, ErrorClass::kTransient},
    {"TheStreamIsRemoved", StatusCode::kUnknown, "Stream removed",
     BrokenOff(StatusCode::kUnknown), StatusOrigin::kConnection,
     ErrorClass::kTransient},
    {"TheStreamIsReset", StatusCode::kInternal,
     "Received RST_STREAM with error code 2", BrokenOff(StatusCode::kInternal),
     StatusOrigin::kConnection, ErrorClass::kTransient},
    {"TheServerCancelsTheStream", StatusCode::kCancelled,
     "Received RST_STREAM with error code 8", BrokenOff(StatusCode::kCancelled),
     StatusOrigin::kConnection, ErrorClass::kTransient},
    {"TheServerCancelsTheStreamAtTheDeadline", StatusCode::kDeadlineExceeded,
     "", BrokenOff(StatusCode::kDeadlineExceeded), StatusOrigin::kConnection,
     ErrorClass::kCallerGaveUp},
    {"TheServerAsksForCalm", StatusCode::kResourceExhausted,
     "Received RST_STREAM with error code 11",
     BrokenOff(StatusCode::kResourceExhausted), StatusOrigin::kConnection,
     ErrorClass::kApplication},
    {"TheResponsesMetadataIsOverTheClientsLimit",
     StatusCode::kResourceExhausted,
     "received initial metadata size exceeds limit",
     BrokenOff(StatusCode::kResourceExhausted), StatusOrigin::kConnection,
     ErrorClass::kClientFault},
    {"ANotFoundOfHttp", StatusCode::kUnimplemented,
     "Received http2 header with status: 404",
     BrokenOff(StatusCode::kUnimplemented), StatusOrigin::kConnection,
     ErrorClass::kApplication},

    // This process.
    {"TheCredentialsFail", StatusCode::kUnavailable, "no token", NotStarted(),
     StatusOrigin::kClient, ErrorClass::kClientFault},
    {"TheRequestIsTooLarge", StatusCode::kResourceExhausted, "", NotStarted(),
     StatusOrigin::kClient, ErrorClass::kClientFault},
    {"AStreamsMessageIsTooLarge", StatusCode::kResourceExhausted, "",
     Cancelled(StatusCode::kResourceExhausted, /*sent=*/true),
     StatusOrigin::kClient, ErrorClass::kClientFault},
    {"TheReplyIsTooLarge", StatusCode::kResourceExhausted, "",
     EndedByServer(StatusCode::kOk), StatusOrigin::kClient,
     ErrorClass::kClientFault},
    {"TheReplyIsTooLargeAndTheServerThenFails", StatusCode::kResourceExhausted,
     "", EndedByServer(StatusCode::kUnavailable), StatusOrigin::kClient,
     ErrorClass::kClientFault},
    {"TheCallerCancels", StatusCode::kCancelled, "",
     Cancelled(StatusCode::kCancelled, /*sent=*/true), StatusOrigin::kClient,
     ErrorClass::kCallerGaveUp},
    {"TheDeadlinePasses", StatusCode::kDeadlineExceeded, "",
     Cancelled(StatusCode::kDeadlineExceeded, /*sent=*/true),
     StatusOrigin::kClient, ErrorClass::kCallerGaveUp},
    {"TheDeadlinePassesInTheQueue", StatusCode::kDeadlineExceeded, "",
     Cancelled(StatusCode::kDeadlineExceeded, /*sent=*/false),
     StatusOrigin::kClient, ErrorClass::kClientFault},
    {"TheTryTimesOut", StatusCode::kCancelled, kTryTimeout,
     Cancelled(StatusCode::kCancelled, /*sent=*/true), StatusOrigin::kClient,
     ErrorClass::kTimeout},
    {"TheTryTimesOutInTheQueue", StatusCode::kCancelled, kTryTimeout,
     Cancelled(StatusCode::kCancelled, /*sent=*/false), StatusOrigin::kClient,
     ErrorClass::kClientFault},
    {"TheTryTimesOutWhileTheCredentialsAreFetched", StatusCode::kCancelled,
     kTryTimeout, NotStarted(), StatusOrigin::kClient,
     ErrorClass::kClientFault},
};

class OriginTest : public ::testing::TestWithParam<Row> {};

INSTANTIATE_TEST_SUITE_P(Rows, OriginTest, ::testing::ValuesIn(kRows),
                         [](const ::testing::TestParamInfo<Row>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(OriginTest, DecidesTheClass) {
  const Row& row = GetParam();
  EXPECT_EQ(OriginOf(row.code, row.stream), row.origin);
  EXPECT_EQ(ClassifyError(row.code, row.message, row.stream), row.error);
}

TEST(OriginTest, SuccessIsNoError) {
  for (const StreamReport& report :
       {StreamReport(), NotStarted(), EndedByServer(StatusCode::kOk)}) {
    EXPECT_EQ(ClassifyError(StatusCode::kOk, "", report), ErrorClass::kNone);
  }
}

// What nobody has watched says nothing, whatever the other members hold.
TEST(OriginTest, AnUnwatchedStreamIsUnknown) {
  for (int code = 0; code < 17; ++code) {
    StreamReport report = Cancelled(static_cast<StatusCode>(code), true);
    report.watched = false;
    EXPECT_EQ(OriginOf(static_cast<StatusCode>(code), report),
              StatusOrigin::kUnknown);
    EXPECT_EQ(ClassifyError(static_cast<StatusCode>(code), "", report),
              ClassifyError(static_cast<StatusCode>(code), ""));
  }
}

// Whatever this process did, only perTryTimeout blames a backend.
TEST(OriginTest, TheClientsStatusNeverBlamesABackend) {
  for (int code = 1; code < 17; ++code) {
    const auto status = static_cast<StatusCode>(code);
    for (const StreamReport& report :
         {NotStarted(), Cancelled(status, false), Cancelled(status, true)}) {
      EXPECT_FALSE(IsInfrastructureFailure(ClassifyError(status, "", report)))
          << code;
    }
  }
}

// Only the exact text counts, only if the server sent it, and only before a
// message.
TEST(ErrorClassTest, OnlyTheServersExactTextMeansDroppedAtShutdown) {
  constexpr char kText[] = "CANCELLED";
  const StatusCode code = StatusCode::kCancelled;
  EXPECT_TRUE(IsDroppedAtShutdown(code, kText, EndedByServer(code)));
  EXPECT_FALSE(IsDroppedAtShutdown(code, "", EndedByServer(code)));
  StreamReport begun = EndedByServer(code);
  begun.got_message = true;
  EXPECT_FALSE(IsDroppedAtShutdown(code, kText, begun));
  EXPECT_FALSE(IsDroppedAtShutdown(code, kText, BrokenOff(code)));
  EXPECT_FALSE(IsDroppedAtShutdown(code, kText, Cancelled(code, true)));
  EXPECT_FALSE(IsDroppedAtShutdown(code, kText, StreamReport()));
  EXPECT_FALSE(IsDroppedAtShutdown(StatusCode::kAborted, kText,
                                   EndedByServer(StatusCode::kAborted)));
}

}  // namespace
}  // namespace multi_backend
