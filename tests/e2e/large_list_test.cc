// What a list of 10,000 endpoints costs, from the change of a source to the new
// picker of the policy: at most 100 ms of one core, and one picker.
//
// A DNS answer has at most 65,535 bytes: about 4,000 A records, 2,300 AAAA,
// 2,200 TXT ("10.0.0.100:50051") and 2,100 SRV.  These numbers are used here
// for dns+addr and dns+txt.  dns+srv reaches 10,000 by the addresses of a few
// targets.
#include <grpc/grpc.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/lb_policy/grpc/testing/policy_driver.h"
#include "multi_backend/lb_policy/grpc/testing/ready_channel.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/fakes.h"
#include "multi_backend/resolver/grpc/group_resolver.h"
#include "multi_backend/sources.h"
#include "multi_backend/tests/testing/etcd_server.h"
#include "multi_backend/tests/testing/knot_server.h"
#include "multi_backend/tests/testing/zookeeper_server.h"

namespace multi_backend {
namespace {

constexpr size_t kMany = 10000;
constexpr std::chrono::seconds kPatience(30);

// The bound holds for optimized code.  Other builds take about five times as
// long, and sanitizer builds three times as long as those.
#if defined(__SANITIZE_ADDRESS__)
constexpr int kSlowness = 20;
#elif !defined(__OPTIMIZE__)
constexpr int kSlowness = 7;
#else
constexpr int kSlowness = 1;
#endif
constexpr double kMostMilliseconds = 100.0 * kSlowness;

// The CPU time of all threads of this process; servers are other processes.
double CpuMilliseconds() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e3 +
         static_cast<double>(used.tv_nsec) / 1e6;
}

// The CPU time of the two threads that libzookeeper has made.  They have the
// name of this library's thread that asked for them.
double LibzookeeperMilliseconds() {
  std::map<int, double> by_thread;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    double nanos = 0;
    std::ifstream(task.path() / "comm") >> name;
    std::ifstream(task.path() / "schedstat") >> nanos;
    if (name != "mb_zookeeper") continue;
    by_thread[std::stoi(task.path().filename())] = nanos / 1e6;
  }
  double sum = 0;
  // The first one is this library's own.
  for (const auto& thread : by_thread) {
    if (thread.first != by_thread.begin()->first) sum += thread.second;
  }
  return sum;
}

std::string Ip(size_t index) {
  return absl::StrCat("10.0.", index / 250, ".", index % 250 + 1);
}

// The results of a resolver, as the channel would get them.
class Results {
 public:
  std::unique_ptr<grpc_core::Resolver::ResultHandler> MakeHandler() {
    return std::make_unique<Handler>(this);
  }

  // Waits for the first result with `count` addresses.  Returns the number of
  // results until then, 0 if it does not come.
  size_t WaitFor(size_t addresses) {
    std::unique_lock<std::mutex> lock(mu_);
    const bool came = changed_.wait_for(
        lock, kPatience, [&] { return newest_.size() == addresses; });
    return came ? count_ : 0;
  }
  // The newest one, as the channel hands it on.
  core::AddressList Take() {
    std::lock_guard<std::mutex> lock(mu_);
    return std::move(newest_);
  }

 private:
  class Handler final : public grpc_core::Resolver::ResultHandler {
   public:
    explicit Handler(Results* results) : results_(results) {}
    void ReportResult(grpc_core::Resolver::Result result) override {
      std::lock_guard<std::mutex> lock(results_->mu_);
      ++results_->count_;
      results_->newest_ = *std::move(result.addresses);
      results_->changed_.notify_all();
    }

   private:
    Results* const results_;
  };

  std::mutex mu_;
  std::condition_variable changed_;
  size_t count_ = 0;
  core::AddressList newest_;
};

class LargeListTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    grpc_init();
    work_serializer_ = core::MakeSerializer(
        grpc_event_engine::experimental::GetDefaultEventEngine());
  }

  void TearDown() override {
    absl::Notification ended;
    {
      grpc_core::ExecCtx exec_ctx;
      work_serializer_->Run(
          [this, &ended]() {
            resolver_.reset();
            ended.Notify();
          },
          DEBUG_LOCATION);
      work_serializer_.reset();
    }
    EXPECT_TRUE(ended.WaitForNotificationWithTimeout(absl::Seconds(30)));
    group_.reset();
    grpc_shutdown();
  }

  // `group` has one endpoint; `change` lets it see `count`.
  void Measure(const char* source,
               absl::StatusOr<std::shared_ptr<EndpointGroup>> group,
               size_t count, const std::function<void()>& change) {
    ASSERT_TRUE(group.ok()) << group.status();
    Follow(*std::move(group));
    const size_t before = results_.WaitFor(1);
    ASSERT_GT(before, 0u) << group_->Describe();
    ReadyChannel channel(R"([{"multi_backend":{}}])", grpc_core::ChannelArgs());
    channel.Update(results_.Take());

    const double start = CpuMilliseconds();
    change();
    const size_t after = results_.WaitFor(count);
    EXPECT_EQ(after, before + 1) << group_->Describe();
    Apply(channel, source, count, start);
  }

  // A store that has `count` endpoints when `make` begins to follow it.
  void MeasureStore(
      const char* source,
      const std::function<absl::StatusOr<std::shared_ptr<EndpointGroup>>()>&
          make,
      size_t count,
      const std::function<double()>& not_ours = [] { return 0.0; }) {
    ReadyChannel channel(R"([{"multi_backend":{}}])", grpc_core::ChannelArgs());
    channel.Update(PolicyDriver::Addresses(1));
    const double start = CpuMilliseconds();
    auto group = make();
    ASSERT_TRUE(group.ok()) << group.status();
    Follow(*std::move(group));
    ASSERT_EQ(results_.WaitFor(count), 1u) << group_->Describe();
    const double theirs = not_ours();
    if (theirs > 0) printf("%s: and %.1f ms of its library\n", source, theirs);
    Apply(channel, source, count, start + theirs);
  }

 private:
  void Follow(std::shared_ptr<EndpointGroup> group) {
    group_ = std::move(group);
    grpc_core::ResolverArgs args;
    args.work_serializer = work_serializer_;
    args.result_handler = results_.MakeHandler();
    grpc_core::ExecCtx exec_ctx;
    resolver_ = grpc_core::MakeOrphanable<GroupResolver>(
        std::move(args), group_, GroupResolver::Options());
    work_serializer_->Run([this]() { resolver_->StartLocked(); },
                          DEBUG_LOCATION);
  }

  // The newest result, which has just come; began at `start`.
  void Apply(ReadyChannel& channel, const char* source, size_t count,
             double start) {
    const size_t pickers = channel.pickers_made();
    const double parsed = CpuMilliseconds();
    channel.Update(results_.Take());
    const double applied = CpuMilliseconds();
    EXPECT_EQ(channel.pickers_made(), pickers + 1);
    EXPECT_LE(applied - start, kMostMilliseconds);
    channel.OpenRest();
    printf(
        "%s: %zu endpoints: %.1f ms until the resolver's result, %.1f ms "
        "until the new picker\n",
        source, count, parsed - start, applied - start);
  }

  std::shared_ptr<grpc_core::WorkSerializer> work_serializer_;
  Results results_;
  std::shared_ptr<EndpointGroup> group_;
  grpc_core::OrphanablePtr<GroupResolver> resolver_;
};

TEST_F(LargeListTest, File) {
  const std::string path =
      absl::StrCat(::testing::TempDir(), "/", getpid(), "_large.json");
  std::ofstream(path) << R"({"endpoints":[{"address":"10.9.9.9:80"}]})";
  {
    std::ofstream next(path + ".next");
    for (size_t i = 0; i < kMany; ++i) {
      next << (i == 0 ? "{\"endpoints\":[\n" : ",\n") << "{\"address\":\""
           << Ip(i) << ":50051\",\"weight\":" << i + 1
           << R"(,"role":"replica","zone":"eu","labels":{"version":"7"}})";
    }
    next << "]}";
  }
  Measure("file", FileEndpointGroup::Make(path), kMany, [&] {
    ASSERT_EQ(rename((path + ".next").c_str(), path.c_str()), 0);
  });
}

class LargeDnsListTest : public LargeListTest {
 protected:
  void SetUp() override {
    LargeListTest::SetUp();
    MB_REQUIRE_PACKAGE(KnotServer::Installed(), KnotServer::kHowToInstall);
    auto dns = KnotServer::Start();
    ASSERT_TRUE(dns.ok()) << dns.status();
    dns_ = *std::move(dns);
    options_.client.servers = dns_->address();
    options_.min_ttl = absl::Milliseconds(10);
  }

  // In pieces, since an update is one message too.
  void Add(const std::vector<std::string>& records) {
    constexpr size_t kPiece = 1000;
    std::vector<std::string> piece;
    for (const std::string& record : records) {
      piece.push_back("add " + record);
      if (piece.size() < kPiece && &record != &records.back()) continue;
      const absl::Status status = dns_->Update(piece);
      ASSERT_TRUE(status.ok()) << status;
      piece.clear();
    }
  }

  void MeasureDns(const char* source,
                  absl::StatusOr<std::shared_ptr<EndpointGroup>> group,
                  size_t count, const std::vector<std::string>& records) {
    ASSERT_TRUE(group.ok()) << group.status();
    ASSERT_TRUE((*group)->AwaitInitialEndpoints(absl::Seconds(30)).ok());
    Add(records);
    EndpointGroup* const raw = group->get();
    Measure(source, std::move(group), count, [raw] { raw->RequestRefresh(); });
  }

  std::unique_ptr<KnotServer> dns_;
  DnsSourceOptions options_;
};

TEST_F(LargeDnsListTest, Addresses) {
  Add({"users.example. 3600 A 10.9.9.9"});
  std::vector<std::string> records;
  for (size_t i = 1; i < 4000; ++i) {
    records.push_back(absl::StrCat("users.example. 3600 A ", Ip(i)));
  }
  MeasureDns("dns+addr",
             DnsAddressEndpointGroup::Make("users.example:50051", options_),
             4000, records);
}

TEST_F(LargeDnsListTest, Texts) {
  Add({"users.example. 3600 TXT 10.9.9.9:50051"});
  std::vector<std::string> records;
  for (size_t i = 1; i < 2200; ++i) {
    records.push_back(
        absl::StrCat("users.example. 3600 TXT ", Ip(i), ":50051"));
  }
  MeasureDns("dns+txt", DnsTextEndpointGroup::Make("users.example", options_),
             2200, records);
}

TEST_F(LargeDnsListTest, Services) {
  Add({"_s._tcp.example. 3600 SRV 1 1 50051 t0.example.",
       "t0.example. 3600 A 10.9.9.9"});
  std::vector<std::string> records;
  for (size_t i = 1; i < kMany; ++i) {
    records.push_back(absl::StrCat("t", i % 4, ".example. 3600 A ", Ip(i)));
  }
  for (size_t i = 1; i < 4; ++i) {
    records.push_back(
        absl::StrCat("_s._tcp.example. 3600 SRV 1 1 50051 t", i, ".example."));
  }
  MeasureDns("dns+srv",
             DnsServiceEndpointGroup::Make("_s._tcp.example", options_), kMany,
             records);
}

TEST_F(LargeListTest, Etcd) {
  MB_REQUIRE_PACKAGE(EtcdServer::Installed(), EtcdServer::kHowToInstall);
  auto etcd = EtcdServer::Start();
  ASSERT_TRUE(etcd.ok()) << etcd.status();
  constexpr size_t kInOne = 100;  // etcd takes 128 operations in one.
  for (size_t i = 0; i < kMany; i += kInOne) {
    std::map<std::string, std::string> piece;
    for (size_t k = i; k < i + kInOne; ++k) {
      piece[absl::StrCat("/users/", k)] = absl::StrCat(Ip(k), ":50051");
    }
    const absl::Status status = (*etcd)->PutAll(piece);
    ASSERT_TRUE(status.ok()) << status;
  }
  MeasureStore(
      "etcd",
      [&] { return EtcdEndpointGroup::Make((*etcd)->address(), "/users/"); },
      kMany);
}

// libzookeeper reads each node with a separate request.  These requests cost
// its two threads more than everything else, and this library cannot bound
// that.
TEST_F(LargeListTest, Zookeeper) {
  MB_REQUIRE_PACKAGE(ZookeeperServer::Installed(),
                     ZookeeperServer::kHowToInstall);
  auto zookeeper = ZookeeperServer::Start();
  ASSERT_TRUE(zookeeper.ok()) << zookeeper.status();
  ZookeeperServer::Nodes nodes;
  for (size_t i = 0; i < kMany; ++i) {
    nodes.emplace_back(absl::StrCat("/users/", i),
                       absl::StrCat(Ip(i), ":50051"));
  }
  const absl::Status status = (*zookeeper)->Put(nodes);
  ASSERT_TRUE(status.ok()) << status;
  MeasureStore(
      "zookeeper",
      [&] {
        return ZookeeperEndpointGroup::Make((*zookeeper)->address(), "/users");
      },
      kMany, LibzookeeperMilliseconds);
}

}  // namespace
}  // namespace multi_backend
