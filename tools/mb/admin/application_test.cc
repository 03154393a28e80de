// Runs mb against a real application: a channel over real backends, with the
// admin service in a gRPC server and the status page beside it.
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/observability.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tools/mb/testing/mb_process.h"

namespace multi_backend {
namespace mb {
namespace {

using ::testing::HasSubstr;
using testing::MbResult;
using testing::RunMb;

class ApplicationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    auto fleet = BackendFleet::Start(2);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    monitor_ = Monitor::Create();

    AdminOptions admin_options;
    admin_options.enable_actions = true;
    admin_ = MakeAdminService(monitor_, admin_options);
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(admin_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    StatusOptions status_options;
    status_options.monitor = monitor_;
    status_options.enable_actions = true;
    auto page = ServeStatus(std::move(status_options));
    ASSERT_TRUE(page.ok()) << page.status();
    page_ = *std::move(page);
    addresses_ = {absl::StrCat("127.0.0.1:", port), page_->url()};

    ChannelOptions options;
    options.sinks.push_back(monitor_);
    options.service_config_json =
        // A retry waits for a connection, however busy the machine is.
        ServiceConfig(
            R"("strategy":"PRIMARY","failover":{"maxConnectWait":"30s"})");
    auto client = UsersClient::Make(fleet_->StaticTarget(), std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    // The first one gets the calls as soon as it is connected.
    ASSERT_TRUE(WaitUntil(
        [&] { return client_->Call().served_by == fleet_->name(0); }));
  }

  std::unique_ptr<BackendFleet> fleet_;
  std::shared_ptr<Monitor> monitor_;
  std::unique_ptr<grpc::Service> admin_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<StatusServer> page_;
  std::vector<std::string> addresses_;  // For mb: by gRPC and by HTTP.
  std::unique_ptr<UsersClient> client_;
};

TEST_F(ApplicationTest, TheTrailOfARetriedCallIsShownTheSameBothWays) {
  examples::users::v1::Behaviour refusing;
  refusing.set_fail_code("UNAVAILABLE");
  fleet_->SetBehaviour(0, refusing);
  EXPECT_EQ(client_->Call().served_by, fleet_->name(1));
  std::vector<std::string> outputs;
  for (const std::string& address : addresses_) {
    // The call is noted soon after the application has its answer.
    MbResult calls;
    ASSERT_TRUE(WaitUntil([&] {
      calls = RunMb({"calls", address, "--failed"});
      return calls.out.find("RETRIED") != std::string::npos;
    })) << calls.out
        << calls.err;
    EXPECT_EQ(calls.exit_code, 0);
    EXPECT_THAT(calls.out, HasSubstr(absl::StrCat("    1  ", fleet_->address(0),
                                                  " UNAVAILABLE after ")));
    EXPECT_THAT(calls.out, HasSubstr(absl::StrCat("    2  ", fleet_->address(1),
                                                  " OK after ")));
    outputs.push_back(RunMb({"calls", address, "--failed", "--json"}).out);
  }
  EXPECT_EQ(outputs[0], outputs[1]);
}

TEST_F(ApplicationTest, StatusNamesTheChannelAndItsBackends) {
  for (const std::string& address : addresses_) {
    const MbResult status = RunMb({"status", address});
    EXPECT_EQ(status.exit_code, 0) << status.err;
    EXPECT_THAT(status.out, HasSubstr(fleet_->StaticTarget()));
    for (const std::string& backend : fleet_->addresses()) {
      EXPECT_THAT(status.out,
                  HasSubstr(absl::StrCat("  ", backend, "  ALIVE")));
    }
    EXPECT_EQ(RunMb({"top", address}).out.substr(0, 13), "multi_backend");
  }
}

TEST_F(ApplicationTest, AMarkMovesTheCallsAndIsUndone) {
  const std::string& first = fleet_->address(0);
  const MbResult mark =
      RunMb({"mark", addresses_[0], first, "--reason=disk is full"});
  EXPECT_EQ(mark.exit_code, 0) << mark.err;
  EXPECT_EQ(client_->Call().served_by, fleet_->name(1));
  EXPECT_EQ(RunMb({"status", addresses_[0], "--check"}).exit_code, 1);
  EXPECT_THAT(RunMb({"events", addresses_[1]}).out, HasSubstr("disk is full"));
  EXPECT_EQ(RunMb({"unmark", addresses_[0], first}).exit_code, 0);
  EXPECT_TRUE(
      WaitUntil([&] { return client_->Call().served_by == fleet_->name(0); }));
}

TEST_F(ApplicationTest, APageWithoutActionsSaysHowToTurnThemOn) {
  StatusOptions options;
  options.monitor = monitor_;
  const auto page = ServeStatus(std::move(options));
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(RunMb({"mark", (*page)->url(), fleet_->address(0)}).err,
              HasSubstr("actions are off"));
}

TEST_F(ApplicationTest, DrainWeightAndReconnectWorkBothWays) {
  const std::string& first = fleet_->address(0);
  const auto backend = [&] { return client_->Backend(first); };
  for (const std::string& address : addresses_) {
    MbResult result =
        RunMb({"drain", address, first, "--timeout=60", "--reason=deploy"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(WaitUntil([&] { return backend().drained; }));
    EXPECT_THAT(RunMb({"status", address}).out,
                HasSubstr(absl::StrCat("  ", first, "  ALIVE drained")));
    EXPECT_EQ(client_->Call().served_by, fleet_->name(1));
    result = RunMb({"undrain", address, first});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_FALSE(backend().draining);

    result = RunMb({"weight", address, first, "77"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(backend().weight, 77u);
    result = RunMb({"weight", address, first, "--reset"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(backend().weight, 1000u);

    result = RunMb({"reconnect", address, first});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  const MbResult events = RunMb({"events", addresses_[0]});
  for (const char* action :
       {"drain", "undrain", "setWeight", "resetWeight", "resetBackoff"}) {
    EXPECT_THAT(events.out, HasSubstr(absl::StrCat("  ", action, " by ")));
  }
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend
