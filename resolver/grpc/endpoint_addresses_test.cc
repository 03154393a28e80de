#include "multi_backend/resolver/grpc/endpoint_addresses.h"

#include <grpc/grpc.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/port/fakes.h"

namespace multi_backend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The resolutions under way, and how many there have been.
struct Resolutions {
  std::map<std::string, grpc_core::Resolver::ResultHandler*> running;
  size_t most = 0;
  size_t started = 0;
};

// Takes the place of core's `dns` resolver; the test gives the answers.
class FakeResolver final : public grpc_core::Resolver {
 public:
  FakeResolver(Resolutions* resolutions, grpc_core::ResolverArgs args)
      : resolutions_(resolutions),
        name_(absl::StripPrefix(args.uri.path(), "/")),
        handler_(std::move(args.result_handler)) {}

  void StartLocked() override {
    resolutions_->running[name_] = handler_.get();
    ++resolutions_->started;
    resolutions_->most =
        std::max(resolutions_->most, resolutions_->running.size());
  }

 private:
  void ShutdownLocked() override { resolutions_->running.erase(name_); }

  Resolutions* const resolutions_;
  const std::string name_;
  const std::unique_ptr<ResultHandler> handler_;
};

class FakeResolverFactory final : public grpc_core::ResolverFactory {
 public:
  explicit FakeResolverFactory(Resolutions* resolutions)
      : resolutions_(resolutions) {}
  absl::string_view scheme() const override { return "dns"; }
  bool IsValidUri(const grpc_core::URI&) const override { return true; }
  grpc_core::OrphanablePtr<grpc_core::Resolver> CreateResolver(
      grpc_core::ResolverArgs args) const override {
    return grpc_core::MakeOrphanable<FakeResolver>(resolutions_,
                                                   std::move(args));
  }

 private:
  Resolutions* const resolutions_;
};

class EndpointAddressesTest : public ::testing::Test {
 protected:
  EndpointAddressesTest() {
    grpc_init();
    serializer_ = core::MakeSerializer(
        grpc_event_engine::experimental::GetDefaultEventEngine());
    EndpointAddresses::Args args;
    args.channel_args = grpc_core::ChannelArgs().Set(
        GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 0);
    args.work_serializer = serializer_;
    args.on_change = [this] {
      std::lock_guard<std::mutex> lock(mu_);
      ++reports_;
      reported_ = addresses_->AddressesLocked();
      problems_ = addresses_->ProblemsLocked();
      changed_.notify_all();
    };
    addresses_ = std::make_unique<EndpointAddresses>(std::move(args));
  }
  ~EndpointAddressesTest() override {
    Run([this] { addresses_.reset(); });
    EXPECT_THAT(resolutions_.running, IsEmpty());
    serializer_.reset();
    grpc_shutdown_blocking();
  }

  // Runs `action` in the serializer, and waits for it.
  void Run(const std::function<void()>& action) {
    std::mutex mu;
    std::condition_variable ended;
    bool done = false;
    {
      grpc_core::ExecCtx exec_ctx;
      serializer_->Run(
          [&] {
            action();
            std::lock_guard<std::mutex> lock(mu);
            done = true;
            ended.notify_all();
          },
          DEBUG_LOCATION);
    }
    std::unique_lock<std::mutex> lock(mu);
    ASSERT_TRUE(ended.wait_for(lock, kPatience, [&] { return done; }));
  }

  void SetHosts(const std::vector<std::string>& addresses) {
    EndpointList list;
    for (const std::string& address : addresses) {
      list.push_back(*Endpoint::Parse(address));
    }
    Run([&] {
      addresses_->SetEndpointsLocked(
          std::make_shared<const EndpointList>(std::move(list)), true);
    });
  }
  // Answers `host`, which must be being resolved, with 127.0.0.`last`:1.
  void Answer(const std::string& host, int last = 1) {
    core::AddressList list;
    list.emplace_back(
        *grpc_core::StringToSockaddr(absl::StrCat("127.0.0.", last, ":1")),
        grpc_core::ChannelArgs());
    Give(host, std::move(list));
  }
  void Give(const std::string& host,
            absl::StatusOr<core::AddressList> addresses) {
    Run([&] {
      ASSERT_EQ(resolutions_.running.count(host), 1u) << host;
      grpc_core::Resolver::Result result;
      result.addresses = std::move(addresses);
      resolutions_.running[host]->ReportResult(std::move(result));
    });
  }
  std::vector<std::string> Running() {
    std::vector<std::string> hosts;
    Run([&] {
      for (const auto& entry : resolutions_.running) {
        hosts.push_back(entry.first);
      }
    });
    return hosts;
  }

  static std::vector<std::string> Texts(const core::AddressList& list) {
    std::vector<std::string> texts;
    for (const auto& address : list) {
      texts.push_back(
          *grpc_sockaddr_to_string(&address.address(), /*normalize=*/true));
    }
    return texts;
  }
  std::vector<std::string> Reported() {
    std::lock_guard<std::mutex> lock(mu_);
    return Texts(reported_);
  }
  std::string Problems() {
    std::lock_guard<std::mutex> lock(mu_);
    return problems_;
  }
  int reports() {
    std::lock_guard<std::mutex> lock(mu_);
    return reports_;
  }
  bool AwaitReport(int count) {
    std::unique_lock<std::mutex> lock(mu_);
    return changed_.wait_for(lock, kPatience,
                             [&] { return reports_ >= count; });
  }

  static constexpr std::chrono::seconds kPatience{30};

  Resolutions resolutions_;
  const grpc_core::CoreConfiguration::WithSubstituteBuilder core_{
      [this](grpc_core::CoreConfiguration::Builder* builder) {
        builder->resolver_registry()->RegisterResolverFactory(
            std::make_unique<FakeResolverFactory>(&resolutions_));
      }};
  std::shared_ptr<grpc_core::WorkSerializer> serializer_;
  std::mutex mu_;
  std::condition_variable changed_;
  int reports_ = 0;
  core::AddressList reported_;
  std::string problems_;
  std::unique_ptr<EndpointAddresses> addresses_;
};

TEST_F(EndpointAddressesTest, ResolvesThousandsOfHostsThirtyTwoAtOnce) {
  constexpr size_t kHosts = 3000;
  std::vector<std::string> hosts;
  for (size_t i = 0; i < kHosts; ++i)
    hosts.push_back(absl::StrCat("h", i, ":1"));
  SetHosts(hosts);
  for (size_t answered = 0; answered < kHosts;) {
    const std::vector<std::string> running = Running();
    ASSERT_EQ(running.size(), std::min<size_t>(32, kHosts - answered));
    for (const std::string& host : running) Answer(host);
    answered += running.size();
  }
  ASSERT_TRUE(AwaitReport(1));
  EXPECT_EQ(resolutions_.most, 32u);
  EXPECT_EQ(resolutions_.started, kHosts);
  // All hosts once more, with other addresses.
  const int before = reports();
  Run([this] { addresses_->RequestReresolutionLocked(); });
  for (size_t answered = 0; answered < kHosts;) {
    const std::vector<std::string> running = Running();
    ASSERT_FALSE(running.empty());
    for (const std::string& host : running) Answer(host, /*last=*/2);
    answered += running.size();
  }
  EXPECT_EQ(resolutions_.most, 32u);
  EXPECT_EQ(resolutions_.started, 2 * kHosts);
  ASSERT_TRUE(AwaitReport(before + 1));
  EXPECT_LT(reports() - before, static_cast<int>(kHosts) / 10)
      << "answers share reports";
}

TEST_F(EndpointAddressesTest, AHostWithoutAnAnswerDelaysTheOthersForAMoment) {
  SetHosts({"10.0.0.1:1", "a:1", "silent:1"});
  EXPECT_EQ(reports(), 0);
  Answer("a:1");
  ASSERT_TRUE(AwaitReport(1));
  EXPECT_THAT(Reported(), ElementsAre("10.0.0.1:1", "127.0.0.1:1"));
  Answer("silent:1", /*last=*/2);
  ASSERT_TRUE(AwaitReport(2));
  EXPECT_THAT(Reported(),
              ElementsAre("10.0.0.1:1", "127.0.0.1:1", "127.0.0.2:1"));
}

TEST_F(EndpointAddressesTest, WithoutAnyAddressNothingIsReported) {
  SetHosts({"a:1", "b:1"});
  Give("a:1", absl::UnavailableError("no such host"));
  EXPECT_EQ(reports(), 0);
  Give("b:1", absl::UnavailableError("no such host"));
  EXPECT_EQ(reports(), 1);
  EXPECT_THAT(Reported(), IsEmpty());
  EXPECT_EQ(Problems(), "a:1: no such host; b:1: no such host");
}

TEST_F(EndpointAddressesTest, AFailedHostKeepsItsAddressesAndIsTriedAgain) {
  SetHosts({"a:1"});
  Answer("a:1");
  EXPECT_THAT(Reported(), ElementsAre("127.0.0.1:1"));
  Run([this] { addresses_->RequestReresolutionLocked(); });
  Give("a:1", absl::UnavailableError("no answer"));
  ASSERT_TRUE(AwaitReport(2));
  EXPECT_THAT(Reported(), ElementsAre("127.0.0.1:1"));
  EXPECT_EQ(Problems(), "a:1: no answer");
  Run([this] { addresses_->ResetBackoffLocked(); });
  Answer("a:1", /*last=*/2);
  ASSERT_TRUE(AwaitReport(3));
  EXPECT_THAT(Reported(), ElementsAre("127.0.0.2:1"));
  EXPECT_EQ(Problems(), "");
}

// The retry comes from a timer, after a second.
TEST_F(EndpointAddressesTest, AFailedHostIsTriedAgainByItself) {
  SetHosts({"10.0.0.1:1", "a:1"});
  Give("a:1", absl::UnavailableError("no answer"));
  EXPECT_EQ(reports(), 1);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (Running().empty() && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  Answer("a:1");
  ASSERT_TRUE(AwaitReport(2));
  EXPECT_THAT(Reported(), ElementsAre("10.0.0.1:1", "127.0.0.1:1"));
}

TEST_F(EndpointAddressesTest, AnAnswerThatBringsNothingNewIsNoChange) {
  SetHosts({"a:1"});
  Answer("a:1");
  EXPECT_EQ(reports(), 1);
  Run([this] { addresses_->RequestReresolutionLocked(); });
  Answer("a:1");
  Run([] {});
  EXPECT_EQ(reports(), 1);
}

TEST_F(EndpointAddressesTest, AHostThatLeavesTheListIsNotResolvedOn) {
  SetHosts({"a:1", "b:1"});
  SetHosts({"b:1", "c:1"});
  EXPECT_THAT(Running(), ElementsAre("b:1", "c:1"));
  Answer("b:1", /*last=*/2);
  Answer("c:1", /*last=*/3);
  EXPECT_THAT(Reported(), ElementsAre("127.0.0.2:1", "127.0.0.3:1"));
  SetHosts({"10.0.0.1:1"});
  EXPECT_THAT(Reported(), ElementsAre("10.0.0.1:1"));
}

}  // namespace
}  // namespace multi_backend
