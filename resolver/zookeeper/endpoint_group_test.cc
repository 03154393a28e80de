#include "multi_backend/resolver/zookeeper/endpoint_group.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <functional>
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
#include "multi_backend/resolver/file/endpoint_group.h"
#include "multi_backend/resolver/groups/fallback_endpoint_group.h"
#include "multi_backend/resolver/zookeeper/record.h"
#include "multi_backend/tests/testing/directory_entries.h"
#include "multi_backend/tests/testing/zookeeper_server.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ListPtr = std::shared_ptr<const EndpointList>;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience(30);
// The length of the clients' sessions.
constexpr absl::Duration kSession = absl::Seconds(1);
constexpr char kDigest[] = "app:open-sesame";

EndpointList Ports(const std::vector<uint16_t>& ports) {
  EndpointList list;
  for (const uint16_t port : ports) {
    list.push_back(Endpoint::Of("10.0.0.1", port));
  }
  return list;
}

// Each test has a node of its own.
std::string Node() {
  return absl::StrCat(
      "/services/",
      ::testing::UnitTest::GetInstance()->current_test_info()->name());
}
std::string Child(const std::string& name) {
  return absl::StrCat(Node(), "/", name);
}

// Children whose names are the ports of their endpoints.
ZookeeperServer::Nodes Nodes(const std::vector<uint16_t>& ports) {
  ZookeeperServer::Nodes nodes;
  for (const Endpoint& endpoint : Ports(ports)) {
    nodes.emplace_back(
        Child(absl::StrCat(endpoint.port)),
        endpoint.port % 2 == 0
            ? endpoint.address()
            : FormatZookeeperRecord(endpoint, "users", "x", absl::UnixEpoch()));
  }
  return nodes;
}

class ZookeeperEndpointGroupTest : public ::testing::Test {
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
    if (!server_->running()) {
      ASSERT_TRUE(server_->Restart().ok());
    }
    // Watches of an earlier test must be gone first.
    ASSERT_TRUE(WaitForWatches(0));
    options_.session_timeout = kSession;
    options_.backoff.initial = absl::Milliseconds(50);
    options_.backoff.max = absl::Milliseconds(200);
  }
  void TearDown() override {
    watch_.reset();
    group_.reset();
  }

  void Wipe() {
    server_->Kill();
    server_->Wipe();
    const absl::Status status = server_->Restart();
    ASSERT_TRUE(status.ok()) << status;
  }

  absl::StatusOr<std::shared_ptr<EndpointGroup>> MakeGroup() {
    return ZookeeperEndpointGroup::Make(server_->address(), Node(), options_);
  }
  void Follow(absl::StatusOr<std::shared_ptr<EndpointGroup>> group) {
    ASSERT_TRUE(group.ok()) << group.status();
    watch_.reset();
    group_ = *std::move(group);
    watch_ = group_->Watch([this](ListPtr list) {
      std::lock_guard<std::mutex> lock(mu_);
      newest_ = *list;
      ++lists_;
      if (!list->empty()) had_endpoints_ = true;
      if (list->empty() && had_endpoints_) ++losses_;
      changed_.notify_all();
    });
  }

  ::testing::AssertionResult WaitFor(
      const EndpointList& list,
      std::chrono::milliseconds patience = kPatience) {
    std::unique_lock<std::mutex> lock(mu_);
    if (changed_.wait_for(lock, patience, [&] { return newest_ == list; })) {
      return ::testing::AssertionSuccess();
    }
    lock.unlock();
    return ::testing::AssertionFailure()
           << "the list is " << NameEndpoints(*group_->endpoints()) << "; "
           << group_->Describe();
  }
  // There is no callback for errors; 1 ms a status.
  ::testing::AssertionResult WaitForStatus(
      const std::function<bool(const absl::Status&)>& expected) {
    const auto end = steady_clock::now() + kPatience;
    std::unique_lock<std::mutex> lock(mu_);
    while (steady_clock::now() < end) {
      if (expected(group_->last_error())) return ::testing::AssertionSuccess();
      changed_.wait_for(lock, std::chrono::milliseconds(1));
    }
    return ::testing::AssertionFailure() << group_->Describe();
  }
  ::testing::AssertionResult WaitForError(const std::string& text) {
    return WaitForStatus([&text](const absl::Status& error) {
      return absl::StrContains(error.message(), text);
    });
  }
  ::testing::AssertionResult WaitForNoError() {
    return WaitForStatus([](const absl::Status& error) { return error.ok(); });
  }
  int lists() {
    std::lock_guard<std::mutex> lock(mu_);
    return lists_;
  }
  int losses() {
    std::lock_guard<std::mutex> lock(mu_);
    return losses_;
  }
  // Waits, because the server notices late that a client has closed.
  ::testing::AssertionResult WaitForWatches(int64_t count) {
    const auto end = steady_clock::now() + kPatience;
    absl::StatusOr<int64_t> watches;
    do {
      watches = server_->WatchCount();
      if (watches.ok() && *watches == count) {
        return ::testing::AssertionSuccess();
      }
    } while (steady_clock::now() < end);
    return ::testing::AssertionFailure()
           << (watches.ok() ? absl::StrCat(*watches)
                            : watches.status().ToString());
  }
  // Freezes the server for so long that it must end the client's session when
  // it continues.
  void StopPastExpiry() {
    server_->Stop();
    ASSERT_TRUE(WaitForError("no connection to"));
    server_->Continue();
  }

  static ZookeeperServer* server_;
  ZookeeperSourceOptions options_;
  std::mutex mu_;
  std::condition_variable changed_;
  EndpointList newest_;
  int lists_ = 0;
  int losses_ = 0;  // How often a list became empty.
  bool had_endpoints_ = false;
  std::shared_ptr<EndpointGroup> group_;
  std::unique_ptr<EndpointGroup::Subscription> watch_;
};

ZookeeperServer* ZookeeperEndpointGroupTest::server_ = nullptr;

TEST_F(ZookeeperEndpointGroupTest, FollowsChildrenAndTheirData) {
  ASSERT_TRUE(server_->Put(Nodes({1, 2, 3})).ok());
  Follow(MakeGroup());
  ASSERT_TRUE(group_->AwaitInitialEndpoints(absl::Seconds(30)).ok());
  EXPECT_TRUE(WaitFor(Ports({1, 2, 3})));
  EXPECT_FALSE(group_->names_are_configured());
  EXPECT_EQ(group_->Describe(),
            absl::StrCat("zookeeper://", server_->address(), Node()));
  EXPECT_TRUE(WaitForWatches(4));

  ASSERT_TRUE(server_->Put(Nodes({4})).ok());
  EXPECT_TRUE(WaitFor(Ports({1, 2, 3, 4})));
  ASSERT_TRUE(server_->Delete({Child("2")}).ok());
  EXPECT_TRUE(WaitFor(Ports({1, 3, 4})));
  for (const uint16_t port : {7, 8, 9}) {
    ASSERT_TRUE(
        server_->Put({{Child("3"), absl::StrCat("10.0.0.1:", port)}}).ok());
    EXPECT_TRUE(WaitFor(Ports({1, port, 4})));
  }
  // Deletes the node and makes it again with other data.
  ASSERT_TRUE(server_->Delete({Child("3")}).ok());
  ASSERT_TRUE(server_->Put({{Child("3"), "10.0.0.1:3"}}).ok());
  EXPECT_TRUE(WaitFor(Ports({1, 3, 4})));
  EXPECT_TRUE(WaitForWatches(4));
}

TEST_F(ZookeeperEndpointGroupTest, ANodeThatComesLaterFills) {
  Follow(MakeGroup());
  EXPECT_TRUE(WaitForError("there is no node " + Node()));
  EXPECT_TRUE(WaitForWatches(1));
  ASSERT_TRUE(server_->Put({{Node(), ""}}).ok());
  EXPECT_TRUE(WaitForError("the answer has no endpoints"));
  ASSERT_TRUE(server_->Put(Nodes({1})).ok());
  EXPECT_TRUE(WaitFor(Ports({1})));
  EXPECT_TRUE(WaitForNoError());
  EXPECT_TRUE(WaitForWatches(2));
}

TEST_F(ZookeeperEndpointGroupTest, WhatIsGoneKeepsTheList) {
  ASSERT_TRUE(server_->Put(Nodes({1})).ok());
  Follow(MakeGroup());
  EXPECT_TRUE(WaitFor(Ports({1})));
  ASSERT_TRUE(server_->Delete({Child("1")}).ok());
  EXPECT_TRUE(WaitForError("the answer has no endpoints (the list in use is"));
  ASSERT_TRUE(server_->Delete({Node()}).ok());
  EXPECT_TRUE(WaitForError("there is no node " + Node() + " (the list in use"));
  ASSERT_TRUE(server_->Put(Nodes({2})).ok());
  EXPECT_TRUE(WaitFor(Ports({2})));
  EXPECT_EQ(losses(), 0);
}

TEST_F(ZookeeperEndpointGroupTest, WhatIsGoneIsAnEmptyListIfAskedFor) {
  options_.empty = EmptyAnswer::kIsAList;
  ASSERT_TRUE(server_->Put(Nodes({1})).ok());
  Follow(MakeGroup());
  EXPECT_TRUE(WaitFor(Ports({1})));
  ASSERT_TRUE(server_->Delete({Child("1"), Node()}).ok());
  EXPECT_TRUE(WaitFor({}));
  EXPECT_TRUE(WaitForNoError());
}

TEST_F(ZookeeperEndpointGroupTest, RefusedChildrenAreDroppedAndShown) {
  ASSERT_TRUE(
      server_
          ->Put({{Child("a"), "10.0.0.1:1"},
                 {Child("b"), "169.254.169.254:80"},
                 {Child("c"), "{\"address\""},
                 {Child("d"), ""},
                 {Child("e"), "10.0.0.1:1"},
                 {Child("f"), std::string(kMaxZookeeperRecordBytes + 10, 'x')}})
          .ok());
  Follow(MakeGroup());
  EXPECT_TRUE(WaitFor(Ports({1})));
  EXPECT_THAT(group_->Describe(),
              HasSubstr("(5 refused: b 169.254.169.254:80: "));
  EXPECT_THAT(group_->Describe(), HasSubstr("d: the node has no data"));
  EXPECT_THAT(group_->Describe(), HasSubstr("f: more than 65536 bytes"));
}

TEST_F(ZookeeperEndpointGroupTest, SaysWhatWasTriedWhenNoServerAnswers) {
  server_->Kill();
  Follow(MakeGroup());
  const absl::Status status =
      group_->AwaitInitialEndpoints(absl::Milliseconds(1500));
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_THAT(
      std::string(status.message()),
      HasSubstr(absl::StrCat("zookeeper://", server_->address(), Node())));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat("no connection to ", server_->address())));
  Follow(
      ZookeeperEndpointGroup::Make("no-such-host.invalid", Node(), options_));
  EXPECT_TRUE(
      WaitForError("no address of a ZooKeeper server: "
                   "no-such-host.invalid: "));
}

TEST_F(ZookeeperEndpointGroupTest, CredentialsOpenWhatOthersMayNotRead) {
  ASSERT_TRUE(server_->Put({{Node(), ""}}, kDigest).ok());
  Follow(MakeGroup());
  EXPECT_TRUE(WaitForError("node " + Node() + " may not be read"));
  // The file is read again for each session, so it may come later.
  options_.credentials_file =
      absl::StrCat(::testing::TempDir(), "/", getpid(), "_credentials");
  Follow(MakeGroup());
  EXPECT_TRUE(WaitForError("ZooKeeper credentials of "));
  std::ofstream(options_.credentials_file) << kDigest << "\n";
  EXPECT_TRUE(WaitForError("the answer has no endpoints"));
  ASSERT_TRUE(server_->Put(Nodes({1}), kDigest).ok());
  EXPECT_TRUE(WaitFor(Ports({1})));
  EXPECT_THAT(group_->Describe(), Not(HasSubstr("sesame")));
}

TEST_F(ZookeeperEndpointGroupTest, AChildThatMayNotBeReadIsRefused) {
  ASSERT_TRUE(server_->Put(Nodes({1})).ok());
  ASSERT_TRUE(server_->Put(Nodes({2}), kDigest).ok());
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  Follow(MakeGroup());
  EXPECT_TRUE(WaitFor(Ports({1})));
  EXPECT_THAT(group_->Describe(), HasSubstr("1 refused: 2: may not be read"));
  // No thread may status at the environment while it changes.
  TearDown();
  setenv("MULTI_BACKEND_ZOOKEEPER_AUTH", kDigest, 1);
  Follow(MakeGroup());
  EXPECT_TRUE(WaitFor(Ports({1, 2})));
  TearDown();
  unsetenv("MULTI_BACKEND_ZOOKEEPER_AUTH");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
}

TEST_F(ZookeeperEndpointGroupTest, ABurstOfChangesIsFewLists) {
  options_.settle = absl::Milliseconds(500);
  ASSERT_TRUE(server_->Put(Nodes({1})).ok());
  Follow(MakeGroup());
  EXPECT_TRUE(WaitFor(Ports({1})));
  const int before = lists();
  std::vector<uint16_t> ports;
  EndpointList all;
  for (uint16_t port = 100; port < 300; ++port) ports.push_back(port);
  const auto start = steady_clock::now();
  ASSERT_TRUE(server_->Put(Nodes(ports)).ok());
  ports.insert(ports.begin(), 1);
  all = Ports(ports);
  EXPECT_TRUE(WaitFor(all));
  const double seconds =
      std::chrono::duration<double>(steady_clock::now() - start).count();
  // There may be one list for each settle time that the writing took, and one
  // for the rest.
  EXPECT_LE(lists() - before, static_cast<int>(seconds / 0.5) + 1);
}

TEST_F(ZookeeperEndpointGroupTest, MoreChildrenThanAllowedKeepTheList) {
  EndpointPolicy::Options policy;
  policy.limits.max_endpoints = 2;
  options_.policy = *EndpointPolicy::Make(policy);
  ASSERT_TRUE(server_->Put(Nodes({1, 2})).ok());
  Follow(MakeGroup());
  EXPECT_TRUE(WaitFor(Ports({1, 2})));
  ASSERT_TRUE(server_->Put(Nodes({3})).ok());
  EXPECT_TRUE(WaitForError("3 children, at most 2 are allowed"));
  ASSERT_TRUE(server_->Delete({Child("1")}).ok());
  EXPECT_TRUE(WaitFor(Ports({2, 3})));
  EXPECT_EQ(losses(), 0);
}

TEST_F(ZookeeperEndpointGroupTest, ACallbackMayEndTheGroup) {
  ASSERT_TRUE(server_->Put(Nodes({1})).ok());
  auto made = MakeGroup();
  ASSERT_TRUE(made.ok());
  std::mutex mu;
  std::condition_variable ended;
  bool done = false;
  std::shared_ptr<EndpointGroup> group = *std::move(made);
  EndpointGroup* const raw = group.get();
  auto watch = raw->Watch([&](ListPtr) {
    group.reset();
    std::lock_guard<std::mutex> lock(mu);
    done = true;
    ended.notify_all();
  });
  std::unique_lock<std::mutex> lock(mu);
  EXPECT_TRUE(ended.wait_for(lock, kPatience, [&] { return done; }));
}

TEST_F(ZookeeperEndpointGroupTest, TheStoreTakesOverFromAFileWhenItComes) {
  server_->Kill();
  const std::string path =
      absl::StrCat(::testing::TempDir(), "/", getpid(), "_fallback.json");
  std::ofstream(path) << R"({"endpoints":[{"address":"10.0.0.9:9"}]})";
  auto store = MakeGroup();
  auto file = FileEndpointGroup::Make(path);
  ASSERT_TRUE(store.ok() && file.ok());
  Follow(OrElse(*store, *file));
  EXPECT_TRUE(WaitFor({Endpoint::Of("10.0.0.9", 9)}));
  ASSERT_TRUE(server_->Restart().ok());
  ASSERT_TRUE(server_->Put(Nodes({1, 2})).ok());
  EXPECT_TRUE(WaitFor(Ports({1, 2})));
  EXPECT_EQ(losses(), 0);
}

TEST_F(ZookeeperEndpointGroupTest, CloseWhileTheServerHasFrozenIsBounded) {
  ASSERT_TRUE(server_->Put(Nodes({1})).ok());
  Follow(MakeGroup());
  EXPECT_TRUE(WaitFor(Ports({1})));
  server_->Stop();
  const auto start = steady_clock::now();
  group_->Close();
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(3));
  server_->Continue();
  EXPECT_EQ(*group_->endpoints(), Ports({1}));
}

// The CPU time that the group's own thread has used, in ms.
double OwnCpu() {
  double nanoseconds = 0;
  DIR* const tasks = opendir("/proc/self/task");
  while (const dirent* task = readdir(tasks)) {
    const std::string path = absl::StrCat("/proc/self/task/", task->d_name);
    std::string name;
    std::ifstream(path + "/comm") >> name;
    if (name == "mb_zookeeper") {
      std::ifstream(path + "/schedstat") >> nanoseconds;
    }
  }
  closedir(tasks);
  return nanoseconds / 1e6;
}

double AllCpu() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * time.tv_nsec;
}

TEST_F(ZookeeperEndpointGroupTest, TenThousandEndpointsAreOneList) {
  constexpr size_t kCount = 10000;
  ZookeeperServer::Nodes nodes;
  for (size_t i = 0; i < kCount; ++i) {
    const std::string id = absl::StrCat("0a1b2c3d-0000-1111-2222-", 10000 + i);
    const Endpoint endpoint =
        Endpoint::Of(absl::StrCat("10.1.", i / 250, ".", i % 250), 50051)
            .WithRole("replica");
    nodes.emplace_back(Child(id), FormatZookeeperRecord(endpoint, "users", id,
                                                        absl::UnixEpoch()));
  }
  ASSERT_TRUE(server_->Put(nodes).ok());
  options_.session_timeout = absl::Seconds(20);
  const double all = AllCpu();
  const auto start = steady_clock::now();
  Follow(MakeGroup());
  ASSERT_TRUE(group_->AwaitInitialEndpoints(absl::Seconds(30)).ok());
  const double took =
      std::chrono::duration<double, std::milli>(steady_clock::now() - start)
          .count();
  // With -O2 the second number is less than 100 on one core.
  std::printf(
      "10,000 endpoints: %.0f ms; CPU: %.0f ms of the group's own "
      "thread, %.0f ms with libzookeeper's\n",
      took, OwnCpu(), AllCpu() - all);
  EXPECT_EQ(group_->endpoints()->size(), kCount);
  // The watch may still be running, since the list is there before it.
  EXPECT_TRUE(WaitFor(*group_->endpoints()));
  EXPECT_EQ(lists(), 1);
  EXPECT_TRUE(WaitForWatches(kCount + 1));
  // After a restart of the server all watches are set again.
  ASSERT_TRUE(server_->Restart().ok());
  EXPECT_TRUE(WaitForWatches(kCount + 1));
  EXPECT_EQ(lists(), 1);
}

// The server ends the connection of a session that sets all of these watches
// again, because the request is above its jute.maxbuffer of 1 MiB.
TEST_F(ZookeeperEndpointGroupTest, WatchesTooManyToBeSetAgainAreSetAnew) {
  constexpr size_t kCount = 10000;
  ZookeeperServer::Nodes nodes;
  for (size_t i = 0; i < kCount; ++i) {
    nodes.emplace_back(Child(std::string(80, 'x') + absl::StrCat(i)),
                       absl::StrCat("10.1.", i / 250, ".", i % 250, ":1"));
  }
  ASSERT_TRUE(server_->Put(nodes).ok());
  options_.session_timeout = absl::Seconds(20);
  Follow(MakeGroup());
  ASSERT_TRUE(group_->AwaitInitialEndpoints(absl::Seconds(30)).ok());
  ASSERT_TRUE(WaitForWatches(kCount + 1));
  EndpointList list = *group_->endpoints();
  ASSERT_TRUE(server_->Restart().ok());
  ASSERT_TRUE(server_->Put({{nodes[0].first, "10.9.9.9:1"}}).ok());
  for (Endpoint& endpoint : list) {
    if (endpoint.host == "10.1.0.0") endpoint.host = "10.9.9.9";
  }
  EXPECT_TRUE(WaitFor(list)) << group_->last_error();
  EXPECT_EQ(losses(), 0);
}

// Runs 20 outages of four kinds in turn.  The list changes during each, so that
// an old list is always a wrong one.
TEST_F(ZookeeperEndpointGroupTest, OutagesLeaveNothingBehindAndLoseNoList) {
  constexpr absl::Duration kSoon = absl::Seconds(2);
  uint16_t port = 1;
  ASSERT_TRUE(server_->Put(Nodes({port})).ok());
  Follow(MakeGroup());
  ASSERT_TRUE(WaitFor(Ports({port})));
  const size_t threads = EntriesOf("/proc/self/task");
  const size_t descriptors = EntriesOf("/proc/self/fd");
  for (int cycle = 0; cycle < 20; ++cycle) {
    SCOPED_TRACE(cycle);
    const std::string old = Child(absl::StrCat(port));
    ++port;
    switch (cycle % 4) {
      case 0:
        StopPastExpiry();
        ASSERT_TRUE(server_->Put(Nodes({port})).ok());
        ASSERT_TRUE(server_->Delete({old}).ok());
        break;
      case 1:
        server_->Kill();
        ASSERT_TRUE(server_->Restart().ok());
        ASSERT_TRUE(server_->Put(Nodes({port})).ok());
        ASSERT_TRUE(server_->Delete({old}).ok());
        break;
      case 2:
        Wipe();
        ASSERT_TRUE(server_->Put(Nodes({port})).ok());
        break;
      case 3:
        server_->Stop();
        server_->Continue();
        ASSERT_TRUE(server_->Put(Nodes({port})).ok());
        ASSERT_TRUE(server_->Delete({old}).ok());
        break;
    }
    ASSERT_TRUE(WaitFor(Ports({port}),
                        absl::ToChronoMilliseconds(server_->Allow(kSoon))));
    ASSERT_TRUE(WaitForWatches(2));
    ASSERT_FALSE(group_->endpoints()->empty());
  }
  EXPECT_TRUE(WaitForNoError());
  EXPECT_EQ(losses(), 0);
  EXPECT_LE(SettledEntriesOf("/proc/self/task", threads), threads);
  EXPECT_LE(SettledEntriesOf("/proc/self/fd", descriptors), descriptors);
}

}  // namespace
}  // namespace multi_backend
