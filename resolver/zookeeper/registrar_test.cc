#include "multi_backend/resolver/zookeeper/registrar.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/zookeeper/endpoint_group.h"
#include "multi_backend/resolver/zookeeper/record.h"
#include "multi_backend/tests/testing/directory_entries.h"
#include "multi_backend/tests/testing/zookeeper_server.h"

extern char** environ;

namespace multi_backend {
namespace {

using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr absl::Duration kTtl = absl::Milliseconds(1000);
constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr char kDigest[] = "app:open-sesame";

class ZookeeperRegistrarTest : public ::testing::Test {
 protected:
  // All tests share one server, because a JVM starts slowly.
  static void SetUpTestSuite() {
    if (!ZookeeperServer::Installed()) return;
    auto server = ZookeeperServer::Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = server->release();
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }

  void SetUp() override {
    MB_REQUIRE_PACKAGE(ZookeeperServer::Installed(),
                       ZookeeperServer::kHowToInstall);
    ASSERT_NE(server_, nullptr);
    // Each test has a node of its own.
    node_ = absl::StrCat(
        "/services/",
        ::testing::UnitTest::GetInstance()->current_test_info()->name());
    options_.ttl = kTtl;
    options_.id = "one";
    if (!server_->running()) {
      ASSERT_TRUE(server_->Restart().ok());
    }
  }
  void TearDown() override {
    watch_.reset();
    group_.reset();
  }

  std::unique_ptr<Registrar> Make(uint16_t port) {
    auto registrar = ZookeeperRegistrar::Make(
        server_->address(), node_, Endpoint::Of("10.0.0.1", port), options_);
    EXPECT_TRUE(registrar.ok()) << registrar.status();
    return registrar.ok() ? *std::move(registrar) : nullptr;
  }

  void Follow() {
    ZookeeperSourceOptions options;
    options.session_timeout = kTtl;
    options.empty = EmptyAnswer::kIsAList;
    auto group =
        ZookeeperEndpointGroup::Make(server_->address(), node_, options);
    ASSERT_TRUE(group.ok()) << group.status();
    group_ = *std::move(group);
    watch_ = group_->Watch([this](std::shared_ptr<const EndpointList> list) {
      std::lock_guard<std::mutex> lock(mu_);
      newest_ = *list;
      ++lists_;
      changed_.notify_all();
    });
  }
  ::testing::AssertionResult WaitFor(const std::vector<uint16_t>& ports,
                                     absl::Duration patience) {
    EndpointList list;
    for (const uint16_t port : ports) {
      list.push_back(Endpoint::Of("10.0.0.1", port));
    }
    std::unique_lock<std::mutex> lock(mu_);
    // Before the first list arrives, an empty list means nothing.
    if (changed_.wait_for(lock, absl::ToChronoMilliseconds(patience),
                          [&] { return lists_ > 0 && newest_ == list; })) {
      return ::testing::AssertionSuccess();
    }
    lock.unlock();
    return ::testing::AssertionFailure()
           << "the list is " << NameEndpoints(*group_->endpoints()) << "; "
           << group_->Describe();
  }
  // Asks the store until it has the expected children.
  ::testing::AssertionResult WaitForChildren(size_t count) {
    const auto end = steady_clock::now() + absl::ToChronoSeconds(kPatience);
    std::string seen;
    while (steady_clock::now() < end) {
      const auto children = server_->Children(node_);
      seen = children.ok() ? absl::StrCat(children->size())
                           : children.status().ToString();
      if (children.ok() && children->size() == count) {
        return ::testing::AssertionSuccess();
      }
    }
    return ::testing::AssertionFailure() << seen;
  }

  static ZookeeperServer* server_;
  std::string node_;
  RegistrarOptions options_;
  std::mutex mu_;
  std::condition_variable changed_;
  EndpointList newest_;
  int lists_ = 0;
  std::shared_ptr<EndpointGroup> group_;
  std::unique_ptr<EndpointGroup::Subscription> watch_;
};

ZookeeperServer* ZookeeperRegistrarTest::server_ = nullptr;

constexpr absl::Duration kAtOnce = absl::Seconds(1);
constexpr absl::Duration kLong = kPatience;

TEST_F(ZookeeperRegistrarTest, AppearsWithinASecondAndIsGoneAtOnce) {
  Follow();
  ASSERT_TRUE(WaitFor({}, kLong));
  const absl::Duration at_once = server_->Allow(kAtOnce);
  auto registrar = Make(1);
  EXPECT_TRUE(WaitFor({1}, at_once));
  EXPECT_TRUE(registrar->AwaitRegistered(kPatience).ok());
  EXPECT_TRUE(registrar->last_error().ok());
  options_.id = "two";
  auto second = Make(2);
  EXPECT_TRUE(WaitFor({1, 2}, at_once));
  registrar->Close();
  const auto children = server_->Children(node_);
  ASSERT_TRUE(children.ok());
  EXPECT_THAT(*children, ElementsAre("two")) << "gone on return";
  EXPECT_TRUE(WaitFor({2}, at_once));
  EXPECT_TRUE(absl::IsCancelled(registrar->AwaitRegistered(kPatience)));
  EXPECT_TRUE(absl::IsCancelled(registrar->last_error()));
  registrar->Close();
  second.reset();
  EXPECT_TRUE(WaitFor({}, at_once));
}

TEST_F(ZookeeperRegistrarTest, WritesWhatCuratorReads) {
  options_.id.clear();
  auto registrar = Make(1);
  ASSERT_TRUE(registrar->AwaitRegistered(kPatience).ok());
  const auto children = server_->Children(node_);
  ASSERT_TRUE(children.ok());
  ASSERT_THAT(*children, SizeIs(1));
  const auto data = server_->Data(absl::StrCat(node_, "/", (*children)[0]));
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(*data, HasSubstr(absl::StrCat("{\"name\":\"WritesWhatCuratorReads"
                                            "\",\"id\":\"",
                                            (*children)[0], "\"")));
  EXPECT_THAT(*data, HasSubstr("\"serviceType\":\"DYNAMIC\""));
}

TEST_F(ZookeeperRegistrarTest, AKilledProcessIsGoneWhenItsSessionEnds) {
  const char* const binary = getenv("REGISTRAR_PROCESS");
  ASSERT_NE(binary, nullptr);
  Follow();
  ASSERT_TRUE(WaitFor({}, kLong));
  std::vector<std::string> command = {
      binary, server_->address(), node_, "10.0.0.1:7",
      absl::StrCat(absl::ToInt64Milliseconds(kTtl))};
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(&word[0]);
  argv.push_back(nullptr);
  pid_t pid = 0;
  ASSERT_EQ(posix_spawn(&pid, binary, nullptr, nullptr, argv.data(), environ),
            0);
  EXPECT_TRUE(WaitFor({7}, kLong));
  const absl::Duration within =
      server_->Allow(kTtl + 2 * ZookeeperServer::kTick + kAtOnce);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  EXPECT_TRUE(WaitFor({}, within));
}

TEST_F(ZookeeperRegistrarTest, ADeletedNodeIsMadeAgain) {
  Follow();
  auto registrar = Make(1);
  ASSERT_TRUE(WaitFor({1}, kLong));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(registrar->AwaitRegistered(kPatience).ok());
    ASSERT_TRUE(server_->Delete({absl::StrCat(node_, "/one")}).ok());
    EXPECT_TRUE(WaitForChildren(1));
    EXPECT_TRUE(WaitFor({1}, kLong));
  }
}

TEST_F(ZookeeperRegistrarTest, WhatAnotherClientWritesIntoTheNodeStays) {
  Follow();
  auto registrar = Make(1);
  ASSERT_TRUE(WaitFor({1}, kLong));
  ASSERT_TRUE(server_->Put({{absl::StrCat(node_, "/one"), "10.0.0.1:2"}}).ok());
  EXPECT_TRUE(WaitFor({2}, kLong));
  EXPECT_TRUE(registrar->last_error().ok());
}

TEST_F(ZookeeperRegistrarTest, OutagesOfTheStoreAreSurvived) {
  Follow();
  auto registrar = Make(1);
  ASSERT_TRUE(WaitFor({1}, kLong));
  ASSERT_TRUE(registrar->AwaitRegistered(kPatience).ok());
  const size_t threads = EntriesOf("/proc/self/task");
  const size_t descriptors = EntriesOf("/proc/self/fd");
  for (int cycle = 0; cycle < 6; ++cycle) {
    SCOPED_TRACE(cycle);
    switch (cycle % 3) {
      case 0: {
        server_->Stop();
        const auto end = steady_clock::now() + absl::ToChronoSeconds(kPatience);
        while (registrar->last_error().ok() && steady_clock::now() < end) {
          std::unique_lock<std::mutex> lock(mu_);
          changed_.wait_for(lock, std::chrono::milliseconds(1));
        }
        EXPECT_THAT(std::string(registrar->last_error().message()),
                    HasSubstr("no connection to"));
        server_->Continue();
        break;
      }
      case 1:
        ASSERT_TRUE(server_->Restart().ok());
        break;
      case 2:
        server_->Kill();
        server_->Wipe();
        ASSERT_TRUE(server_->Restart().ok());
        break;
    }
    ASSERT_TRUE(WaitForChildren(1));
    ASSERT_TRUE(registrar->AwaitRegistered(kPatience).ok());
    ASSERT_TRUE(WaitFor({1}, kLong));
  }
  EXPECT_LE(SettledEntriesOf("/proc/self/task", threads), threads);
  EXPECT_LE(SettledEntriesOf("/proc/self/fd", descriptors), descriptors);
  // The node belongs to the newest session and is removed with it.
  registrar.reset();
  EXPECT_TRUE(WaitForChildren(0));
}

TEST_F(ZookeeperRegistrarTest, SaysWhyTheEndpointIsNotListed) {
  ASSERT_TRUE(server_->Put({{node_, ""}}, kDigest).ok());
  options_.credentials_file =
      absl::StrCat(::testing::TempDir(), "/", getpid(), "_credentials");
  std::ofstream(options_.credentials_file) << "other:secret\n";
  auto registrar = Make(1);
  const absl::Status status = registrar->AwaitRegistered(absl::Seconds(1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat("10.0.0.1:1 is not registered with "
                                     "zookeeper://",
                                     server_->address(), node_)));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat("cannot create node ", node_, "/one")));
  EXPECT_TRUE(absl::IsPermissionDenied(registrar->last_error()));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret")));
  // The file is read again for each session.
  const std::string next = options_.credentials_file + ".next";
  std::ofstream(next) << kDigest << "\n";
  ASSERT_EQ(rename(next.c_str(), options_.credentials_file.c_str()), 0);
  EXPECT_TRUE(registrar->AwaitRegistered(kPatience).ok());
}

TEST_F(ZookeeperRegistrarTest, BadArgumentsAreRefused) {
  struct Row {
    std::string servers;
    std::string path;
    std::string address;
    std::string id;
    std::string message;
  };
  for (const Row& row : std::vector<Row>{
           {"user:secret@h", "/a", "10.0.0.1:1", "",
            "zookeeper target: credentials do not belong into a target: see "
            "the options and MULTI_BACKEND_ZOOKEEPER_AUTH_FILE"},
           {"h", "/", "10.0.0.1:1", "",
            "zookeeper target: path \"/\": write "
            "zookeeper://host:port/path/of/node"},
           {"h", "/a", "10.0.0.1:1", "a/b",
            "\"a/b\" cannot be the name of a node"},
           {"h", "/a", "10.0.0.1:1", "..",
            "\"..\" cannot be the name of a node"},
           {"h", "/a", "0.0.0.0:1", "",
            "endpoint 0.0.0.0:1: clients refuse it: unspecified address"},
       }) {
    RegistrarOptions options;
    options.id = row.id;
    EXPECT_EQ(ZookeeperRegistrar::Make(row.servers, row.path,
                                       *Endpoint::Parse(row.address), options)
                  .status(),
              absl::InvalidArgumentError(row.message));
  }
}

}  // namespace
}  // namespace multi_backend
