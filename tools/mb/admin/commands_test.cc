// Runs the commands that ask an application as a user does, against an admin
// service over gRPC and against a status page over HTTP.
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability/admin/admin.grpc.pb.h"
#include "multi_backend/observability/admin/event_log.h"
#include "multi_backend/tools/mb/testing/mb_process.h"
#include "multi_backend/tools/mb/testing/status_page_of_one_backend.h"

namespace multi_backend {
namespace mb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::MbProcess;
using testing::MbResult;
using ::testing::Not;
using testing::RunMb;
using testing::TextFile;

constexpr char kToken[] = "a-token-of-20-bytes!";

// An admin service that knows one backend, and says what it was asked.
class FakeAdmin final : public admin::v1::Admin::Service {
 public:
  grpc::Status GetStatus(grpc::ServerContext* context,
                         const admin::v1::GetStatusRequest* request,
                         admin::v1::Status* status) override {
    if (context->client_metadata().count("authorization") > 0) {
      const auto value = context->client_metadata().find("authorization");
      status->set_library_version(
          std::string(value->second.data(), value->second.size()));
    }
    auto* channel = status->add_channels();
    channel->set_target(request->target().empty() ? "static:///b1:1"
                                                  : request->target());
    auto* backend = channel->add_backends();
    backend->set_name("b1:1");
    backend->set_state("DOWN");
    backend->set_reason("refused\x1b[2J");
    return grpc::Status::OK;
  }

  grpc::Status GetCalls(grpc::ServerContext*,
                        const admin::v1::GetCallsRequest* request,
                        admin::v1::Calls* calls) override {
    auto* call = calls->add_calls();
    call->set_method("/a.B/C");
    call->set_status(absl::StrCat("limit ", request->limit(), " failed ",
                                  request->failed_or_retried_only()));
    return grpc::Status::OK;
  }

  grpc::Status WatchEvents(
      grpc::ServerContext*, const admin::v1::WatchEventsRequest* request,
      grpc::ServerWriter<admin::v1::Event>* writer) override {
    admin::v1::Event event;
    event.set_sequence(request->after() + 1);
    event.set_reason(request->kept_only() ? "kept only" : "followed");
    writer->Write(event);
    return grpc::Status::OK;
  }

  grpc::Status MarkUnhealthy(grpc::ServerContext*,
                             const admin::v1::BackendRequest* request,
                             admin::v1::ActionResult* result) override {
    return Act("mark", *request, result);
  }
  grpc::Status MarkHealthy(grpc::ServerContext*,
                           const admin::v1::BackendRequest* request,
                           admin::v1::ActionResult* result) override {
    return Act("unmark", *request, result);
  }
  grpc::Status Drain(grpc::ServerContext*,
                     const admin::v1::DrainRequest* request,
                     admin::v1::ActionResult* result) override {
    return Act("drain", *request, result);
  }
  grpc::Status Undrain(grpc::ServerContext*,
                       const admin::v1::BackendRequest* request,
                       admin::v1::ActionResult* result) override {
    return Act("undrain", *request, result);
  }
  grpc::Status SetWeight(grpc::ServerContext*,
                         const admin::v1::SetWeightRequest* request,
                         admin::v1::ActionResult* result) override {
    return Act("setWeight", *request, result);
  }
  grpc::Status ResetWeight(grpc::ServerContext*,
                           const admin::v1::BackendRequest* request,
                           admin::v1::ActionResult* result) override {
    return Act("resetWeight", *request, result);
  }
  grpc::Status ResetBackoff(grpc::ServerContext*,
                            const admin::v1::BackendRequest* request,
                            admin::v1::ActionResult* result) override {
    return Act("resetBackoff", *request, result);
  }

 private:
  template <typename Request>
  static grpc::Status Act(const std::string& action, const Request& request,
                          admin::v1::ActionResult* result) {
    if (request.backend() != "b1:1") {
      return {grpc::StatusCode::NOT_FOUND, "no channel has it\n"};
    }
    result->set_action(action);
    result->set_backend(request.backend());
    // Unlike DebugString(), it prints the same in all releases of protobuf.
    google::protobuf::TextFormat::Printer printer;
    printer.SetSingleLineMode(true);
    std::string text;
    EXPECT_TRUE(printer.PrintToString(request, &text));
    result->set_message(std::string(absl::StripSuffix(text, " ")));
    return grpc::Status::OK;
  }
};

// A service of the application, which is no admin service.
class UsersService final : public examples::users::v1::Users::Service {};

class GrpcAdminTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(&admin_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    address_ = absl::StrCat("127.0.0.1:", port);
  }

  FakeAdmin admin_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

TEST_F(GrpcAdminTest, StatusAsTextAndJson) {
  const MbResult text = RunMb({"status", address_});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("b1:1     DOWN"));
  EXPECT_THAT(text.out, HasSubstr("refused\\x1b[2J"));
  const MbResult json =
      RunMb({"status", address_, "--json", "--target=static:///x"});
  EXPECT_EQ(json.exit_code, 0) << json.err;
  EXPECT_THAT(json.out, HasSubstr("\"target\":\"static:///x\""));
  EXPECT_THAT(json.out, HasSubstr("\"state\":\"DOWN\""));
  EXPECT_THAT(json.out, Not(HasSubstr("\x1b")));
  // A backend is down.
  EXPECT_EQ(RunMb({"status", address_, "--check"}).exit_code, 1);
}

TEST_F(GrpcAdminTest, TheTokenIsSentToThisMachine) {
  const TextFile token("token", absl::StrCat(kToken, "\n"));
  const MbResult file =
      RunMb({"status", address_, "--token-file", token.path()});
  EXPECT_THAT(file.out, HasSubstr(absl::StrCat("Bearer ", kToken)));
  MbProcess::Options options;
  options.environment = {"MULTI_BACKEND_ADMIN_TOKEN_FILE=" + token.path()};
  EXPECT_THAT(RunMb({"status", address_}, options).out,
              HasSubstr(absl::StrCat("Bearer ", kToken)));
  const MbResult remote =
      RunMb({"status", "status.invalid:1", "--token-file", token.path()});
  EXPECT_EQ(remote.exit_code, 1);
  EXPECT_THAT(remote.err, HasSubstr("would cross the network in the clear"));
  EXPECT_THAT(remote.err, Not(HasSubstr(kToken)));
}

TEST_F(GrpcAdminTest, Calls) {
  const MbResult calls = RunMb({"calls", address_, "--failed", "--limit=7"});
  EXPECT_EQ(calls.exit_code, 0) << calls.err;
  EXPECT_THAT(calls.out, HasSubstr("limit 7 failed 1  0.00ms  /a.B/C\n"));
}

TEST_F(GrpcAdminTest, Events) {
  const MbResult kept = RunMb({"events", address_, "--after=41"});
  EXPECT_EQ(kept.exit_code, 0) << kept.err;
  EXPECT_THAT(kept.out, AllOf(HasSubstr("  42  "), HasSubstr("kept only\n")));
  const MbResult followed = RunMb({"events", address_, "--follow", "--json"});
  EXPECT_THAT(followed.out, HasSubstr("\"reason\":\"followed\""));
}

TEST_F(GrpcAdminTest, Actions) {
  const struct {
    std::vector<std::string> arguments;
    const char* out;
  } rows[] = {
      {{"mark", address_, "b1:1", "--reason=disk"},
       "mark b1:1: backend: \"b1:1\" reason: \"disk\" (in 0 pools)\n"},
      {{"unmark", address_, "b1:1", "--target=x"},
       "unmark b1:1: target: \"x\" backend: \"b1:1\" (in 0 pools)\n"},
      {{"drain", address_, "b1:1", "--timeout=1.5"},
       "drain b1:1: backend: \"b1:1\" timeout { seconds: 1 nanos: 500000000 } "
       "(in 0 pools)\n"},
      {{"drain", address_, "b1:1"},
       "drain b1:1: backend: \"b1:1\" (in 0 pools)\n"},
      {{"undrain", address_, "b1:1"},
       "undrain b1:1: backend: \"b1:1\" (in 0 pools)\n"},
      {{"weight", address_, "b1:1", "500"},
       "setWeight b1:1: backend: \"b1:1\" weight: 500 (in 0 pools)\n"},
      {{"weight", address_, "b1:1", "--reset"},
       "resetWeight b1:1: backend: \"b1:1\" (in 0 pools)\n"},
      {{"reconnect", address_, "b1:1"},
       "resetBackoff b1:1: backend: \"b1:1\" (in 0 pools)\n"},
  };
  for (const auto& row : rows) {
    const MbResult result = RunMb(row.arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.out, row.out);
  }
  const MbResult unknown = RunMb({"mark", address_, "b2:1"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_EQ(unknown.err, absl::StrCat("mb: ", address_,
                                      ": NOT_FOUND: no channel has it\\n\n"));
}

TEST_F(GrpcAdminTest, WrongUsage) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {"status"},
           {"mark", address_},
           {"weight", address_, "b1:1"},
           {"weight", address_, "b1:1", "1000001"},
           {"weight", address_, "b1:1", "-1"},
           {"weight", address_, "b1:1", "0"},
           {"weight", address_, "b1:1", "5", "--reset"},
           {"drain", address_, "b1:1", "--timeout=-1"}}) {
    const MbResult result = RunMb(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.out << result.err;
  }
}

TEST_F(GrpcAdminTest, AServerThatIsNotThereOrHasNoAdminService) {
  server_->Shutdown();
  server_.reset();
  const MbResult gone = RunMb({"status", address_});
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_THAT(gone.err, HasSubstr(absl::StrCat("mb: ", address_, ": ")));
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  UsersService users;
  builder.RegisterService(&users);
  const std::unique_ptr<grpc::Server> other = builder.BuildAndStart();
  const MbResult none = RunMb({"status", absl::StrCat("127.0.0.1:", port)});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("the server has no admin service"));
}

class StatusPageTest : public testing::StatusPageOfOneBackend {
 protected:
  void AddEvent(const std::string& reason) {
    StateChanged change;
    const std::string target = "static:///10.0.0.1:1";
    change.target = Label(target);
    change.backend = Label("10.0.0.1:1");
    change.from = "ALIVE";
    change.to = "DOWN";
    change.reason = reason;
    monitor_->OnStateChanged(change);
  }
};

TEST_F(StatusPageTest, Status) {
  Serve(/*enable_actions=*/false);
  const MbResult status = RunMb({"status", server_->url()});
  EXPECT_EQ(status.exit_code, 0) << status.err;
  EXPECT_THAT(status.out, AllOf(HasSubstr("1 channel, actions off\n"),
                                HasSubstr("static:///10.0.0.1:1  READY"),
                                HasSubstr("  10.0.0.1:1  ALIVE")));
  EXPECT_EQ(RunMb({"status", server_->url(), "--check"}).exit_code, 0);
  const MbResult other =
      RunMb({"status", server_->url(), "--target=static:///x"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_EQ(other.err, "mb: no channel has the target static:///x\n");
}

TEST_F(StatusPageTest, EventsThatAreKeptAndThatCome) {
  Serve(/*enable_actions=*/false);
  EXPECT_EQ(RunMb({"events", server_->url()}).out, "");
  AddEvent("first");
  AddEvent("second");
  const MbResult kept = RunMb({"events", server_->url()});
  EXPECT_EQ(kept.exit_code, 0) << kept.err;
  EXPECT_THAT(kept.out, AllOf(HasSubstr("  1  BACKEND  10.0.0.1:1  ALIVE -> "
                                        "DOWN  first"),
                              HasSubstr("second")));
  EXPECT_THAT(RunMb({"events", server_->url(), "--after=1"}).out,
              AllOf(Not(HasSubstr("first")), HasSubstr("second")));
  EXPECT_EQ(RunMb({"events", server_->url(), "--after=2"}).out, "");
  // A number of an earlier process at the same address.
  EXPECT_THAT(RunMb({"events", server_->url(), "--after=5000"}).out,
              AllOf(HasSubstr("first"), HasSubstr("second")));
  // An action on all channels has no target, so it concerns each.
  auto action = std::make_unique<admin::v1::Event>();
  action->set_reason("fourth");
  monitor_->events().Add(std::move(action));
  EXPECT_THAT(RunMb({"events", server_->url(), "--target=static:///x"}).out,
              AllOf(Not(HasSubstr("second")), HasSubstr("fourth")));
  MbProcess follow({"events", server_->url(), "--follow"});
  ASSERT_TRUE(follow.AwaitOutput("second")) << follow.Wait().err;
  AddEvent("third");
  EXPECT_TRUE(follow.AwaitOutput("third")) << follow.out();
}

TEST_F(StatusPageTest, Calls) {
  Serve(/*enable_actions=*/false);
  CallEnded call;
  call.method = Label("/a.B/C");
  call.status = absl::StatusCode::kUnavailable;
  monitor_->OnCallEnded(call);
  const MbResult calls = RunMb({"calls", server_->url()});
  EXPECT_EQ(calls.exit_code, 0) << calls.err;
  EXPECT_THAT(calls.out, HasSubstr("UNAVAILABLE  0.00ms  /a.B/C\n"));
}

TEST_F(StatusPageTest, AnActionIsCarriedOutAndLeavesAnEvent) {
  Serve(/*enable_actions=*/true);
  const MbResult result =
      RunMb({"unmark", server_->url(), "10.0.0.1:1", "--reason=disk is empty"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("markHealthy 10.0.0.1:1: "));
  EXPECT_TRUE(pool_->GetAllBackends().empty());
  EXPECT_THAT(RunMb({"events", server_->url()}).out,
              AllOf(HasSubstr("ACTION"), HasSubstr("disk is empty")));
  const MbResult unknown = RunMb({"mark", server_->url(), "10.0.0.9:1"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_NE(unknown.err, "");
}

TEST_F(StatusPageTest, ActionsThatAreOffSayHowToTurnThemOn) {
  Serve(/*enable_actions=*/false);
  const MbResult result = RunMb({"mark", server_->url(), "10.0.0.1:1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("actions are off"));
}

TEST_F(StatusPageTest, TheTokenIsAskedFor) {
  Serve(/*enable_actions=*/false, kToken);
  const MbResult without = RunMb({"status", server_->url()});
  EXPECT_EQ(without.exit_code, 1);
  EXPECT_NE(without.err, "");
  const TextFile token("token", kToken);
  const MbResult with =
      RunMb({"status", server_->url(), "--token-file", token.path()});
  EXPECT_EQ(with.exit_code, 0) << with.err;
}

TEST_F(StatusPageTest, APageThatIsNotThere) {
  Serve(/*enable_actions=*/false);
  const std::string url = server_->url();
  server_.reset();
  const MbResult result = RunMb({"status", url});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("mb: http://127.0.0.1:"));
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend
