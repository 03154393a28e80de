// What a record tells the sinks, in what order, in each turn that a call may
// take.
#include "multi_backend/call/call_record.h"

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Place = CallRecord::Place;

class RecordingSink final : public MetricsSink {
 public:
  explicit RecordingSink(TrailSampling sampling) : sampling_(sampling) {}

  void OnAttemptEnded(const AttemptEnded& attempt) override {
    EXPECT_EQ(attempt.target.text, "dns:///users");
    EXPECT_EQ(attempt.method.text, "/p.S/M");
    EXPECT_EQ(attempt.method.hash, Label("/p.S/M").hash);
    EXPECT_EQ(attempt.next, NextStep::kDone) << "not known yet";
    told.push_back(absl::StrCat(
        attempt.attempt, " ", attempt.backend.text, " ",
        absl::StatusCodeToString(attempt.status), " sent ",
        static_cast<int>(attempt.sent), " after ", attempt.started_after_nanos,
        " took ", attempt.latency_nanos, " waited ",
        attempt.waited_in_pick_nanos, "+", attempt.waited_in_backlog_nanos));
  }
  void OnCallEnded(const CallEnded& call) override {
    EXPECT_EQ(call.target.text, "dns:///users");
    told.push_back(absl::StrCat(
        "call ", absl::StatusCodeToString(call.status), " took ",
        call.latency_nanos, " waited ", call.waited_in_pick_nanos, "+",
        call.waited_in_backlog_nanos, " attempts ", call.attempts_made));
    last_step = call.last_step;
    trail.clear();
    for (const AttemptEnded& attempt : call.attempts) {
      trail.push_back(absl::StrCat(attempt.backend.text, " ",
                                   absl::StatusCodeToString(attempt.status),
                                   " next ", static_cast<int>(attempt.next)));
      passed_over = attempt.passed_over.size();
    }
  }
  TrailSampling trail_sampling() const override { return sampling_; }

  std::vector<std::string> told;
  std::vector<std::string> trail;
  size_t passed_over = 0;
  NextStep last_step = NextStep::kDone;

 private:
  const TrailSampling sampling_;
};

std::string Next(absl::string_view attempt, NextStep next) {
  return absl::StrCat(attempt, " next ", static_cast<int>(next));
}

class CallRecordTest : public ::testing::Test {
 protected:
  void Begin(TrailSampling sampling = {/*failed_and_retried=*/true, 0},
             bool wait_for_ready = false) {
    record_ = nullptr;
    sink_ = std::make_shared<RecordingSink>(sampling);
    observer_ = std::make_unique<CallObserver>(
        "dns:///users", std::vector<std::shared_ptr<MetricsSink>>{sink_});
    CallRecord::Call call;
    call.observer = observer_.get();
    call.method = Label("/p.S/M");
    call.wait_for_ready = wait_for_ready;
    record_ = std::make_unique<CallRecord>(std::move(call));
    record_->SetStart(100);
  }

  AttemptRecord& Start(const std::string& backend, int64_t now,
                       bool tried_before = false, bool is_replay = false) {
    AttemptRecord::Choice choice;
    choice.backend =
        std::make_shared<const BackendLabels>(backend, "10.0.0.1:1", "r");
    choice.tried_before = tried_before;
    if (record_->WantsPassedOver()) choice.passed_over = passed_over_;
    AttemptRecord& attempt = record_->AddAttempt(std::move(choice));
    streams_.emplace_back();
    streams_.back().watched = true;
    record_->OnAttemptStarted(attempt, &streams_.back(), is_replay, now);
    return attempt;
  }
  StreamReport& stream() { return streams_.back(); }

  void End(AttemptRecord& attempt, StatusCode code, int64_t now,
           bool from_server = true, bool caller_gave_up = false) {
    stream().from_server = from_server;
    AttemptEnd end;
    end.code = code;
    end.caller_gave_up = caller_gave_up;
    record_->OnAttemptEnded(attempt, end, now);
  }

  const std::vector<PassedOver> passed_over_{{"b9", PassedOver::Why::kDown}};
  std::deque<StreamReport> streams_;
  std::shared_ptr<RecordingSink> sink_;
  std::unique_ptr<CallObserver> observer_;
  std::unique_ptr<CallRecord> record_;
};

TEST_F(CallRecordTest, AnAnsweredCall) {
  Begin();
  AttemptRecord& attempt = Start("b1", 110);
  End(attempt, StatusCode::kOk, 150);
  record_->OnCallEnded(StatusCode::kOk, "", 160);
  EXPECT_THAT(sink_->told,
              ElementsAre("1 b1 OK sent 2 after 10 took 40 waited 0+0",
                          "call OK took 60 waited 0+0 attempts 1"));
  EXPECT_EQ(sink_->last_step, NextStep::kDone);
  EXPECT_THAT(sink_->trail, IsEmpty()) << "nobody asked for those of successes";
}

TEST_F(CallRecordTest, ARetriedCallHasATrail) {
  Begin();
  EXPECT_FALSE(record_->WantsPassedOver());
  AttemptRecord& first = Start("b1", 110);
  stream().sent = true;
  End(first, StatusCode::kUnavailable, 150, /*from_server=*/false);
  record_->OnNextStep(NextStep::kRetried, 150);
  EXPECT_TRUE(record_->WantsPassedOver());
  AttemptRecord& second = Start("b2", 200);
  End(second, StatusCode::kOk, 210);
  record_->OnCallEnded(StatusCode::kOk, "", 220);
  EXPECT_THAT(sink_->told,
              ElementsAre("1 b1 UNAVAILABLE sent 1 after 10 took 40 waited 0+0",
                          "2 b2 OK sent 2 after 100 took 10 waited 0+0",
                          "call OK took 120 waited 0+0 attempts 2"));
  EXPECT_THAT(sink_->trail,
              ElementsAre(Next("b1 UNAVAILABLE", NextStep::kRetried),
                          Next("b2 OK", NextStep::kDone)));
  EXPECT_EQ(sink_->passed_over, 1u);
}

TEST_F(CallRecordTest, AReplayIsTold) {
  Begin();
  AttemptRecord& first = Start("b1", 110);
  End(first, StatusCode::kUnavailable, 120, /*from_server=*/false);
  AttemptRecord& second =
      Start("b1", 130, /*tried_before=*/true, /*is_replay=*/true);
  End(second, StatusCode::kOk, 140);
  record_->OnCallEnded(StatusCode::kOk, "", 150);
  EXPECT_THAT(sink_->trail,
              ElementsAre(Next("b1 UNAVAILABLE", NextStep::kReplayed),
                          Next("b1 OK", NextStep::kDone)));
}

TEST_F(CallRecordTest, AnAttemptThatRanIntoItsTimeoutEndsWithTheDecision) {
  Begin();
  AttemptRecord& first = Start("b1", 110);
  record_->OnNextStep(NextStep::kRetried, 200);
  // Core reports its end later, as that of a cancelled attempt.
  End(first, StatusCode::kCancelled, 210, /*from_server=*/false);
  AttemptRecord& second = Start("b2", 220);
  End(second, StatusCode::kOk, 230);
  record_->OnCallEnded(StatusCode::kOk, "", 240);
  EXPECT_EQ(sink_->told[0],
            "1 b1 DEADLINE_EXCEEDED sent 1 after 10 took 90 waited 0+0");
  EXPECT_EQ(sink_->told.size(), 3u);
  EXPECT_EQ(sink_->trail[0], Next("b1 DEADLINE_EXCEEDED", NextStep::kRetried));
}

TEST_F(CallRecordTest, TheCallersEndEndsTheOpenAttempt) {
  for (const StatusCode code :
       {StatusCode::kCancelled, StatusCode::kDeadlineExceeded}) {
    Begin();
    AttemptRecord& attempt = Start("b1", 110);
    record_->OnCallEnded(code, "", 150);
    End(attempt, StatusCode::kOk, 160);
    EXPECT_THAT(
        sink_->told,
        ElementsAre(absl::StrCat("1 b1 ", absl::StatusCodeToString(code),
                                 " sent 1 after 10 took 40 waited 0+0"),
                    absl::StrCat("call ", absl::StatusCodeToString(code),
                                 " took 50 waited 0+0 attempts 1")));
    EXPECT_EQ(sink_->last_step, NextStep::kCallerGaveUp);
    EXPECT_EQ(sink_->trail.size(), 1u);
  }
}

TEST_F(CallRecordTest, AnAttemptWithoutAStreamWasNeverSent) {
  Begin();
  Start("b1", 110);
  stream().watched = false;
  record_->OnCallEnded(StatusCode::kCancelled, "", 150);
  EXPECT_EQ(sink_->told[0],
            "1 b1 CANCELLED sent 0 after 10 took 40 waited 0+0");
}

TEST_F(CallRecordTest, AnAttemptThatStartsAfterTheCallsEndIsStillTold) {
  Begin();
  record_->OnCallEnded(StatusCode::kCancelled, "", 150);
  AttemptRecord& late = Start("b1", 160);
  End(late, StatusCode::kCancelled, 170, /*from_server=*/false);
  EXPECT_THAT(sink_->told,
              ElementsAre("call CANCELLED took 50 waited 0+0 attempts 0",
                          "1 b1 CANCELLED sent 0 after 60 took 10 waited 0+0"));
}

TEST_F(CallRecordTest, WaitsAreToldWithTheAttemptAndWithTheCall) {
  Begin();
  record_->OnQueued(Place::kPick, 110);
  record_->OnQueued(Place::kBacklog, 130);
  record_->OnQueued(Place::kBacklog, 140);
  EXPECT_TRUE(record_->is_queued());
  record_->OnPicked(170);
  EXPECT_FALSE(record_->is_queued());
  AttemptRecord& first = Start("b1", 170);
  End(first, StatusCode::kUnavailable, 180, /*from_server=*/false);
  record_->OnNextStep(NextStep::kRetried, 180);
  record_->OnQueued(Place::kBacklog, 190);
  record_->OnPicked(195);
  AttemptRecord& second = Start("b2", 195);
  End(second, StatusCode::kOk, 200);
  record_->OnCallEnded(StatusCode::kOk, "", 200);
  EXPECT_THAT(
      sink_->told,
      ElementsAre("1 b1 UNAVAILABLE sent 0 after 70 took 10 waited 20+40",
                  "2 b2 OK sent 2 after 95 took 5 waited 0+5",
                  "call OK took 100 waited 20+45 attempts 2"));
}

TEST_F(CallRecordTest, ACallThatEndsWhileItWaits) {
  Begin();
  record_->OnQueued(Place::kBacklog, 110);
  record_->OnCallEnded(StatusCode::kDeadlineExceeded, "", 150);
  EXPECT_THAT(sink_->told,
              ElementsAre("call DEADLINE_EXCEEDED took 50 waited 0+40 "
                          "attempts 0"));
  EXPECT_EQ(sink_->last_step, NextStep::kCallerGaveUp);
}

TEST_F(CallRecordTest, ACallThatABacklogRefusesHadNoBackend) {
  Begin();
  record_->OnQueued(Place::kBacklog, 110);
  record_->OnDropped(140);
  record_->OnCallEnded(StatusCode::kDeadlineExceeded, "", 150);
  EXPECT_THAT(sink_->told,
              ElementsAre("call DEADLINE_EXCEEDED took 50 waited 0+30 "
                          "attempts 0"));
  EXPECT_EQ(sink_->last_step, NextStep::kNoOtherBackend);
}

TEST_F(CallRecordTest, OnlyACallThatIsReadyToWaitWaitsAfterAFailedPick) {
  for (const bool wait_for_ready : {false, true}) {
    Begin({}, wait_for_ready);
    record_->OnPickFailed(110);
    record_->OnCallEnded(StatusCode::kUnavailable, "", 150);
    EXPECT_THAT(sink_->told, ElementsAre(absl::StrCat(
                                 "call UNAVAILABLE took 50 waited ",
                                 wait_for_ready ? 40 : 0, "+0 attempts 0")));
    EXPECT_EQ(sink_->last_step, NextStep::kNoOtherBackend);
  }
}

TEST_F(CallRecordTest, WhatKeptACallFromAnotherAttempt) {
  struct Row {
    const char* name;
    StatusCode code;
    AttemptEnd end;
    absl::optional<NextStep> asked;
    NextStep expected;
  };
  AttemptEnd plain, retriable, without_retries, gave_up;
  retriable.retriable = true;
  without_retries.retriable = true;
  without_retries.makes_retries = false;
  gave_up.caller_gave_up = true;
  for (const Row& row : {
           Row{"success", StatusCode::kOk, plain, {}, NextStep::kDone},
           Row{"core did not ask",
               StatusCode::kNotFound,
               plain,
               {},
               NextStep::kNotRetriable},
           Row{"retriable, but the headers had come",
               StatusCode::kUnavailable,
               retriable,
               {},
               NextStep::kNotRetriable},
           Row{"maxRetries is 0",
               StatusCode::kUnavailable,
               without_retries,
               {},
               NextStep::kRetriesUsedUp},
           Row{"deadline",
               StatusCode::kDeadlineExceeded,
               gave_up,
               {},
               NextStep::kCallerGaveUp},
           Row{"budget", StatusCode::kUnavailable, retriable,
               NextStep::kBudgetEmpty, NextStep::kBudgetEmpty},
           Row{"the retry found no backend", StatusCode::kUnavailable,
               retriable, NextStep::kRetried, NextStep::kNoOtherBackend},
           Row{"cancelled before the retry", StatusCode::kCancelled, retriable,
               NextStep::kRetried, NextStep::kCallerGaveUp},
       }) {
    SCOPED_TRACE(row.name);
    Begin();
    AttemptEnd end = row.end;
    end.code = row.code;
    record_->OnAttemptEnded(Start("b1", 110), end, 120);
    if (row.asked.has_value()) record_->OnNextStep(*row.asked, 120);
    record_->OnCallEnded(row.code, "", 130);
    EXPECT_EQ(sink_->last_step, row.expected);
  }
}

TEST_F(CallRecordTest, TheEndIsToldOnce) {
  Begin();
  record_->OnCallEnded(StatusCode::kOk, "", 150);
  record_->OnCallEnded(StatusCode::kCancelled, "", 160);
  EXPECT_THAT(sink_->told,
              ElementsAre("call OK took 50 waited 0+0 attempts 0"));
}

TEST_F(CallRecordTest, AWholeTrailIsThereForASuccessToo) {
  Begin({/*failed_and_retried=*/false, /*one_in=*/1});
  EXPECT_TRUE(record_->WantsPassedOver());
  End(Start("b1", 110), StatusCode::kOk, 120);
  record_->OnCallEnded(StatusCode::kOk, "", 130);
  EXPECT_THAT(sink_->trail, ElementsAre(Next("b1 OK", NextStep::kDone)));
  EXPECT_EQ(sink_->passed_over, 1u);
}

TEST_F(CallRecordTest, WithoutASinkThatAsksThereIsNoTrail) {
  Begin({});
  End(Start("b1", 110), StatusCode::kUnavailable, 120);
  record_->OnCallEnded(StatusCode::kUnavailable, "", 130);
  EXPECT_THAT(sink_->trail, IsEmpty());
}

// The application's AttemptTrail on a channel without sinks.
TEST_F(CallRecordTest, AReaderNeedsNoObserver) {
  class Reader final : public CallRecord::TrailReader {
   public:
    void OnCallEnded(const CallEnded& call) override {
      attempts = call.attempts.size();
    }
    size_t attempts = 0;
  };
  const auto reader = std::make_shared<Reader>();
  CallRecord::Call call;
  call.reader = reader;
  record_ = std::make_unique<CallRecord>(std::move(call));
  record_->SetStart(100);
  End(Start("b1", 110), StatusCode::kOk, 120);
  record_->OnCallEnded(StatusCode::kOk, "", 130);
  EXPECT_EQ(reader->attempts, 1u);
}

TEST(CallObserverTest, SamplesTheShareThatASinkAsksFor) {
  CallObserver observer(
      "t", {std::make_shared<RecordingSink>(TrailSampling{false, 100})});
  int sampled = 0;
  int even = 0;
  for (int i = 0; i < 100'000; ++i) {
    if (!observer.SamplesNextCall()) continue;
    ++sampled;
    even += i % 2 == 0;
  }
  // The hash is fixed, so these are no random numbers.
  EXPECT_NEAR(sampled, 1000, 100);
  EXPECT_NEAR(even, sampled / 2, 60);
}

}  // namespace
}  // namespace multi_backend
