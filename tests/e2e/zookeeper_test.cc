// Calls through channels whose backends come from a real ZooKeeper, while the
// nodes change and the server has outages.

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/registrar.h"
#include "multi_backend/resolver/zookeeper/registrar.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"
#include "multi_backend/tests/testing/zookeeper_server.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kNode[] = "/services/users";
// The session timeout; the server allows no longer one.
constexpr absl::Duration kSession = absl::Seconds(1);
// How long a change may take after the store has the new list.
constexpr absl::Duration kInTime = absl::Seconds(2);
// Enough calls for a lost one to show.
constexpr int64_t kManyCalls = 200;

class ZookeeperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    MB_REQUIRE_PACKAGE(ZookeeperServer::Installed(),
                       ZookeeperServer::kHowToInstall);
    ASSERT_TRUE(Register().ok());
    auto store = ZookeeperServer::Start(kSession);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    auto fleet = BackendFleet::Start(3);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }

  std::string Target() const {
    return absl::StrCat("zookeeper://", store_->address(), kNode);
  }
  void Connect() {
    auto client = UsersClient::Make(Target(), ChannelOptions());
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  static std::string NodeOf(size_t backend) {
    return absl::StrCat(kNode, "/", backend);
  }
  void Put(const std::vector<size_t>& backends) {
    ZookeeperServer::Nodes nodes;
    for (const size_t backend : backends) {
      nodes.emplace_back(NodeOf(backend), fleet_->address(backend));
    }
    const absl::Status status = store_->Put(nodes);
    ASSERT_TRUE(status.ok()) << status;
  }
  void Delete(size_t backend) {
    const absl::Status status = store_->Delete({NodeOf(backend)});
    ASSERT_TRUE(status.ok()) << status;
  }
  void Restart() {
    const absl::Status status = store_->Restart();
    ASSERT_TRUE(status.ok()) << status;
  }

  ::testing::AssertionResult Uses(const std::vector<size_t>& backends,
                                  absl::Duration limit = kInTime) {
    const auto condition = [&] {
      if (ListedBackends(client_->pool()) != backends.size()) {
        return false;
      }
      for (const size_t backend : backends) {
        if (client_->Backend(fleet_->address(backend)).calls == 0) return false;
      }
      return true;
    };
    if (WaitUntil(condition, store_->Allow(limit))) {
      return ::testing::AssertionSuccess();
    }
    std::string seen;
    for (const BackendSnapshot& backend : client_->pool().GetAllBackends()) {
      absl::StrAppend(&seen, " ", backend.address, " ", backend.calls);
    }
    return ::testing::AssertionFailure() << "backends and calls:" << seen;
  }
  ::testing::AssertionResult CallsGoOn(const BackgroundLoad& load) {
    const int64_t before = load.calls();
    if (WaitUntil([&] { return load.calls() >= before + kManyCalls; })) {
      return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << "calls stand still";
  }

  std::unique_ptr<ZookeeperServer> store_;
  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
};

TEST_F(ZookeeperTest, ChangesAndOutagesOfTheStoreLoseNoCall) {
  Put({0, 1});
  Connect();
  ASSERT_TRUE(client_->ConnectTo({fleet_->address(0), fleet_->address(1)}));
  BackgroundLoad load(*client_, /*threads=*/2);
  EXPECT_TRUE(Uses({0, 1}, kTestTimeout));
  Put({2});
  EXPECT_TRUE(Uses({0, 1, 2}));
  Delete(0);
  EXPECT_TRUE(Uses({1, 2}));
  Delete(1);
  EXPECT_TRUE(Uses({2}));
  Delete(2);
  EXPECT_TRUE(CallsGoOn(load)) << "an empty node keeps the list";
  EXPECT_TRUE(Uses({2}));
  Put({0});
  EXPECT_TRUE(Uses({0}));

  // The server stays frozen for longer than any session lives.
  store_->Stop();
  const int64_t before = load.calls();
  const auto frozen = std::chrono::steady_clock::now();
  EXPECT_TRUE(WaitUntil([&] {
    return load.calls() > before &&
           std::chrono::steady_clock::now() - frozen >
               absl::ToChronoMilliseconds(2 * kSession);
  }));
  store_->Continue();
  Put({1});
  EXPECT_TRUE(Uses({0, 1}));

  store_->Kill();
  EXPECT_TRUE(CallsGoOn(load));
  Restart();
  Delete(0);
  EXPECT_TRUE(Uses({1}));

  store_->Kill();
  store_->Wipe();
  Restart();
  EXPECT_TRUE(CallsGoOn(load)) << "a store without data keeps the list";
  EXPECT_TRUE(Uses({1}));
  Put({2, 0});
  EXPECT_TRUE(Uses({0, 2}));

  const LoadResult result = load.Stop();
  EXPECT_GT(result.calls, 5 * kManyCalls);
  EXPECT_THAT(result.failures, IsEmpty()) << result.failed;
}

TEST_F(ZookeeperTest, AServerThatRegistersItselfIsCalledWithinASecond) {
  const auto registrar = [&](size_t backend) {
    RegistrarOptions options;
    options.id = absl::StrCat("b", backend);
    auto made = ZookeeperRegistrar::Make(
        store_->address(), kNode, *Endpoint::Parse(fleet_->address(backend)),
        options);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? *std::move(made) : nullptr;
  };
  auto first = registrar(0);
  Connect();
  ASSERT_TRUE(client_->ConnectTo({fleet_->address(0)}));
  BackgroundLoad load(*client_, /*threads=*/2);
  EXPECT_TRUE(Uses({0}, kTestTimeout));
  auto second = registrar(1);
  EXPECT_TRUE(Uses({0, 1}, absl::Seconds(1)));
  first->Close();
  EXPECT_TRUE(Uses({1}, absl::Seconds(1)));
  Restart();
  auto third = registrar(2);
  ASSERT_TRUE(third->AwaitRegistered(kTestTimeout).ok());
  ASSERT_TRUE(second->AwaitRegistered(kTestTimeout).ok());
  EXPECT_TRUE(Uses({1, 2}));
  EXPECT_THAT(load.Stop().failures, IsEmpty());
}

TEST_F(ZookeeperTest, ACallWithoutAStoreSaysWhatWasTried) {
  store_->Kill();
  Connect();
  const CallOutcome outcome = client_->Call();
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(outcome.status.error_message(), HasSubstr(Target()));
  EXPECT_THAT(outcome.status.error_message(),
              HasSubstr("no connection to " + store_->address()));
  Restart();
  Put({0});
  EXPECT_TRUE(client_->ConnectTo({fleet_->address(0)}));
}

TEST_F(ZookeeperTest, CredentialsInATargetAreRefusedAndNotShown) {
  auto client = UsersClient::Make("zookeeper://user:secret@h1/services",
                                  ChannelOptions());
  EXPECT_EQ(client.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(client.status().message()),
              HasSubstr("credentials do not belong into a target"));
  EXPECT_THAT(std::string(client.status().message()), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace multi_backend
