#include "multi_backend/health/grpc/grpc_probe.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/health/health_checked_endpoint_group.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/health/probes/prober.h"
#include "multi_backend/health/timers/timer_queue.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/static_endpoint_group.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/event.h"
#include "multi_backend/tests/testing/probe_answer.h"
#include "multi_backend/tests/testing/server_process.h"
#include "multi_backend/tests/testing/tls_certificates.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;

// Much longer than anything here takes.
constexpr absl::Duration kLong = absl::Seconds(30);

std::unique_ptr<BackendFleet> StartFleet(
    size_t count, const std::vector<std::string>& flags = {}) {
  auto fleet = BackendFleet::Start(count, flags);
  if (!fleet.ok()) {
    ADD_FAILURE() << fleet.status();
    abort();
  }
  return *std::move(fleet);
}

std::unique_ptr<Probe> ProbeOf(const std::string& address,
                               const ActiveHealthConfig& config = {}) {
  return MakeGrpcProbeFactory(grpc::InsecureChannelCredentials(), config)
      ->Make(*Endpoint::Parse(address), address);
}

TEST(GrpcProbeTest, OnlyServingIsHealthy) {
  const auto fleet = StartFleet(1);
  const auto probe = ProbeOf(fleet->address(0));
  ProbeResult result = AskOnce(*probe);
  EXPECT_TRUE(result.healthy);
  EXPECT_EQ(result.detail, "status SERVING");
  EXPECT_FALSE(result.unimplemented);

  fleet->SetBehaviour(0, NotServing());
  result = AskOnce(*probe);
  EXPECT_FALSE(result.healthy);
  EXPECT_EQ(result.detail, "status NOT_SERVING");

  fleet->SetBehaviour(0, Succeeding());
  EXPECT_TRUE(AskOnce(*probe).healthy);
}

TEST(GrpcProbeTest, AsksForTheConfiguredService) {
  const auto fleet = StartFleet(1);
  ActiveHealthConfig config;
  config.service = "examples.users.v1.Users";
  EXPECT_TRUE(AskOnce(*ProbeOf(fleet->address(0), config)).healthy);
  config.service = "no.such.Service";
  const ProbeResult result = AskOnce(*ProbeOf(fleet->address(0), config));
  EXPECT_FALSE(result.healthy);
  EXPECT_EQ(
      result.detail,
      R"(the server's health service knows no "no.such.Service" (NOT_FOUND))");
}

TEST(GrpcProbeTest, AServerWithoutHealthServiceIsAsConfigured) {
  const auto fleet = StartFleet(1, {"--no-health-service"});
  for (const bool healthy : {true, false}) {
    ActiveHealthConfig config;
    config.unimplemented_is_healthy = healthy;
    const ProbeResult result = AskOnce(*ProbeOf(fleet->address(0), config));
    EXPECT_EQ(result.healthy, healthy);
    EXPECT_TRUE(result.unimplemented);
    EXPECT_THAT(result.detail, HasSubstr("UNIMPLEMENTED"));
  }
}

TEST(GrpcProbeTest, AHungServerIsUnhealthyAfterTheTimeoutAndWellWhenItGoesOn) {
  const auto fleet = StartFleet(1);
  const auto probe = ProbeOf(fleet->address(0));
  EXPECT_TRUE(AskOnce(*probe).healthy);
  fleet->server(0).Stop();
  for (int i = 0; i < 2; ++i) {
    const absl::Time begin = absl::Now();
    const ProbeResult result = AskOnce(*probe, absl::Milliseconds(300));
    EXPECT_FALSE(result.healthy);
    EXPECT_EQ(result.detail, "no answer in 300ms");
    EXPECT_GE(absl::Now() - begin, absl::Milliseconds(290));
    EXPECT_LE(absl::Now() - begin, absl::Seconds(5));
  }
  fleet->server(0).Continue();
  EXPECT_TRUE(AskOnce(*probe).healthy);
}

// The first probe after each restart succeeds, so there is no reconnect
// backoff, even after many failed probes and although the old connection broke
// unnoticed.
TEST(GrpcProbeTest, MeasuresTheBackendNotTheConnection) {
  const auto fleet = StartFleet(1);
  const auto probe = ProbeOf(fleet->address(0));
  EXPECT_TRUE(AskOnce(*probe).healthy);
  ASSERT_TRUE(fleet->server(0).Restart().ok());
  EXPECT_TRUE(AskOnce(*probe).healthy);
  fleet->server(0).Kill();
  for (int i = 0; i < 20; ++i) {
    const ProbeResult result = AskOnce(*probe);
    EXPECT_FALSE(result.healthy);
    EXPECT_THAT(result.detail, HasSubstr("UNAVAILABLE"));
    EXPECT_THAT(result.detail, HasSubstr("Connection refused"));
  }
  ASSERT_TRUE(fleet->server(0).Restart().ok());
  EXPECT_TRUE(AskOnce(*probe).healthy);
}

TEST(GrpcProbeTest, WorksOverTlsUnderTheEndpointsNameOrTheOneGiven) {
  auto tls = TlsCertificates::Create();
  ASSERT_TRUE(tls.ok());
  auto pair = (*tls)->Issue({"users.example"});
  ASSERT_TRUE(pair.ok());
  const auto fleet = StartFleet(
      1, {"--tls-key", pair->key_file, "--tls-cert", pair->cert_file});
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = (*tls)->ca_pem();
  const auto creds = grpc::SslCredentials(ssl);
  const std::string& address = fleet->address(0);
  const uint16_t port = Endpoint::Parse(address)->port;

  const auto named = MakeGrpcProbeFactory(creds, {});
  EXPECT_TRUE(
      AskOnce(*named->Make(Endpoint::Of("users.example", port), address))
          .healthy);
  EXPECT_FALSE(
      AskOnce(*named->Make(Endpoint::Of("other.example", port), address))
          .healthy);
  GrpcProbeOptions options;
  options.authority = "users.example";
  EXPECT_TRUE(AskOnce(*MakeGrpcProbeFactory(creds, {}, options)
                           ->Make(*Endpoint::Parse(address), address))
                  .healthy);
}

TEST(GrpcProbeTest, TargetsOfAddresses) {
  struct Row {
    const char* address;
    const char* target;
  };
  for (const Row& row : {
           Row{"1.2.3.4:80", "ipv4:1.2.3.4:80"},
           Row{"[::1]:80", "ipv6:%5B::1%5D:80"},
           Row{"[fe80::1%eth0]:80", "ipv6:%5Bfe80::1%25eth0%5D:80"},
           Row{"users.example:80", "dns:///users.example:80"},
           Row{"unix:/run/a.sock", "unix:/run/a.sock"},
           Row{"ipv4:1.2.3.4:80", "ipv4:1.2.3.4:80"},
       }) {
    EXPECT_EQ(ProbeTarget(row.address), row.target) << row.address;
  }
}

TEST(GrpcProbeTest, Ipv6AddressesWork) {
  auto server = ServerProcess::Start({{"--host", "[::1]"}, ""});
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string address = absl::StrCat("[::1]:", (*server)->port());
  const ProbeResult result = AskOnce(*ProbeOf(address));
  EXPECT_TRUE(result.healthy) << result.detail;
}

TEST(GrpcProbeTest, NoResultComesAfterTheDestructor) {
  const auto fleet = StartFleet(1);
  for (int stopped = 0; stopped < 2; ++stopped) {
    if (stopped == 1) fleet->server(0).Stop();
    for (int round = 0; round < 50; ++round) {
      auto probe = ProbeOf(fleet->address(0));
      // Every second round uses a connection that exists already.
      if (round % 2 == 1 && stopped == 0) AskOnce(*probe);
      bool destroyed = false;
      probe->Start(kLong, [&](ProbeResult) { EXPECT_FALSE(destroyed); });
      probe.reset();
      destroyed = true;
    }
  }
  fleet->server(0).Continue();
}

TEST(GrpcProbeTest, MayBeDestroyedByItsResultAndAskAgainFromIt) {
  const auto fleet = StartFleet(1);
  for (int round = 0; round < 20; ++round) {
    auto probe = ProbeOf(fleet->address(0));
    Event destroyed;
    probe->Start(kLong, [&](ProbeResult) {
      probe->Start(kLong, [&](ProbeResult) {
        probe.reset();
        destroyed.Set();
      });
    });
    ASSERT_TRUE(destroyed.Await());
  }
}

// The number of sockets in /proc/self/fd.
int Sockets() {
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry.path(), gone);
    if (!gone && absl::StartsWith(target.string(), "socket:")) ++count;
  }
  return count;
}

int ThreadsNamed(const std::string& name) {
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::string comm;
    std::getline(std::ifstream(entry.path() / "comm"), comm);
    if (comm == name) ++count;
  }
  return count;
}

// Waits until the numbers of sockets and threads are at most these, because
// what a probe has used may end a little later.
void AwaitAtMost(int sockets, int threads) {
  const absl::Time end = absl::Now() + kLong;
  while ((Sockets() > sockets || ThreadsNamed("mb_probe_calls") > threads) &&
         absl::Now() < end) {
    std::this_thread::yield();
  }
  EXPECT_LE(Sockets(), sockets);
  EXPECT_EQ(ThreadsNamed("mb_probe_calls"), threads);
}

TEST(GrpcProbeTest, LeavesNoSocketAndNoThread) {
  const auto fleet = StartFleet(1);
  AskOnce(*ProbeOf(fleet->address(0)));  // Lets gRPC open its own sockets.
  const int sockets = Sockets();
  for (int round = 0; round < 20; ++round) {
    const auto probe = ProbeOf(fleet->address(0));
    EXPECT_TRUE(AskOnce(*probe).healthy);
    AwaitAtMost(/*sockets=*/INT_MAX, /*threads=*/1);
    // Leaves a call under way; the next round must not be affected by it.
    probe->Start(kLong, [](ProbeResult) {});
  }
  AwaitAtMost(sockets, /*threads=*/0);
}

// 10 backends at an interval of 100 ms, ten times the usual rate, for 3 s.  The
// whole client process must stay below 10 % of a core, which is 1 % at the
// usual rate.
TEST(GrpcProbeTest, TenBackendsCostLittle) {
  const auto fleet = StartFleet(10);
  ActiveHealthConfig config;
  const auto factory =
      MakeGrpcProbeFactory(grpc::InsecureChannelCredentials(), config);
  const auto cpu_time = [] {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return absl::DurationFromTimeval(usage.ru_utime) +
           absl::DurationFromTimeval(usage.ru_stime);
  };
  std::atomic<int> healthy{0};
  Event enough;
  constexpr int kProbes = 300;
  absl::Duration cpu;
  {
    std::vector<std::unique_ptr<Prober>> probers;
    for (size_t i = 0; i < fleet->size(); ++i) {
      const std::string& address = fleet->address(i);
      probers.push_back(std::make_unique<Prober>(
          ProberOptions{absl::Milliseconds(100), absl::Seconds(5), i},
          factory->Make(*Endpoint::Parse(address), address),
          TimerQueue::Shared(), [&](const ProbeResult& result) {
            EXPECT_TRUE(result.healthy) << result.detail;
            if (++healthy == kProbes) enough.Set();
            return absl::Milliseconds(100);
          }));
    }
    const absl::Duration begin = cpu_time();
    ASSERT_TRUE(enough.Await());
    cpu = cpu_time() - begin;
  }
  RecordProperty("microseconds_per_probe",
                 absl::StrCat(cpu / kProbes / absl::Microseconds(1)));
  std::cout << "CPU per probe: " << cpu / kProbes << "\n";
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LE(cpu / kProbes, absl::Milliseconds(1));
#endif
}

TEST(GrpcProbeTest, AGroupShowsTheBackendsThatServe) {
  const auto fleet = StartFleet(2);
  EndpointList all;
  for (const std::string& address : fleet->addresses()) {
    all.push_back(*Endpoint::Parse(address));
  }
  HealthCheckedOptions options;
  options.config.interval = absl::Milliseconds(100);
  const auto group = HealthCheckedEndpointGroup(
      *StaticEndpointGroup::Make(all),
      MakeGrpcProbeFactory(grpc::InsecureChannelCredentials(), options.config),
      options);
  ASSERT_TRUE(group->AwaitInitialEndpoints(kLong).ok());
  const auto await_size = [&](size_t size) {
    std::promise<void> reached;
    bool told = false;
    const auto watch = group->Watch([&](auto list) {
      if (list->size() == size && !told) {
        told = true;
        reached.set_value();
      }
    });
    EXPECT_EQ(reached.get_future().wait_for(absl::ToChronoMilliseconds(kLong)),
              std::future_status::ready)
        << group->Describe();
  };
  await_size(2);
  fleet->SetBehaviour(0, NotServing());
  await_size(1);
  EXPECT_EQ(group->endpoints()->front().address(), fleet->address(1));
  EXPECT_THAT(group->Describe(), HasSubstr("NOT_SERVING"));
  fleet->SetBehaviour(0, Succeeding());
  await_size(2);
}

}  // namespace
}  // namespace multi_backend
