#include "multi_backend/tools/mb/admin/views.h"

#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace mb {
namespace {

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

constexpr char kStatus[] = R"(
  time { seconds: 1700000100 } started { seconds: 1700000000 }
  library_version: "0.2.0" grpc_version: "1.51.1" actions_enabled: true
  channels {
    id: 1 target: "static:///b1:1,b2:1" state: "READY" backends_usable: 1
    resolver { endpoints: 2 list_age { seconds: 90 } last_error: "a\033[2J" }
    warnings: "routes[0] never matches"
    balancers { path: "root" panic: true has_backlog: true
                backlog_state: "ALIVE" waiting: 3 limit: 10 }
    backends { address: "10.0.0.1:1" name: "b1:1" role: "primary"
      weight: 1000 effective_weight: 1000 state: "ALIVE" connections: 1
      in_flight: 2 retries_landed: 5
      last_minute { attempts: 10 errors: 1 share: 0.5 p50 { nanos: 1500000 }
                    p99 { nanos: 250000000 } } }
    backends { address: "10.0.0.2:1" name: "b2\nevil:1" state: "DOWN"
      draining: true since { seconds: 1700000058 } reason: "3 failures\033[1m"
      last_minute {} }
    routes { name: "writes" role: "primary" matches: 7
             last_method: "/a.B/CreateX" }
    routes { name: "routes[1]" never_matched: true } })";

TEST(FormatStatusTest, ChannelsBackendsAndRoutes) {
  EXPECT_EQ(
      FormatStatus(Parse<admin::v1::Status>(kStatus)),
      R"(multi_backend 0.2.0 on gRPC 1.51.1, up 1m40s, 1 channel, actions on

static:///b1:1,b2:1  READY  1 of 2 usable
  list of 2 endpoints, 1m30s old
  resolver: a\x1b[2J
  warning: routes[0] never matches
  PANIC: root ignores health, because too few backends are well
  backlog of root: ALIVE, 3 of 10 calls wait
  BACKEND                STATE          FOR  ROLE     WEIGHT  SHARE  FLIGHT  CALLS/MIN  ERR/MIN     P50    P99  RETRIES  CONN  WHY
  b1:1 10.0.0.1:1        ALIVE               primary    1000  50.0%       2         10        1  1.50ms  250ms        5     1
  b2\nevil:1 10.0.0.2:1  DOWN draining  42s                0   0.0%       0          0        0                       0     0  3 failures\x1b[1m
  ROUTE      ROLE     MATCHES  LAST METHOD
  writes     primary        7  /a.B/CreateX
  routes[1]             never
)");
}

TEST(RowOfTest, NamesAreShownWithTheirAddressAndDrainsWithTheirEnd) {
  const auto row = [](const std::string& backend) {
    return RowOf(Parse<admin::v1::Backend>(backend), absl::UnixEpoch());
  };
  EXPECT_EQ(row(R"(name: "10.0.0.1:1" address: "10.0.0.1:1")").backend,
            "10.0.0.1:1");
  EXPECT_EQ(row(R"(name: "b:1" address: "10.0.0.1:1")").backend,
            "b:1 10.0.0.1:1");
  EXPECT_EQ(row(R"(address: "10.0.0.1:1")").backend, "10.0.0.1:1");
  EXPECT_EQ(row(R"(state: "ALIVE" draining: true)").state, "ALIVE draining");
  EXPECT_EQ(row(R"(state: "ALIVE" draining: true drained: true)").state,
            "ALIVE drained");
}

TEST(FormatStatusTest, AProcessWithoutChannels) {
  EXPECT_EQ(FormatStatus(admin::v1::Status()),
            "multi_backend  on gRPC , up 0s, 0 channels, actions off\n");
}

TEST(FormatCallsTest, CallsWithTheirAttempts) {
  const auto calls = Parse<admin::v1::Calls>(R"(
    one_in: 100 dropped: 4
    calls { sequence: 2 start { seconds: 1700000000 nanos: 5000000 }
      duration { nanos: 16000000 } method: "/a.B/Get" route: "reads"
      role: "replica" status: "OK" attempts_made: 2
      attempts { number: 1 backend: "b2:1" status: "UNAVAILABLE"
        message: "reset\r\n" duration { nanos: 12000000 } sent: "MAYBE"
        next: "RETRIED" passed_over { backend: "b1:1" why: "DOWN" } }
      attempts { number: 2 backend: "b3:1" status: "OK"
        duration { nanos: 4000000 } sent: "ANSWERED" next: "DONE"
        passed_over { backend: "b1:1" why: "DOWN" }
        passed_over { backend: "b2:1" why: "TRIED" } } }
    calls { sequence: 1 start { seconds: 1700000000 }
      duration { seconds: 2 nanos: 500000000 } method: "/a.B/Get"
      status: "OK" attempts_made: 1
      attempts { number: 1 backend: "b1:1" status: "OK" } })");
  EXPECT_EQ(
      FormatCalls(calls),
      R"(2023-11-14T22:13:20.005Z  OK  16ms  /a.B/Get  route reads  role replica
    1  b2:1 UNAVAILABLE after 12ms, sent MAYBE, RETRIED: reset\r\n; not b1:1 (DOWN)
    2  b3:1 OK after 4.00ms, sent ANSWERED, DONE; not b1:1 (DOWN), b2:1 (TRIED)
2023-11-14T22:13:20.000Z  OK  2.50s  /a.B/Get  b1:1
2 calls; all failed and retried ones are kept, and 1 in 100 of the others; 4 older ones were dropped
)");
}

TEST(FormatEventTest, EventsAreOneLine) {
  EXPECT_EQ(
      FormatEvent(Parse<admin::v1::Event>(R"(
              sequence: 7 time { seconds: 1700000000 } kind: "BACKEND"
              target: "static:///b1:1" backend: "b1:1" who: "10.0.0.1:1"
              from: "ALIVE" to: "DOWN" reason: "3 failed\ncalls"
              ejection: "FAILED_CALLS")")),
      "2023-11-14T22:13:20.000Z  7  BACKEND  b1:1  ALIVE -> DOWN  ejected "
      "for FAILED_CALLS  3 failed\\ncalls  [static:///b1:1]\n");
  EXPECT_EQ(FormatEvent(Parse<admin::v1::Event>(R"(
              sequence: 8 time { seconds: 1700000000 } kind: "ACTION"
              backend: "b1:1" action: "drain" asked_by: "127.0.0.1\033[2J")")),
            "2023-11-14T22:13:20.000Z  8  ACTION  b1:1  drain by "
            "127.0.0.1\\x1b[2J\n");
}

TEST(FormatResultTest, OneLine) {
  EXPECT_EQ(FormatResult(Parse<admin::v1::ActionResult>(
                R"(action: "drain" backend: "b1:1" pools: 2 message: "done")")),
            "drain b1:1: done (in 2 pools)\n");
}

TEST(HasProblemTest, WhatAnOperatorShouldLookAt) {
  const struct {
    const char* status;
    bool has_problem;
  } rows[] = {
      {"", false},
      {R"(channels { backends { state: "ALIVE" } })", false},
      {R"(channels { backends { state: "DOWN" absent: true } })", false},
      {R"(channels { backends { state: "DOWN" } })", true},
      {R"(channels { backends { state: "OVERLOADED" } })", true},
      {R"(channels { balancers { panic: true } })", true},
      {R"(channels { resolver { last_error: "x" } })", true},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(HasProblem(Parse<admin::v1::Status>(row.status)), row.has_problem)
        << row.status;
  }
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend
