// What PEAK_EWMA measures: the time of unary calls, whichever way the
// application makes them, and not the life of streams.

#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/event.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::ListUsersRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;
using examples::users::v1::WatchUsersRequest;
using ::testing::IsEmpty;

// A call made in some way.  Returns the name of the backend that served it, or
// the error.
using CallFunction = std::string (*)(Users::Stub& stub);

struct Way {
  const char* name;
  CallFunction call;
};

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
}

std::string ServedBy(const grpc::Status& status, const UserReply& reply) {
  return status.ok() ? reply.served_by() : status.error_message();
}

class Reactor final : public grpc::ClientUnaryReactor {
 public:
  void OnDone(const grpc::Status& end) override {
    status = end;
    done.Set();
  }
  grpc::Status status;
  Event done;
};

const Way kUnaryWays[] = {
    {"Callback",
     [](Users::Stub& stub) {
       grpc::ClientContext context;
       SetDeadline(context);
       GetUserRequest request;
       UserReply reply;
       grpc::Status status;
       Event done;
       stub.async()->GetUser(&context, &request, &reply,
                             [&](const grpc::Status& end) {
                               status = end;
                               done.Set();
                             });
       if (!done.Await(2 * kTestTimeout)) return std::string("no end");
       return ServedBy(status, reply);
     }},
    {"Reactor",
     [](Users::Stub& stub) {
       grpc::ClientContext context;
       SetDeadline(context);
       GetUserRequest request;
       UserReply reply;
       Reactor reactor;
       stub.async()->GetUser(&context, &request, &reply, &reactor);
       reactor.StartCall();
       if (!reactor.done.Await(2 * kTestTimeout)) return std::string("no end");
       return ServedBy(reactor.status, reply);
     }},
    {"CompletionQueue",
     [](Users::Stub& stub) {
       grpc::ClientContext context;
       SetDeadline(context);
       grpc::CompletionQueue queue;
       UserReply reply;
       grpc::Status status;
       auto call = stub.AsyncGetUser(&context, GetUserRequest(), &queue);
       call->Finish(&reply, &status, &reply);
       void* tag = nullptr;
       bool ok = false;
       queue.Next(&tag, &ok);
       return ServedBy(status, reply);
     }},
};

const Way kStreams[] = {
    {"ServerStream",
     [](Users::Stub& stub) {
       grpc::ClientContext context;
       SetDeadline(context);
       ListUsersRequest request;
       request.set_count(1);
       auto reader = stub.ListUsers(&context, request);
       UserReply reply;
       UserReply last;
       while (reader->Read(&reply)) last = reply;
       return ServedBy(reader->Finish(), last);
     }},
    {"BidirectionalStream",
     [](Users::Stub& stub) {
       grpc::ClientContext context;
       SetDeadline(context);
       auto stream = stub.WatchUsers(&context);
       stream->Write(WatchUsersRequest());
       stream->WritesDone();
       UserReply reply;
       UserReply last;
       while (stream->Read(&reply)) last = reply;
       return ServedBy(stream->Finish(), last);
     }},
};

class LatencyTest : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    auto fleet = BackendFleet::Start(2);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    auto client = UsersClient::Make(fleet_->StaticTarget(),
                                    ServiceConfig(R"("strategy":"PEAK_EWMA",
                                           "peakEwma":{"decayTime":"2s"})"));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    ASSERT_TRUE(client_->ConnectTo(fleet_->addresses()));
  }

  // Makes calls until backend 0 has served one, which takes two seconds there.
  void CallTheSlowBackend() {
    fleet_->SetBehaviour(0, Slow(absl::Seconds(2)));
    EXPECT_TRUE(WaitUntil([this]() {
      const std::string served_by = GetParam().call(client_->stub());
      EXPECT_THAT(served_by, ::testing::AnyOf("b0", "b1"));
      return served_by == "b0" || HasFailure();
    }));
    fleet_->ResetStats();
  }

  // Makes kNextCalls calls, in which no probe is due.  Each takes 50 ms, beside
  // which the delays of a busy machine are small.  They are over long before a
  // latency of two seconds has decayed to that.
  int64_t NextCallsOnTheSlowBackend() {
    for (size_t i = 0; i < fleet_->size(); ++i) {
      fleet_->SetBehaviour(i, Slow(absl::Milliseconds(50)));
    }
    EXPECT_THAT(RunCalls(*client_, /*threads=*/1, kNextCalls).failures,
                IsEmpty());
    return fleet_->CallsOf(0);
  }

  static constexpr int kNextCalls = 40;

  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
};

std::string NameOf(const ::testing::TestParamInfo<Way>& info) {
  return info.param.name;
}

class UnaryLatencyTest : public LatencyTest {};
INSTANTIATE_TEST_SUITE_P(Ways, UnaryLatencyTest,
                         ::testing::ValuesIn(kUnaryWays), NameOf);

TEST_P(UnaryLatencyTest, TheTimeOfACallCounts) {
  CallTheSlowBackend();
  // Half of the calls would go there if the backend did not count as slow.
  EXPECT_LE(NextCallsOnTheSlowBackend(), kNextCalls / 5);
}

class StreamLatencyTest : public LatencyTest {};
INSTANTIATE_TEST_SUITE_P(Ways, StreamLatencyTest, ::testing::ValuesIn(kStreams),
                         NameOf);

TEST_P(StreamLatencyTest, TheLifeOfAStreamDoesNotCount) {
  CallTheSlowBackend();
  // None would go there if the stream counted.  A hiccup of the machine may
  // keep calls away for a while.
  EXPECT_GE(NextCallsOnTheSlowBackend(), kNextCalls / 20);
}

}  // namespace
}  // namespace multi_backend
