// Uses a real etcd.  The test of //examples:registered_backend covers what a
// killed process leaves behind.
#include "multi_backend/resolver/grpc/etcd/registrar.h"

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/grpc/etcd/endpoint_group.h"
#include "multi_backend/tests/testing/etcd_server.h"
#include "multi_backend/tests/testing/group_recorder.h"

namespace multi_backend {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kPrefix[] = "/services/users/";
constexpr absl::Duration kPatience = absl::Seconds(30);
// How soon a server that starts must be in every client's list.
constexpr milliseconds kAppears(1000);

class EtcdRegistrarTest : public ::testing::Test {
 protected:
  void SetUp() override {
    MB_REQUIRE_PACKAGE(EtcdServer::Installed(), EtcdServer::kHowToInstall);
    auto server = EtcdServer::Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    options_.ttl = absl::Seconds(2);
    EtcdSourceOptions source;
    source.empty = EmptyAnswer::kIsAList;
    auto group = EtcdEndpointGroup::Make(server_->address(), kPrefix, source);
    ASSERT_TRUE(group.ok()) << group.status();
    clients_ = std::make_unique<GroupRecorder>(*group);
  }

  std::string Target() const {
    return absl::StrCat("etcd://", server_->address(), kPrefix);
  }

  std::unique_ptr<Registrar> Make(const Endpoint& endpoint) {
    auto registrar =
        EtcdRegistrar::Make(server_->address(), kPrefix, endpoint, options_);
    EXPECT_TRUE(registrar.ok()) << registrar.status();
    return registrar.ok() ? *std::move(registrar) : nullptr;
  }

  RegistrarOptions options_;
  std::unique_ptr<EtcdServer> server_;
  std::unique_ptr<GroupRecorder> clients_;
};

TEST_F(EtcdRegistrarTest, AppearsWithinASecondAndGoesAtOnceWithClose) {
  Endpoint endpoint = Endpoint::Of("10.0.0.1", 50051).WithWeight(7);
  endpoint.role = "replica";
  endpoint.labels["version"] = "3";
  options_.id = "users-1";
  auto start = steady_clock::now();
  const auto registrar = Make(endpoint);
  ASSERT_TRUE(clients_->WaitFor({"10.0.0.1:50051"}, kAppears));
  EXPECT_EQ(clients_->newest()[0], endpoint);
  EXPECT_TRUE(registrar->AwaitRegistered(kPatience).ok());
  EXPECT_TRUE(registrar->last_error().ok());
  auto keys = server_->KeysOf(kPrefix);
  ASSERT_TRUE(keys.ok());
  EXPECT_THAT(*keys, ElementsAre("/services/users/users-1"));

  start = steady_clock::now();
  registrar->Close();
  keys = server_->KeysOf(kPrefix);
  ASSERT_TRUE(keys.ok());
  EXPECT_THAT(*keys, IsEmpty());
  EXPECT_TRUE(clients_->WaitFor({}, kAppears));
  EXPECT_LT(steady_clock::now() - start, kAppears);
  EXPECT_EQ(registrar->AwaitRegistered(kPatience).code(),
            absl::StatusCode::kCancelled);
  registrar->Close();
}

TEST_F(EtcdRegistrarTest, SeveralRegisterSideBySideForLongerThanTheLease) {
  const auto first = Make(Endpoint::Of("10.0.0.1", 1));
  ASSERT_TRUE(first->AwaitRegistered(kPatience).ok());
  auto second = Make(Endpoint::Of("10.0.0.2", 1));
  ASSERT_TRUE(clients_->WaitForSize(2));
  const int lists = clients_->lists();
  // Nothing may happen, so this waits for a list of three that must not come.
  EXPECT_FALSE(clients_->WaitForSize(3, milliseconds(2500)));
  EXPECT_EQ(clients_->lists(), lists);
  second.reset();
  EXPECT_TRUE(clients_->WaitFor({"10.0.0.1:1"}, kAppears));
}

TEST_F(EtcdRegistrarTest, RegistersAgainAfterWhateverHappensToTheStore) {
  const auto registrar = Make(Endpoint::Of("10.0.0.1", 1));
  ASSERT_TRUE(clients_->WaitForSize(1));
  const struct {
    const char* name;
    std::function<absl::Status()> outage;
  } rows[] = {
      {"restart", [this] { return server_->Restart(); }},
      {"restart without the data", [this] { return server_->Wipe(); }},
      {"the key is deleted", [this] { return server_->DeletePrefix(kPrefix); }},
      {"frozen for longer than the lease",
       [this] {
         server_->Stop();
         // An outage of more than 2 s, to reach the third wait of the
         // registrar.
         (void)clients_->WaitForSize(9, milliseconds(2500));
         server_->Continue();
         return absl::OkStatus();
       }},
      {"somebody else's value",
       [this] {
         return server_->Put((*server_->KeysOf(kPrefix))[0], "10.9.9.9:9");
       }},
  };
  for (const auto& row : rows) {
    const absl::Status status = row.outage();
    ASSERT_TRUE(status.ok()) << row.name << status;
    // The key must be there now, and still be there a ttl later.
    for (int i = 0; i < 2; ++i) {
      const auto end = steady_clock::now() + GroupRecorder::kPatience;
      absl::StatusOr<std::vector<std::string>> keys;
      do {
        keys = server_->KeysOf(kPrefix);
        ASSERT_TRUE(keys.ok()) << keys.status();
      } while (keys->empty() && steady_clock::now() < end);
      EXPECT_EQ(keys->size(), 1u) << row.name;
    }
    EXPECT_TRUE(clients_->WaitFor({"10.0.0.1:1"})) << row.name;
    EXPECT_TRUE(registrar->AwaitRegistered(kPatience).ok()) << row.name;
  }
}

TEST_F(EtcdRegistrarTest, AStoreThatComesLaterIsRegisteredWith) {
  server_->Kill();
  const auto registrar = Make(Endpoint::Of("10.0.0.1", 1));
  const absl::Status waiting =
      registrar->AwaitRegistered(absl::Milliseconds(300));
  EXPECT_EQ(waiting.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(waiting.message(), HasSubstr(Target()));
  EXPECT_FALSE(registrar->last_error().ok());
  ASSERT_TRUE(server_->Restart().ok());
  EXPECT_TRUE(registrar->AwaitRegistered(kPatience).ok());
  EXPECT_TRUE(clients_->WaitForSize(1));
}

TEST_F(EtcdRegistrarTest, CloseWaitsForAFrozenStoreForTwoSecondsAtMost) {
  const auto registrar = Make(Endpoint::Of("10.0.0.1", 1));
  ASSERT_TRUE(registrar->AwaitRegistered(kPatience).ok());
  server_->Stop();
  const auto start = steady_clock::now();
  registrar->Close();
  EXPECT_LT(steady_clock::now() - start, milliseconds(2500));
  server_->Continue();
  EXPECT_TRUE(clients_->WaitForSize(0));  // Holds when the lease has ended.
}

TEST_F(EtcdRegistrarTest, UsesCredentials) {
  ASSERT_TRUE(server_->EnableUsers("p:ssw0rd").ok());
  const std::string file = ::testing::TempDir() + "/registrar_credentials";
  std::ofstream(file) << "root:p:ssw0rd\n";
  auto refused = Make(Endpoint::Of("10.0.0.1", 1));
  EXPECT_FALSE(refused->AwaitRegistered(absl::Milliseconds(300)).ok());
  EXPECT_THAT(refused->last_error().message(), HasSubstr("user name is empty"));
  options_.credentials_file = file;
  const auto registrar = Make(Endpoint::Of("10.0.0.1", 1));
  EXPECT_TRUE(registrar->AwaitRegistered(kPatience).ok());
  refused.reset();
  // After this the store has no users, and must serve all the same.
  ASSERT_TRUE(server_->Wipe().ok());
  EXPECT_TRUE(clients_->WaitForSize(1));
}

}  // namespace
}  // namespace multi_backend
