#include "multi_backend/tests/testing/server_process.h"

#include <errno.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "multi_backend/examples/users.grpc.pb.h"

namespace multi_backend {
namespace {

using ::examples::users::v1::GetUserRequest;
using ::examples::users::v1::ListUsersRequest;
using ::examples::users::v1::UserReply;
using ::examples::users::v1::Users;
using ::examples::users::v1::WatchUsersRequest;
using ::testing::HasSubstr;

std::unique_ptr<ServerProcess> StartOrDie(std::vector<std::string> flags) {
  ServerProcess::Options options;
  options.flags = std::move(flags);
  auto server = ServerProcess::Start(options);
  if (!server.ok()) {
    ADD_FAILURE() << server.status();
    abort();
  }
  return *std::move(server);
}

struct Outcome {
  grpc::Status status;
  UserReply reply;
  std::multimap<std::string, std::string> trailers;
};

// Each stub has its own channel, so that no earlier connection is reused.
std::unique_ptr<Users::Stub> NewStub(const ServerProcess& server) {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return Users::NewStub(grpc::CreateCustomChannel(
      server.address(), grpc::InsecureChannelCredentials(), args));
}

Outcome Get(Users::Stub* stub, absl::Duration timeout,
            const std::string& user_agent_note = "") {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  if (!user_agent_note.empty()) context.AddMetadata("x-note", user_agent_note);
  GetUserRequest request;
  request.set_user_id("7");
  Outcome outcome;
  outcome.status = stub->GetUser(&context, request, &outcome.reply);
  for (const auto& entry : context.GetServerTrailingMetadata()) {
    outcome.trailers.emplace(
        std::string(entry.first.data(), entry.first.size()),
        std::string(entry.second.data(), entry.second.size()));
  }
  return outcome;
}

Outcome Get(const ServerProcess& server) {
  return Get(NewStub(server).get(), kServerProcessTimeout);
}

TEST(ServerProcessTest, AnswersWithItsName) {
  auto server = StartOrDie({"--name", "alpha"});
  const Outcome outcome = Get(*server);
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.error_message();
  EXPECT_EQ(outcome.reply.served_by(), "alpha");
  EXPECT_EQ(outcome.reply.user().id(), "7");
  EXPECT_EQ(outcome.trailers.find("served-by")->second, "alpha");
}

TEST(ServerProcessTest, KillEndsTheProcessAndRestartTakesTheSamePort) {
  auto server = StartOrDie({});
  const int port = server->port();
  const pid_t pid = server->pid();
  server->Kill();
  EXPECT_FALSE(server->running());
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  EXPECT_EQ(Get(*server).status.error_code(), grpc::StatusCode::UNAVAILABLE);
  server->Kill();  // A no-op.
  for (int i = 0; i < 3; ++i) {
    const absl::Status restarted = server->Restart();
    ASSERT_TRUE(restarted.ok()) << restarted;
    EXPECT_EQ(server->port(), port);
    EXPECT_TRUE(Get(*server).status.ok());
  }
}

TEST(ServerProcessTest, StoppedServerAnswersOnlyWhenContinued) {
  auto server = StartOrDie({});
  auto stub = NewStub(*server);
  ASSERT_TRUE(Get(stub.get(), kServerProcessTimeout).status.ok());
  server->Stop();
  EXPECT_EQ(Get(stub.get(), absl::Milliseconds(100)).status.error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  server->Continue();
  EXPECT_TRUE(Get(stub.get(), kServerProcessTimeout).status.ok());
}

TEST(ServerProcessTest, TerminateIsAnOrderlyExitAlsoWhenStoppedOrHanging) {
  auto server = StartOrDie({"--hang"});
  auto stub = NewStub(*server);
  std::thread caller([&] {
    EXPECT_FALSE(Get(stub.get(), kServerProcessTimeout).status.ok());
  });
  server->Stop();
  const absl::Status ended = server->Terminate();
  EXPECT_TRUE(ended.ok()) << ended;
  EXPECT_FALSE(server->running());
  caller.join();
  EXPECT_EQ(server->Terminate().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ServerProcessTest, OutlivesTheThreadThatStartedIt) {
  std::unique_ptr<ServerProcess> server;
  std::thread([&] { server = StartOrDie({}); }).join();
  EXPECT_TRUE(Get(*server).status.ok());
}

TEST(ServerProcessTest, DiesWithItsObject) {
  auto server = StartOrDie({});
  const pid_t pid = server->pid();
  server.reset();
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST(ServerProcessTest, SaysWhyItCannotStart) {
  ServerProcess::Options options;
  options.flags = {"--fail-code", "UNAVAILABEL"};
  EXPECT_THAT(std::string(ServerProcess::Start(options).status().message()),
              HasSubstr("fail_code must be the name of an error"));
  options.flags = {"--nonsense"};
  EXPECT_THAT(std::string(ServerProcess::Start(options).status().message()),
              HasSubstr("--nonsense"));
  options.binary = "/nowhere/backend";
  EXPECT_THAT(std::string(ServerProcess::Start(options).status().message()),
              HasSubstr("start /nowhere/backend: No such file"));
}

TEST(ServerProcessTest, OutputIsCapturedOverRestarts) {
  auto server = StartOrDie({});
  ASSERT_TRUE(server->Restart().ok());
  const std::string line = absl::StrCat("LISTENING ", server->port(), "\n");
  const std::string output = server->output();
  EXPECT_EQ(std::vector<std::string>(absl::StrSplit(output, line)).size(), 3u)
      << output;
}

TEST(BackendTest, FailsEveryNthCallWithItsNameAndPushback) {
  auto server = StartOrDie({"--name", "beta", "--fail-code", "ABORTED",
                            "--fail-every", "3", "--pushback-ms", "250"});
  auto stub = NewStub(*server);
  for (int call = 1; call <= 6; ++call) {
    const Outcome outcome = Get(stub.get(), kServerProcessTimeout);
    if (call % 3 != 0) {
      EXPECT_TRUE(outcome.status.ok());
      continue;
    }
    EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::ABORTED);
    EXPECT_EQ(outcome.status.error_message(), "backend beta was told to fail");
    EXPECT_EQ(outcome.trailers.find("grpc-retry-pushback-ms")->second, "250");
  }
}

// gRPC's server parses this key.  It sends a value that is not a number as the
// smallest number.
TEST(BackendTest, PushbackThatIsNoNumberReachesTheClientAsNegative) {
  auto server =
      StartOrDie({"--fail-code", "UNAVAILABLE", "--pushback-ms", "soon"});
  const Outcome outcome = Get(*server);
  EXPECT_THAT(outcome.trailers.find("grpc-retry-pushback-ms")->second,
              testing::StartsWith("-"));
}

struct StreamRow {
  const char* flag;
  int responses;
};

TEST(BackendTest, StreamsFailBeforeOrAfterTheFirstResponse) {
  for (const StreamRow& row :
       std::vector<StreamRow>{{"--fail-before-first-response", 0},
                              {"--fail-after-first-response", 1}}) {
    SCOPED_TRACE(row.flag);
    auto server = StartOrDie({"--fail-code", "UNAVAILABLE", row.flag});
    auto stub = NewStub(*server);
    UserReply reply;
    grpc::ClientContext list_context;
    auto list = stub->ListUsers(&list_context, ListUsersRequest());
    int responses = 0;
    while (list->Read(&reply)) ++responses;
    EXPECT_EQ(responses, row.responses);
    EXPECT_EQ(list->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);

    grpc::ClientContext watch_context;
    auto watch = stub->WatchUsers(&watch_context);
    responses = 0;
    while (watch->Write(WatchUsersRequest()) && watch->Read(&reply)) {
      ++responses;
    }
    EXPECT_EQ(responses, row.responses);
    EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  }
}

TEST(BackendTest, ListAndWatchAnswerInFull) {
  auto server = StartOrDie({"--name", "gamma"});
  auto stub = NewStub(*server);
  UserReply reply;
  grpc::ClientContext list_context;
  ListUsersRequest request;
  request.set_count(5);
  auto list = stub->ListUsers(&list_context, request);
  int responses = 0;
  while (list->Read(&reply)) ++responses;
  EXPECT_EQ(responses, 5);
  EXPECT_TRUE(list->Finish().ok());

  grpc::ClientContext watch_context;
  auto watch = stub->WatchUsers(&watch_context);
  for (const char* id : {"1", "2"}) {
    WatchUsersRequest watched;
    watched.set_user_id(id);
    ASSERT_TRUE(watch->Write(watched));
    ASSERT_TRUE(watch->Read(&reply));
    EXPECT_EQ(reply.user().id(), id);
    EXPECT_EQ(reply.served_by(), "gamma");
  }
  watch->WritesDone();
  EXPECT_TRUE(watch->Finish().ok());
}

TEST(BackendTest, DumpsTheMetadataOfEachCall) {
  const std::string path = testing::TempDir() + "/metadata_dump.tsv";
  auto server = StartOrDie({"--dump-metadata", path});
  auto stub = NewStub(*server);
  Get(stub.get(), kServerProcessTimeout, "first");
  Get(stub.get(), kServerProcessTimeout, "second");
  std::vector<std::string> notes;
  std::ifstream dump(path);
  for (std::string line; std::getline(dump, line);) {
    if (absl::StrContains(line, "x-note")) notes.push_back(line);
  }
  EXPECT_THAT(notes, testing::ElementsAre("GetUser\tx-note\tfirst",
                                          "GetUser\tx-note\tsecond"));
}

}  // namespace
}  // namespace multi_backend
