// Tests EtcdEndpointGroup with a real etcd.
#include "multi_backend/resolver/grpc/etcd/endpoint_group.h"

#include <stdlib.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/tests/testing/directory_entries.h"
#include "multi_backend/tests/testing/etcd_server.h"
#include "multi_backend/tests/testing/group_recorder.h"
#include "multi_backend/tests/testing/tls_certificates.h"

namespace multi_backend {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kPrefix[] = "/services/users/";
// How soon after the store serves again the list must be right.
constexpr milliseconds kSoon(2000);

std::string Key(const std::string& name) { return kPrefix + name; }

class EtcdEndpointGroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    MB_REQUIRE_PACKAGE(EtcdServer::Installed(), EtcdServer::kHowToInstall);
    // EtcdServer accepts pings this often.
    options_.client.keepalive_time = absl::Milliseconds(500);
    options_.client.keepalive_timeout = absl::Milliseconds(500);
    StartServer();
  }

  void StartServer(EtcdServer::Options options = {}) {
    auto server = EtcdServer::Start(std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  void Follow() { Follow(server_->address()); }
  void Follow(const std::string& servers) {
    recorder_.reset();
    auto group = EtcdEndpointGroup::Make(servers, kPrefix, options_);
    ASSERT_TRUE(group.ok()) << group.status();
    recorder_ = std::make_unique<GroupRecorder>(*group);
  }

  void Put(const std::string& name, const std::string& value) {
    const absl::Status status = server_->Put(Key(name), value);
    ASSERT_TRUE(status.ok()) << status;
  }

  EtcdSourceOptions options_;
  std::unique_ptr<EtcdServer> server_;
  std::unique_ptr<GroupRecorder> recorder_;
};

TEST_F(EtcdEndpointGroupTest, FollowsWhatIsAddedChangedAndRemoved) {
  Put("a", R"({"Addr":"10.0.0.1:1","Metadata":{"weight":5}})");
  Put("b", "10.0.0.2:1 role=replica");
  ASSERT_TRUE(server_->Put("/services/users2/x", "10.9.9.9:1").ok());
  Follow();
  ASSERT_TRUE(recorder_->WaitFor({"10.0.0.1:1", "10.0.0.2:1"}));
  EXPECT_EQ(recorder_->newest()[0].weight, 5u);
  EXPECT_EQ(recorder_->newest()[1].role, "replica");
  EXPECT_EQ(recorder_->group().last_error(), absl::OkStatus());
  EXPECT_EQ(recorder_->group().Describe(),
            "etcd://" + server_->address() + "/services/users/");
  EXPECT_FALSE(recorder_->group().names_are_configured());
  Put("c", "10.0.0.3:1");
  ASSERT_TRUE(recorder_->WaitFor({"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"}));
  Put("a", "10.0.0.1:1 weight=7");
  ASSERT_TRUE(recorder_->WaitUntil(
      [](const EndpointList& list) { return list[0].weight == 7; }));
  ASSERT_TRUE(server_->DeletePrefix(Key("b")).ok());
  ASSERT_TRUE(recorder_->WaitFor({"10.0.0.1:1", "10.0.0.3:1"}));
  Put("b", "169.254.169.254:80");
  Put("d", "10.0.0.4:1");
  ASSERT_TRUE(recorder_->WaitFor({"10.0.0.1:1", "10.0.0.3:1", "10.0.0.4:1"}));
  EXPECT_THAT(recorder_->group().Describe(),
              HasSubstr("1 refused: /services/users/b: 169.254.169.254:80: "
                        "link-local address"));
}

TEST_F(EtcdEndpointGroupTest, APrefixThatIsEmptyAtStartFillsLater) {
  Follow();
  ASSERT_TRUE(recorder_->WaitForError("the answer has no endpoints"));
  EXPECT_THAT(recorder_->group()
                  .AwaitInitialEndpoints(absl::Milliseconds(10))
                  .message(),
              HasSubstr(server_->address()));
  Put("a", "10.0.0.1:1");
  EXPECT_TRUE(recorder_->group().AwaitInitialEndpoints(absl::Seconds(30)).ok());
  EXPECT_TRUE(recorder_->WaitFor({"10.0.0.1:1"}));
}

TEST_F(EtcdEndpointGroupTest, AnEmptiedPrefixKeepsTheListUnlessTold) {
  Put("a", "10.0.0.1:1");
  Follow();
  ASSERT_TRUE(recorder_->WaitFor({"10.0.0.1:1"}));
  ASSERT_TRUE(server_->DeletePrefix(kPrefix).ok());
  ASSERT_TRUE(recorder_->WaitForError("the answer has no endpoints"));
  EXPECT_EQ(recorder_->newest().size(), 1u);
  Put("a", "10.0.0.1:1");
  options_.empty = EmptyAnswer::kIsAList;
  Follow();
  ASSERT_TRUE(recorder_->WaitFor({"10.0.0.1:1"}));
  ASSERT_TRUE(server_->DeletePrefix(kPrefix).ok());
  EXPECT_TRUE(recorder_->WaitFor({}));
}

TEST_F(EtcdEndpointGroupTest, AStoreThatIsAwaySaysSoAndServesWhenItComes) {
  Put("a", "10.0.0.1:1");
  server_->Kill();
  Follow();
  ASSERT_TRUE(recorder_->WaitForError("UNAVAILABLE: " + server_->address()));
  ASSERT_TRUE(server_->Restart().ok());
  EXPECT_TRUE(recorder_->WaitFor({"10.0.0.1:1"}, kSoon));
}

TEST_F(EtcdEndpointGroupTest, AnotherServerServesAtOnceWhenOneIsKilled) {
  auto other = EtcdServer::Start();
  ASSERT_TRUE(other.ok()) << other.status();
  // These are two clusters with different contents, so that the list shows
  // which one serves.
  ASSERT_TRUE(server_->PutAll({{Key("a"), "10.0.0.1:1"}}).ok());
  ASSERT_TRUE((*other)->PutAll({{Key("a"), "10.0.0.2:1"}}).ok());
  Follow(absl::StrCat(server_->address(), ",", (*other)->address()));
  ASSERT_TRUE(recorder_->WaitForSize(1));
  for (int i = 0; i < 4; ++i) {
    const bool first = recorder_->newest()[0].host == "10.0.0.1";
    EtcdServer& serving = first ? *server_ : **other;
    if (i % 2 == 0) {
      serving.Kill();
    } else {
      serving.Stop();  // The keepalive notices this.
    }
    const auto start = steady_clock::now();
    EXPECT_TRUE(recorder_->WaitFor({first ? "10.0.0.2:1" : "10.0.0.1:1"}));
    EXPECT_LT(steady_clock::now() - start, kSoon) << i;
    if (i % 2 == 0) {
      ASSERT_TRUE(serving.Restart().ok());
    } else {
      serving.Continue();
    }
  }
  EXPECT_EQ(recorder_->emptied(), 0);
}

TEST_F(EtcdEndpointGroupTest, CredentialsComeFromOptionsFilesAndEnvironment) {
  Put("a", "10.0.0.1:1");
  ASSERT_TRUE(server_->EnableUsers("p:ssw0rd").ok());
  const auto with = [this](const std::string& user,
                           const std::string& password) {
    options_.client.user = user;
    options_.client.password = password;
    Follow();
  };
  with("", "");
  ASSERT_TRUE(recorder_->WaitForError("user name is empty"));
  with("root", "wrong0ne");
  ASSERT_TRUE(recorder_->WaitForError("authentication failed"));
  EXPECT_THAT(recorder_->group().Describe(), Not(HasSubstr("wrong0ne")));
  with("guest", "p:ssw0rd");
  ASSERT_TRUE(recorder_->WaitForError("permission denied"));
  with("root", "p:ssw0rd");
  EXPECT_TRUE(recorder_->WaitFor({"10.0.0.1:1"}));
  // A new connection needs a new token.
  ASSERT_TRUE(server_->Restart().ok());
  Put("b", "10.0.0.2:1");
  EXPECT_TRUE(recorder_->WaitFor({"10.0.0.1:1", "10.0.0.2:1"}, kSoon));

  const std::string file = ::testing::TempDir() + "/etcd_credentials";
  std::ofstream(file) << "root:p:ssw0rd\n";
  options_.client.credentials_file = file;
  with("", "");
  EXPECT_TRUE(recorder_->WaitFor({"10.0.0.1:1", "10.0.0.2:1"}));
  options_.client.credentials_file = "";
  setenv(kEtcdAuthFileVariable, file.c_str(), 1);
  with("", "");
  EXPECT_TRUE(recorder_->WaitFor({"10.0.0.1:1", "10.0.0.2:1"}));
  std::ofstream(file) << "p:ssw0rd"[1];  // There is no user before the colon.
  Follow();
  EXPECT_TRUE(recorder_->WaitForError("write user:password"));
  unsetenv(kEtcdAuthFileVariable);
}

TEST_F(EtcdEndpointGroupTest, AServerWithoutUsersServesClientsThatHaveOne) {
  Put("a", "10.0.0.1:1");
  options_.client.user = "root";
  options_.client.password = "any";
  Follow();
  EXPECT_TRUE(recorder_->WaitFor({"10.0.0.1:1"}));
}

TEST_F(EtcdEndpointGroupTest, TlsChecksTheServersCertificate) {
  auto certificates = TlsCertificates::Create();
  ASSERT_TRUE(certificates.ok()) << certificates.status();
  auto pair = (*certificates)->Issue({"127.0.0.1"});
  ASSERT_TRUE(pair.ok()) << pair.status();
  StartServer({pair->key_file, pair->cert_file, (*certificates)->ca_pem()});
  Put("a", "10.0.0.1:1");
  Follow();  // Without TLS.
  ASSERT_TRUE(recorder_->WaitForError("UNAVAILABLE"));
  grpc::SslCredentialsOptions tls;
  options_.client.credentials = grpc::SslCredentials(tls);
  Follow();  // With a certificate authority that the client does not know.
  ASSERT_TRUE(recorder_->WaitForError("UNAVAILABLE"));
  EXPECT_TRUE(recorder_->newest().empty());
  tls.pem_root_certs = (*certificates)->ca_pem();
  options_.client.credentials = grpc::SslCredentials(tls);
  Follow();
  EXPECT_TRUE(recorder_->WaitFor({"10.0.0.1:1"}));
}

std::map<std::string, std::string> Entries(int first, int count) {
  std::map<std::string, std::string> entries;
  for (int i = first; i < first + count; ++i) {
    entries[Key(absl::StrCat("k", 100000 + i))] = absl::StrCat(
        "{\"Addr\":\"10.1.", i / 250, ".", i % 250,
        ":50051\",\"Metadata\":{\"weight\":2000,\"zone\":\"eu\"}}");
  }
  return entries;
}

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

// etcd/record_test.cc bounds the cost of the endpoints themselves.  Here gRPC's
// own cost is included.
TEST_F(EtcdEndpointGroupTest, TenThousandEndpointsAreOneList) {
  ASSERT_TRUE(server_->PutAll(Entries(0, 10000)).ok());
  const double before = CpuSeconds();
  Follow();
  ASSERT_TRUE(recorder_->WaitForSize(10000));
  std::printf("10,000 endpoints: %.1f ms of CPU time, with gRPC's\n",
              (CpuSeconds() - before) * 1e3);
  EXPECT_EQ(recorder_->lists(), 1);
  // One endpoint more is too many, and changes nothing.
  ASSERT_TRUE(server_->PutAll(Entries(10000, 1)).ok());
  ASSERT_TRUE(recorder_->WaitForError("10001 endpoints, at most 10000"));
  EXPECT_EQ(recorder_->newest().size(), 10000u);
  EXPECT_EQ(recorder_->lists(), 1);
}

// All of them do not fit into one answer that gRPC takes.
TEST_F(EtcdEndpointGroupTest, LargeStrayValuesKeepNoOtherFromBeingRead) {
  const std::string large(1'400'000, 'x');
  for (const char* name : {"a", "b", "c", "e"}) Put(name, large);
  Put("d", "10.0.0.4:1");
  Follow();
  ASSERT_TRUE(recorder_->WaitFor({"10.0.0.4:1"}))
      << recorder_->group().last_error();
  EXPECT_THAT(recorder_->group().Describe(), HasSubstr("4 refused"));
}

TEST_F(EtcdEndpointGroupTest, ABurstOfChangesIsOneList) {
  Put("a", "10.0.0.1:1");
  Follow();
  ASSERT_TRUE(recorder_->WaitForSize(1));
  ASSERT_TRUE(server_->PutAll(Entries(0, 1000)).ok());
  ASSERT_TRUE(recorder_->WaitForSize(1001));
  EXPECT_EQ(recorder_->lists(), 2);
}

// Each cycle of the soak does one thing to the store, and changes the list.
class EtcdSoakTest : public EtcdEndpointGroupTest {
 protected:
  void Refill() {
    ++generation_;
    ASSERT_TRUE(
        server_->PutAll({{Key("a"), Address(1)}, {Key("b"), Address(2)}}).ok());
  }
  std::string Address(int host) const {
    return absl::StrCat("10.0.", generation_, ".", host, ":1");
  }

  void Cycle(int kind) {
    switch (kind % 4) {
      case 0:  // Frozen for longer than the keepalive's timeout.
        server_->Stop();
        ASSERT_TRUE(recorder_->WaitForError(server_->address()));
        server_->Continue();
        Refill();
        break;
      case 1:
        server_->Kill();
        ASSERT_TRUE(recorder_->WaitForError(server_->address()));
        ASSERT_TRUE(server_->Restart().ok());
        Refill();
        break;
      case 2:
        server_->Kill();
        ASSERT_TRUE(server_->Wipe().ok());
        Refill();
        break;
      case 3:  // Changes that a returning client can no longer read.
        server_->Kill();
        ASSERT_TRUE(server_->Restart().ok());
        Refill();
        Refill();
        ASSERT_TRUE(server_->Compact().ok());
        break;
    }
  }

  int generation_ = 0;
};

TEST_F(EtcdSoakTest, TwentyCyclesOfOutagesLeaveNothingBehind) {
  Refill();
  Follow();
  ASSERT_TRUE(recorder_->WaitFor({Address(1), Address(2)}));
  size_t fds = 0;
  size_t threads = 0;
  milliseconds longest(0);
  for (int cycle = 0; cycle < 20; ++cycle) {
    Cycle(cycle);
    const auto start = steady_clock::now();
    ASSERT_TRUE(recorder_->WaitFor({Address(1), Address(2)}, kSoon)) << cycle;
    longest = std::max(longest, std::chrono::duration_cast<milliseconds>(
                                    steady_clock::now() - start));
    if (cycle == 3) {
      fds = EntriesOf("/proc/self/fd");
      threads = EntriesOf("/proc/self/task");
    }
  }
  std::printf("the right list was there after %d ms at most\n",
              static_cast<int>(longest.count()));
  EXPECT_EQ(recorder_->emptied(), 0);
  EXPECT_LE(SettledEntriesOf("/proc/self/fd", fds), fds);
  // gRPC may add a thread or two.
  EXPECT_LE(SettledEntriesOf("/proc/self/task", threads + 2), threads + 2);
  // A watch begins after the list has been read, and it ends some time after
  // its client has gone.
  const auto await_watches = [this](int count) {
    const auto patience = steady_clock::now() + GroupRecorder::kPatience;
    auto watches = server_->Watches();
    while (watches.ok() && *watches != count &&
           steady_clock::now() < patience) {
      watches = server_->Watches();
    }
    ASSERT_TRUE(watches.ok()) << watches.status();
    EXPECT_EQ(*watches, count);
  };
  await_watches(1);
  recorder_.reset();
  await_watches(0);
}

TEST_F(EtcdEndpointGroupTest, CloseEndsItWhateverTheServerDoes) {
  Put("a", "10.0.0.1:1");
  Follow();
  ASSERT_TRUE(recorder_->WaitFor({"10.0.0.1:1"}));
  server_->Stop();
  const auto start = steady_clock::now();
  recorder_->group().Close();
  EXPECT_LT(steady_clock::now() - start, milliseconds(1000));
  server_->Continue();
}

TEST_F(EtcdEndpointGroupTest, ACallbackMayEndTheGroup) {
  Put("a", "10.0.0.1:1");
  auto group = EtcdEndpointGroup::Make(server_->address(), kPrefix, options_);
  ASSERT_TRUE(group.ok());
  std::shared_ptr<EndpointGroup> owned = *std::move(group);
  group = absl::CancelledError("moved");
  std::mutex mu;
  std::condition_variable changed;
  bool ended = false;
  auto watch = owned->Watch([&](std::shared_ptr<const EndpointList> list) {
    if (list->empty()) return;
    std::lock_guard<std::mutex> lock(mu);
    owned.reset();
    ended = true;
    changed.notify_all();
  });
  std::unique_lock<std::mutex> lock(mu);
  EXPECT_TRUE(
      changed.wait_for(lock, GroupRecorder::kPatience, [&] { return ended; }));
  lock.unlock();
  watch.reset();
}

TEST(EtcdEndpointGroupOptionsTest, ServersMayHaveAnyAddress) {
  for (const char* server : {"[::1]:1", "etcd:1"}) {
    auto group = EtcdEndpointGroup::Make(server, kPrefix);
    ASSERT_TRUE(group.ok()) << group.status();
    EXPECT_TRUE(GroupRecorder(*group).WaitForError(
        absl::StrCat("UNAVAILABLE: ", server)));
    EXPECT_THAT((*group)->Describe(), Not(HasSubstr("not valid")));
  }
}

TEST(EtcdEndpointGroupOptionsTest, BadOnesAreRefused) {
  EXPECT_FALSE(EtcdEndpointGroup::Make("", kPrefix).ok());
  EXPECT_FALSE(EtcdEndpointGroup::Make("h:1", "").ok());
  const auto secret = EtcdEndpointGroup::Make("me:secret@h:1", kPrefix);
  ASSERT_FALSE(secret.ok());
  EXPECT_THAT(secret.status().message(), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace multi_backend
