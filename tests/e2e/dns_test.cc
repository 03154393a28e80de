// Calls through channels whose backends come from a real DNS server (Knot), on
// addresses 127.0.0.x, while the records change and the server misbehaves.

#include <stdio.h>

#include <fstream>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/sources.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/knot_server.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::IsEmpty;

// A change may be in use a second after the TTL, which is 1 s.
constexpr absl::Duration kInTime = absl::Seconds(2);
// Enough calls for a lost one to show.
constexpr int64_t kManyCalls = 200;

class DnsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    MB_REQUIRE_PACKAGE(KnotServer::Installed(), KnotServer::kHowToInstall);
    ASSERT_TRUE(Register().ok());
    auto dns = KnotServer::Start();
    ASSERT_TRUE(dns.ok()) << dns.status();
    dns_ = *std::move(dns);
  }

  // Each backend listens on every address 127.x.x.x.
  void StartBackends(size_t count) {
    auto fleet = BackendFleet::Start(count, {"--host=0.0.0.0"});
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }
  int PortOf(size_t index) { return fleet_->server(index).port(); }

  void Connect(const std::string& target, const std::string& policy = "") {
    ChannelOptions options;
    options.service_config_json = ServiceConfig(policy);
    options.args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
    options.args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 50);
    options.args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
    auto client = UsersClient::Make(target, std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  void Update(const std::vector<std::string>& changes) {
    const absl::Status status = dns_->Update(changes);
    ASSERT_TRUE(status.ok()) << status;
  }

  bool Has(const std::string& address) {
    for (const BackendSnapshot& backend : client_->pool().GetAllBackends()) {
      if (backend.address == address) return true;
    }
    return false;
  }

  ::testing::AssertionResult IsUsed(const std::string& address,
                                    absl::Duration patience = kInTime) {
    return Within(patience, [&] { return client_->Backend(address).calls > 0; })
           << address << " has no calls";
  }
  ::testing::AssertionResult IsGone(const std::string& address) {
    return Within(kInTime, [&] { return !Has(address); })
           << address << " is still a backend";
  }
  ::testing::AssertionResult CallsGoOn(const BackgroundLoad& load) {
    const int64_t before = load.calls();
    return Within(kTestTimeout,
                  [&] { return load.calls() >= before + kManyCalls; })
           << "calls stand still";
  }

  static ::testing::AssertionResult Within(
      absl::Duration patience, absl::FunctionRef<bool()> condition) {
    return WaitUntil(condition, patience) ? ::testing::AssertionSuccess()
                                          : ::testing::AssertionFailure();
  }

  std::unique_ptr<KnotServer> dns_;
  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
};

// The records that make one endpoint known, as pairs of owner and data.
struct RecordType {
  const char* scheme;
  const char* name;  // The name in the target; "$" is the port.
  // "$" is the port, "@" the address.
  std::vector<std::pair<std::string, std::string>> records;
};

std::ostream& operator<<(std::ostream& out, const RecordType& type) {
  return out << type.scheme;
}

const RecordType kRecordTypes[] = {
    {"dns+addr", "users.example:$", {{"users.example.", "A @"}}},
    {"dns+srv",
     "_grpc._tcp.users.example",
     {{"h@.example.", "A @"},
      {"_grpc._tcp.users.example.", "SRV 0 100 $ h@.example."}}},
    {"dns+txt", "users.example", {{"users.example.", "TXT \"@:$\""}}},
};

class DnsRecordTest : public DnsTest,
                      public ::testing::WithParamInterface<RecordType> {
 protected:
  std::string Fill(const std::string& text, const std::string& ip) {
    return absl::StrReplaceAll(text,
                               {{"$", absl::StrCat(PortOf(0))}, {"@", ip}});
  }
  void Change(const std::string& verb, const std::string& ip) {
    std::vector<std::string> changes;
    for (const auto& record : GetParam().records) {
      changes.push_back(absl::StrCat(verb, " ", Fill(record.first, ip),
                                     verb == "add" ? " 1 " : " ",
                                     Fill(record.second, ip)));
    }
    Update(changes);
  }
  std::string AddressOf(const std::string& ip) {
    return absl::StrCat(ip, ":", PortOf(0));
  }
};

TEST_P(DnsRecordTest, ChangesAreInUseWithinTtlAndASecondAndLoseNoCall) {
  StartBackends(1);
  Change("add", "127.0.0.2");
  Connect(absl::StrCat(GetParam().scheme, "://", dns_->address(), "/",
                       Fill(GetParam().name, "")));
  ASSERT_TRUE(client_->ConnectTo({AddressOf("127.0.0.2")}));
  BackgroundLoad load(*client_, /*threads=*/2);
  for (const std::string ip : {"127.0.0.3", "127.0.0.4"}) {
    Change("add", ip);
    EXPECT_TRUE(IsUsed(AddressOf(ip)));
    Change("delete", ip);
    EXPECT_TRUE(IsGone(AddressOf(ip)));
  }
  EXPECT_TRUE(Has(AddressOf("127.0.0.2")));
  EXPECT_THAT(load.Stop().failures, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Types, DnsRecordTest,
                         ::testing::ValuesIn(kRecordTypes),
                         [](const auto& info) {
                           return std::string(info.param.scheme).substr(4);
                         });

// A group of TXT records under "users" whose errors the tests can read.
class DnsServerTest : public DnsTest {
 protected:
  void SetUp() override {
    DnsTest::SetUp();
    if (IsSkipped()) return;
    StartBackends(1);
    Update({Record("add", "127.0.0.2")});
  }
  void TearDown() override { EndpointGroupRegistry::Unregister("users"); }

  void ConnectToGroup(DnsSourceOptions options = {}) {
    options.client.servers = dns_->address();
    auto group = DnsTextEndpointGroup::Make("users.example", options);
    ASSERT_TRUE(group.ok()) << group.status();
    group_ = *std::move(group);
    ASSERT_TRUE(EndpointGroupRegistry::Register("users", group_).ok());
    Connect("group:///users");
    ASSERT_TRUE(client_->ConnectTo({AddressOf("127.0.0.2")}));
  }

  std::string AddressOf(const std::string& ip) {
    return absl::StrCat(ip, ":", PortOf(0));
  }
  std::string Record(const std::string& verb, const std::string& ip) {
    return absl::StrCat(verb, " users.example. ", verb == "add" ? "1 " : "",
                        "TXT \"", AddressOf(ip),
                        " zone=a-zone-with-a-long-name\"");
  }

  // Whether a datagram that the server has not read yet is waiting there.
  bool AQuestionWaits() {
    const std::vector<std::string> address =
        absl::StrSplit(dns_->address(), ':');
    const std::string local =
        absl::StrFormat("0100007F:%04X", std::stoi(address[1]));
    std::ifstream sockets("/proc/net/udp");
    for (std::string line; std::getline(sockets, line);) {
      const std::vector<std::string> columns =
          absl::StrSplit(line, ' ', absl::SkipEmpty());
      // sl local_address rem_address st tx_queue:rx_queue
      if (columns.size() > 4 && columns[1] == local &&
          !absl::EndsWith(columns[4], ":00000000")) {
        return true;
      }
    }
    return false;
  }

  std::shared_ptr<EndpointGroup> group_;
};

TEST_F(DnsServerTest, AKilledServerLosesNoCallAndIsFollowedAgain) {
  ConnectToGroup();
  BackgroundLoad load(*client_, /*threads=*/2);
  for (const std::string ip : {"127.0.0.3", "127.0.0.4"}) {
    dns_->Kill();
    EXPECT_TRUE(WaitUntil([&] { return !group_->last_error().ok(); }));
    EXPECT_TRUE(CallsGoOn(load)) << group_->Describe();
    ASSERT_TRUE(dns_->Restart().ok());
    Update({Record("add", ip)});
    EXPECT_TRUE(IsUsed(AddressOf(ip), kTestTimeout)) << group_->Describe();
    EXPECT_TRUE(WaitUntil([&] { return group_->last_error().ok(); }));
  }
  EXPECT_THAT(load.Stop().failures, IsEmpty());
}

TEST_F(DnsServerTest, AFrozenServerLosesNoCallAndIsFollowedAgain) {
  DnsSourceOptions options;
  options.client.timeout = absl::Milliseconds(100);
  options.client.tries = 2;
  ConnectToGroup(options);
  BackgroundLoad load(*client_, /*threads=*/2);
  dns_->Stop();
  EXPECT_TRUE(WaitUntil([&] {
    return absl::StrContains(group_->last_error().message(), "Timeout");
  }));
  EXPECT_TRUE(CallsGoOn(load)) << group_->Describe();
  dns_->Continue();
  Update({Record("add", "127.0.0.3")});
  EXPECT_TRUE(IsUsed(AddressOf("127.0.0.3"), kTestTimeout));
  EXPECT_THAT(load.Stop().failures, IsEmpty());
}

TEST_F(DnsServerTest, SlowAnswersLoseNothing) {
  ConnectToGroup();
  BackgroundLoad load(*client_, /*threads=*/2);
  for (const std::string ip : {"127.0.0.3", "127.0.0.4"}) {
    Update({Record("add", ip)});
    dns_->Stop();
    // The answer arrives when these calls have ended.
    EXPECT_TRUE(WaitUntil([&] { return AQuestionWaits(); }));
    EXPECT_TRUE(CallsGoOn(load));
    dns_->Continue();
    // If the calls took longer than the question waits, it is asked again after
    // a backoff of at most 5 s.
    EXPECT_TRUE(IsUsed(AddressOf(ip), kInTime + absl::Seconds(5)))
        << group_->Describe();
    EXPECT_TRUE(group_->last_error().ok()) << group_->Describe();
  }
  EXPECT_THAT(load.Stop().failures, IsEmpty());
}

// Returns what kdig prints for an answer over UDP, with the client's payload
// size.
std::string AskByUdp(const KnotServer& dns) {
  const std::vector<std::string> address = absl::StrSplit(dns.address(), ':');
  FILE* const pipe =
      popen(absl::StrCat("kdig @", address[0], " -p ", address[1],
                         " users.example TXT +notcp +ignore +bufsize=1232")
                .c_str(),
            "r");
  std::string output;
  char piece[4096];
  while (const size_t size = fread(piece, 1, sizeof(piece), pipe)) {
    output.append(piece, size);
  }
  pclose(pipe);
  return output;
}

TEST_F(DnsServerTest, TruncatedAnswersLoseNothing) {
  constexpr size_t kMany = 100;
  ConnectToGroup();
  BackgroundLoad load(*client_, /*threads=*/2);
  std::vector<std::string> more, fewer;
  for (size_t i = 1; i < kMany; ++i) {
    const std::string ip = absl::StrCat("127.0.1.", i);
    more.push_back(Record("add", ip));
    fewer.push_back(Record("delete", ip));
  }
  const auto has = [&](size_t count) {
    return Within(kInTime,
                  [&] { return ListedBackends(client_->pool()) == count; })
           << group_->Describe();
  };
  Update(more);
  EXPECT_TRUE(has(kMany));
  EXPECT_THAT(AskByUdp(*dns_), ::testing::ContainsRegex("Flags: qr[^;]* tc"));
  EXPECT_TRUE(CallsGoOn(load));
  Update(fewer);
  EXPECT_TRUE(has(1));
  EXPECT_THAT(load.Stop().failures, IsEmpty());
}

// The priorities of SRV records are tiers for PRIMARY.
class DnsTiersTest : public DnsTest {
 protected:
  static constexpr absl::Duration kHoldDown = absl::Seconds(1);

  void SetUp() override {
    DnsTest::SetUp();
    if (IsSkipped()) return;
    StartBackends(3);
    std::vector<std::string> changes;
    for (size_t i = 0; i < 3; ++i) {
      changes.push_back(absl::StrCat("add h", i, ".example. 1 A ", IpOf(i)));
      changes.push_back(absl::StrCat("add _grpc._tcp.users.example. 1 SRV ",
                                     i < 2 ? 1 : 2, " 100 ", PortOf(i), " h", i,
                                     ".example."));
    }
    Update(changes);
  }

  static std::string IpOf(size_t index) {
    return absl::StrCat("127.0.0.", index + 2);
  }
  uint64_t CallsOf(size_t index) {
    return client_->Backend(absl::StrCat(IpOf(index), ":", PortOf(index)))
        .calls;
  }
  // Whether backend `index` gets more calls and the others get none from then
  // on.
  ::testing::AssertionResult Serves(size_t index) {
    const uint64_t before = CallsOf(index);
    if (!WaitUntil([&] { return CallsOf(index) > before + kManyCalls; })) {
      return ::testing::AssertionFailure() << index << " gets no calls";
    }
    return ::testing::AssertionSuccess();
  }
};

constexpr absl::Duration DnsTiersTest::kHoldDown;

TEST_F(DnsTiersTest, TheSecondServesWhileTheFirstIsDown) {
  Connect(
      absl::StrCat("dns+srv://", dns_->address(), "/_grpc._tcp.users.example"),
      R"("strategy":"PRIMARY","primary":{"holdDown":"1s"})");
  ASSERT_TRUE(client_->Call().ok());
  BackgroundLoad load(*client_, /*threads=*/2);
  EXPECT_TRUE(Serves(0));
  // Other backends had calls only while this one was not connected yet.
  const uint64_t at_first[] = {CallsOf(1), CallsOf(2)};
  EXPECT_TRUE(Serves(0));
  EXPECT_EQ(CallsOf(1), at_first[0]);
  EXPECT_EQ(CallsOf(2), at_first[1]);
  fleet_->server(0).Kill();
  EXPECT_TRUE(Serves(1));
  EXPECT_EQ(CallsOf(2), at_first[1])
      << "the rest of the first tier comes first";
  fleet_->server(1).Kill();
  EXPECT_TRUE(Serves(2));

  for (const size_t back : {1, 0}) {
    const uint64_t before = CallsOf(back);
    const absl::Time restart = absl::Now();
    ASSERT_TRUE(fleet_->server(back).Restart().ok());
    ASSERT_TRUE(WaitUntil([&] { return CallsOf(back) > before; }));
    EXPECT_GE(absl::Now() - restart, kHoldDown);
    EXPECT_TRUE(Serves(back));
    const uint64_t others = CallsOf(1 - back) + CallsOf(2);
    EXPECT_TRUE(Serves(back));
    EXPECT_EQ(CallsOf(1 - back) + CallsOf(2), others);
  }
  EXPECT_THAT(load.Stop().failures, IsEmpty());
}

}  // namespace
}  // namespace multi_backend
