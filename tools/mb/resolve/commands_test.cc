// Runs `mb resolve` as a user does, against real stores.
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/tests/testing/etcd_server.h"
#include "multi_backend/tests/testing/knot_server.h"
#include "multi_backend/tests/testing/zookeeper_server.h"
#include "multi_backend/tools/mb/testing/mb_process.h"

namespace multi_backend {
namespace mb {
namespace {

using ::testing::HasSubstr;
using testing::MbProcess;
using testing::MbResult;
using ::testing::Not;
using testing::RunMb;
using testing::TextFile;

constexpr char kPassword[] = "hunter2secret";

TEST(ResolveCommandTest, AList) {
  const MbResult result =
      RunMb({"resolve", "static:///10.0.0.1:1,users.example:2"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("2 endpoints\n"
                                    "  BACKEND          WEIGHT\n"
                                    "  10.0.0.1:1         1000\n"
                                    "  users.example:2    1000\n"));
}

TEST(ResolveCommandTest, AFileIsFollowed) {
  const TextFile file(
      "backends.json",
      R"({"endpoints":[{"address":"10.0.0.1:1"},{"address":"10.0.0.2:1"}]})");
  MbProcess watch({"resolve", "--watch", "file://" + file.path()});
  ASSERT_TRUE(watch.AwaitOutput("2 endpoints\n")) << watch.Wait().err;
  file.Write(
      R"({"endpoints":[{"address":"10.0.0.2:1","role":"a"},
                       {"address":"10.0.0.3:1"}]})");
  ASSERT_TRUE(
      watch.AwaitOutput("2 endpoints: 1 new, 1 gone, 1 changed\n"
                        "  -  10.0.0.1:1\n"
                        "  +  10.0.0.3:1    1000\n"
                        "  ~  10.0.0.2:1    1000  a\n"))
      << watch.out();
  // The last list stays, and the error is said once.
  file.Write("{");
  ASSERT_TRUE(watch.AwaitOutput("error: ")) << watch.out();
  file.Write(R"({"endpoints":[{"address":"10.0.0.3:1"}]})");
  ASSERT_TRUE(watch.AwaitOutput("1 endpoint: 0 new, 1 gone, 0 changed\n"));
  const MbResult result = watch.Interrupt();
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST(ResolveCommandTest, AMissingFileIsAProblem) {
  const MbResult result =
      RunMb({"resolve", "--timeout=0.2", "--json", "file:///nonexistent/a"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("No such file or directory"));
  EXPECT_THAT(result.out, HasSubstr("\"endpoints\":[]"));
  EXPECT_THAT(result.out, HasSubstr("No such file or directory"));
}

TEST(ResolveCommandTest, OtherTargetsAreRefusedWithTheRemedy) {
  const struct {
    const char* target;
    const char* why;
  } rows[] = {
      {"dns:///users.example:1",
       "mb: the target is resolved by gRPC itself; "
       "write static:///host:port,host:port or a "},
      {"group:///users", "mb: a group: target exists only in the application"},
      {"static:///", "mb: the target static:/// stands for the `backends`"},
      {"10.0.0.1", "mb: the target is not a URI; write static:///"},
      {"static:///10.0.0.1", "mb: static target: endpoint 1: "},
      {"etcd:///x", "mb: etcd target: "},
  };
  for (const auto& row : rows) {
    const MbResult result = RunMb({"resolve", row.target});
    EXPECT_EQ(result.exit_code, 1) << row.target;
    EXPECT_THAT(result.err, HasSubstr(row.why));
  }
}

TEST(ResolveCommandTest, APasswordInATargetIsNeverShown) {
  for (const std::string scheme :
       {"etcd", "zookeeper", "dns+addr", "dns+txt", "file", "dns", "x"}) {
    const MbResult result = RunMb(
        {"resolve", "--timeout=0.2", "--json",
         absl::StrCat(scheme, "://user:", kPassword, "@127.0.0.1:1/a/b:1")});
    EXPECT_EQ(result.exit_code, 1) << scheme;
    EXPECT_NE(result.err, "") << scheme;
    EXPECT_THAT(result.err + result.out, Not(HasSubstr(kPassword))) << scheme;
  }
}

TEST(ResolveCommandTest, Dns) {
  MB_REQUIRE_PACKAGE(KnotServer::Installed(), KnotServer::kHowToInstall);
  const auto server = KnotServer::Start();
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_TRUE((*server)
                  ->Update({"add users.example. 1 TXT \"10.0.0.1:50051 "
                            "weight=2000 role=primary zone=eu\"",
                            "add host.example. 1 A 127.0.0.2",
                            "add _grpc._tcp.users.example. 1 SRV 1 100 7 "
                            "host.example."})
                  .ok());
  const std::string at = absl::StrCat("://", (*server)->address(), "/");
  const MbResult text = RunMb({"resolve", "dns+txt" + at + "users.example"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("  10.0.0.1:50051    2000  primary  eu\n"));
  const MbResult address =
      RunMb({"resolve", "dns+addr" + at + "host.example:9", "--json"});
  EXPECT_EQ(address.exit_code, 0) << address.err;
  EXPECT_THAT(address.out, HasSubstr("\"address\":\"127.0.0.2:9\""));
  const MbResult service =
      RunMb({"resolve", "dns+srv" + at + "_grpc._tcp.users.example"});
  EXPECT_EQ(service.exit_code, 0) << service.err;
  EXPECT_THAT(service.out, HasSubstr("127.0.0.2:7"));

  MbProcess watch({"resolve", "--watch", "dns+txt" + at + "users.example"});
  ASSERT_TRUE(watch.AwaitOutput("1 endpoint\n")) << watch.Wait().err;
  ASSERT_TRUE(
      (*server)->Update({"add users.example. 1 TXT 10.0.0.2:50051"}).ok());
  EXPECT_TRUE(watch.AwaitOutput("+  10.0.0.2:50051")) << watch.out();
  EXPECT_EQ(watch.Interrupt().exit_code, 0);
}

TEST(ResolveCommandTest, EtcdWithAPasswordFile) {
  MB_REQUIRE_PACKAGE(EtcdServer::Installed(), EtcdServer::kHowToInstall);
  const auto server = EtcdServer::Start();
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_TRUE((*server)->Put("/users/a", "10.0.0.1:50051 role=primary").ok());
  ASSERT_TRUE((*server)->EnableUsers(kPassword).ok());
  const TextFile credentials("auth", absl::StrCat("root:", kPassword, "\n"));
  MbProcess::Options options;
  options.environment = {"MULTI_BACKEND_ETCD_AUTH_FILE=" + credentials.path()};
  const std::string target =
      absl::StrCat("etcd://", (*server)->address(), "/users/");
  MbProcess watch({"resolve", "--watch", target}, options);
  ASSERT_TRUE(watch.AwaitOutput("10.0.0.1:50051")) << watch.Wait().err;
  ASSERT_TRUE((*server)->Put("/users/b", "10.0.0.2:50051").ok());
  EXPECT_TRUE(watch.AwaitOutput("+  10.0.0.2:50051")) << watch.out();
  ASSERT_TRUE((*server)->DeletePrefix("/users/a").ok());
  EXPECT_TRUE(watch.AwaitOutput("-  10.0.0.1:50051")) << watch.out();
  const MbResult result = watch.Interrupt();
  EXPECT_EQ(result.exit_code, 0) << result.err;

  // Without the file it is refused.
  const MbResult refused = RunMb({"resolve", "--timeout=2", target});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("mb: etcd://"));
}

TEST(ResolveCommandTest, ZookeeperWithAPasswordInTheEnvironment) {
  MB_REQUIRE_PACKAGE(ZookeeperServer::Installed(),
                     ZookeeperServer::kHowToInstall);
  const auto server = ZookeeperServer::Start();
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string digest = absl::StrCat("user:", kPassword);
  ASSERT_TRUE(
      (*server)->Put({{"/users/a", "10.0.0.1:50051 zone=eu"}}, digest).ok());
  MbProcess::Options options;
  options.environment = {"MULTI_BACKEND_ZOOKEEPER_AUTH=" + digest};
  const std::string target =
      absl::StrCat("zookeeper://", (*server)->address(), "/users");
  MbProcess watch({"resolve", "--watch", "--json", target}, options);
  ASSERT_TRUE(watch.AwaitOutput("\"address\":\"10.0.0.1:50051\""))
      << watch.Wait().err;
  ASSERT_TRUE((*server)->Put({{"/users/b", "10.0.0.2:50051"}}).ok());
  EXPECT_TRUE(watch.AwaitOutput("\"added\":[\"10.0.0.2:50051\"]"))
      << watch.out();
  const MbResult result = watch.Interrupt();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, Not(HasSubstr(kPassword)));
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend
