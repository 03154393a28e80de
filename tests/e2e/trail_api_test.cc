// AttemptTrail with each API of gRPC and each kind of stream, and what becomes
// of one that is destroyed early or used twice.

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/observability.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/event.h"
#include "multi_backend/tests/testing/metadata_dump.h"
#include "multi_backend/tests/testing/trail_test.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::ListUsersRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;
using examples::users::v1::WatchUsersRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TrailApiTest : public TrailTest {};

// --- Streams and APIs -------------------------------------------------------

TEST_F(TrailApiTest, AServerStreamThatFailsAfterItsFirstReply) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  fleet_->SetBehaviour(0, FailingLate());
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
  AttemptTrail trail(&context);
  const auto reader = client_->stub().ListUsers(&context, ListUsersRequest());
  UserReply reply;
  while (reader->Read(&reply)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(
      Steps(trail.trail()),
      ElementsAre("b0 UNAVAILABLE answered, this end is not retriable"));
  CheckAgreement(trail.trail());
}

TEST_F(TrailApiTest, AServerStreamThatFailsBeforeItsFirstReplyIsRetried) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  fleet_->SetBehaviour(0, Failing());
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
  AttemptTrail trail(&context);
  const auto reader = client_->stub().ListUsers(&context, ListUsersRequest());
  UserReply reply;
  int replies = 0;
  while (reader->Read(&reply)) ++replies;
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(replies, 3);
  EXPECT_THAT(
      Steps(trail.trail()),
      ElementsAre("b0 UNAVAILABLE answered, retried", "b1 OK answered, done"));
  CheckAgreement(trail.trail());
}

TEST_F(TrailApiTest, ABidirectionalStream) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
  AttemptTrail trail(&context);
  const auto stream = client_->stub().WatchUsers(&context);
  UserReply reply;
  ASSERT_TRUE(stream->Write(WatchUsersRequest()));
  ASSERT_TRUE(stream->Read(&reply));
  EXPECT_FALSE(trail.has_ended());
  EXPECT_THAT(trail.attempts(), IsEmpty());
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&reply));
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_THAT(Steps(trail.trail()), ElementsAre("b0 OK answered, done"));
  CheckAgreement(trail.trail());
}

TEST_F(TrailApiTest, AStreamThatTheApplicationDropsWithoutItsEnd) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  auto context = std::make_unique<grpc::ClientContext>();
  AttemptTrail trail(context.get());
  auto stream = client_->stub().WatchUsers(context.get());
  UserReply reply;
  ASSERT_TRUE(stream->Write(WatchUsersRequest()));
  ASSERT_TRUE(stream->Read(&reply));
  context->TryCancel();
  stream = nullptr;
  context = nullptr;
  ASSERT_TRUE(WaitUntil([&]() { return trail.has_ended(); }));
  EXPECT_THAT(Steps(trail.trail()),
              ElementsAre("b0 CANCELLED sent, no answer, the caller gave up"));
  CheckAgreement(trail.trail());
}

TEST_F(TrailApiTest, TheCompletionQueue) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  fleet_->SetBehaviour(0, Failing());
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
  AttemptTrail trail(&context);
  UserReply reply;
  grpc::Status status;
  const auto call =
      client_->stub().AsyncGetUser(&context, GetUserRequest(), &queue);
  call->Finish(&reply, &status, this);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(trail.attempts().size(), 2u);
  CheckAgreement(trail.trail());
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
}

// --- The life of a trail ----------------------------------------------------

TEST_F(TrailApiTest, MayBeDestroyedAtAnyTime) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  {
    grpc::ClientContext context;
    { AttemptTrail before(&context); }
    EXPECT_TRUE(client_->Call({}, context).ok());
  }
  fleet_->SetBehaviour(0, Hanging());
  grpc::ClientContext context;
  auto during = std::make_unique<AttemptTrail>(&context);
  GetUserRequest request;
  UserReply reply;
  Event ended;
  client_->stub().async()->GetUser(&context, &request, &reply,
                                   [&ended](grpc::Status) { ended.Set(); });
  during = nullptr;
  context.TryCancel();
  EXPECT_TRUE(ended.Await(kTestTimeout));
}

TEST_F(TrailApiTest, AUsedContextIsAnError) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  grpc::ClientContext context;
  EXPECT_TRUE(client_->Call({}, context).ok());
  const AttemptTrail late(&context);
  EXPECT_EQ(late.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(late.ToString(), HasSubstr("has had a call before"));
  const AttemptTrail null(nullptr);
  EXPECT_THAT(null.ToString(), HasSubstr("the context is null"));
}

TEST_F(TrailApiTest, TwoTrailsOnOneContextAreAnError) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
  const AttemptTrail first(&context);
  const AttemptTrail second(&context);
  EXPECT_TRUE(client_->Call({}, context).ok());
  for (const AttemptTrail* trail : {&first, &second}) {
    EXPECT_THAT(trail->ToString(), HasSubstr("has two trails"));
    EXPECT_THAT(trail->attempts(), IsEmpty());
  }
}

// One that was destroyed before the call does not count.
TEST_F(TrailApiTest, ASecondTrailMayReplaceADestroyedOne) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
  { AttemptTrail first(&context); }
  const AttemptTrail second(&context);
  EXPECT_TRUE(client_->Call({}, context).ok());
  EXPECT_THAT(Steps(second.trail()), ElementsAre("b0 OK answered, done"));
}

TEST_F(TrailApiTest, OnAForeignChannelItIsEmptyAndNothingIsSent) {
  MetadataDump dump;
  auto fleet = BackendFleet::Start({dump.Record({"b0", "", {}})});
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  const auto stub = Users::NewStub(grpc::CreateChannel(
      (*fleet)->address(0), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
  context.AddMetadata(kCallIdKey, "one");
  const AttemptTrail trail(&context);
  UserReply reply;
  EXPECT_TRUE(stub->GetUser(&context, GetUserRequest(), &reply).ok());
  EXPECT_THAT(trail.attempts(), IsEmpty());
  EXPECT_TRUE(trail.status().ok());
  EXPECT_THAT(trail.ToString(), HasSubstr("not multi_backend's"));
  const auto calls = dump.ByCall(**fleet);
  ASSERT_EQ(calls.size(), 1u);
  for (const auto& entry : calls.begin()->second[0].metadata) {
    EXPECT_NE(entry.first, "mb-call-bin");
  }
}

}  // namespace
}  // namespace multi_backend
