// Runs the code that the pages in docs/ show, with real servers where the code
// needs one.
#include "multi_backend/examples/snippets/snippets.h"

#include <dirent.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/examples/backend_model.h"
#include "multi_backend/examples/users_service.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/etcd_server.h"
#include "multi_backend/tests/testing/fixed_server.h"
#include "multi_backend/tests/testing/knot_server.h"
#include "multi_backend/tests/testing/server_process.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace snippets {
namespace {

using examples::users::v1::CreateUserRequest;
using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;
using multi_backend::BackendFleet;
using multi_backend::Endpoint;
using multi_backend::EndpointList;
using multi_backend::EtcdServer;
using multi_backend::KnotServer;
using multi_backend::kTestTimeout;
using multi_backend::StaticEndpointGroup;
using multi_backend::WaitUntil;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Credentials Insecure() { return grpc::InsecureChannelCredentials(); }

// Returns the name of the backend that has answered, or "" if the call failed.
std::string ServedBy(const std::shared_ptr<grpc::Channel>& channel,
                     const std::string& user_id = "") {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
  GetUserRequest request;
  request.set_user_id(user_id);
  UserReply reply;
  const grpc::Status status =
      Users::NewStub(channel)->GetUser(&context, request, &reply);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return reply.served_by();
}

EndpointList EndpointsOf(const BackendFleet& fleet) {
  EndpointList list;
  for (const std::string& address : fleet.addresses()) {
    list.push_back(*Endpoint::Parse(address));
  }
  return list;
}

// Keeps the warnings of the library while it exists.
class Warnings {
 public:
  Warnings() {
    multi_backend::SetLogSink(
        [this](multi_backend::LogSeverity severity, absl::string_view text) {
          if (severity == multi_backend::LogSeverity::kInfo) return;
          absl::MutexLock lock(&mutex_);
          texts_.emplace_back(text);
        });
  }
  ~Warnings() { multi_backend::SetLogSink(nullptr); }

  std::vector<std::string> texts() const {
    absl::MutexLock lock(&mutex_);
    return texts_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::string> texts_ ABSL_GUARDED_BY(mutex_);
};

class SnippetsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(multi_backend::Register().ok()); }

  void StartFleet(size_t size) {
    auto fleet = BackendFleet::Start(size);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }

  std::unique_ptr<BackendFleet> fleet_;
};

TEST_F(SnippetsTest, EachConfigurationIsAcceptedWithoutAWarning) {
  const std::string folder =
      multi_backend::RunfilePath("examples/snippets/kubernetes.json");
  const std::string path = folder.substr(0, folder.rfind('/') + 1);
  DIR* const directory = opendir(path.c_str());
  ASSERT_NE(directory, nullptr) << path;
  std::set<std::string> names;
  while (const dirent* entry = readdir(directory)) {
    if (absl::EndsWith(entry->d_name, ".json")) names.insert(entry->d_name);
  }
  closedir(directory);
  EXPECT_GE(names.size(), 6u);
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    Warnings warnings;
    std::ifstream file(path + name);
    std::stringstream json;
    json << file.rdbuf();
    multi_backend::ChannelOptions options;
    options.service_config_json = json.str();
    const auto channel = multi_backend::CreateChannel(
        "static:///127.0.0.1:1", Insecure(), std::move(options));
    EXPECT_TRUE(channel.ok()) << channel.status();
    EXPECT_THAT(warnings.texts(), IsEmpty());
  }
}

TEST_F(SnippetsTest, TheKeyOfACallComesFromItsRequest) {
  StartFleet(3);
  auto channel = CreateChannelWithKeys(fleet_->StaticTarget(), Insecure());
  ASSERT_TRUE(channel.ok()) << channel.status();
  std::set<std::string> homes;
  ASSERT_TRUE(WaitUntil([&] {
    homes.insert(ServedBy(*channel, absl::StrCat(homes.size())));
    homes.insert(ServedBy(*channel));  // An empty key counts as none.
    return homes.size() == 3;
  }));
  homes.clear();
  for (int user = 0; user < 30; ++user) {
    const std::string id = absl::StrCat("user-", user);
    const std::string home = ServedBy(*channel, id);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ServedBy(*channel, id), home);
    homes.insert(home);
  }
  EXPECT_EQ(homes.size(), 3u);
}

TEST_F(SnippetsTest, TheApplicationDecidesWhichErrorsAreTriedElsewhere) {
  StartFleet(2);
  auto channel =
      CreateChannelWithClassifier(fleet_->StaticTarget(), Insecure());
  ASSERT_TRUE(channel.ok()) << channel.status();
  std::set<std::string> served;
  ASSERT_TRUE(WaitUntil([&] {
    served.insert(ServedBy(*channel));
    return served.size() == 2;
  }));
  fleet_->SetBehaviour(0, multi_backend::Failing());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ServedBy(*channel), "b1");
  for (size_t i = 0; i < 2; ++i) {
    fleet_->SetBehaviour(i, multi_backend::Failing("ABORTED"));
  }
  fleet_->ResetStats();
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
  UserReply reply;
  EXPECT_EQ(Users::NewStub(*channel)
                ->GetUser(&context, GetUserRequest(), &reply)
                .error_code(),
            grpc::StatusCode::ABORTED);
  EXPECT_EQ(fleet_->TotalCalls(), 1);
}

TEST_F(SnippetsTest, TextRecordsMayHaveAFormOfTheirOwn) {
  MB_REQUIRE_PACKAGE(KnotServer::Installed(), KnotServer::kHowToInstall);
  auto dns = KnotServer::Start();
  ASSERT_TRUE(dns.ok()) << dns.status();
  const absl::Status updated =
      (*dns)->Update({R"(add users.example. 1 TXT "backend=127.0.0.2:50051")",
                      R"(add users.example. 1 TXT "127.0.0.3:50051")"});
  ASSERT_TRUE(updated.ok()) << updated;
  const absl::Status registered =
      RegisterTextRecords("users.example", (*dns)->address());
  ASSERT_TRUE(registered.ok()) << registered;
  const auto group = multi_backend::EndpointGroupRegistry::Get("users");
  ASSERT_TRUE(group->AwaitInitialEndpoints(kTestTimeout).ok());
  EXPECT_EQ(*group->endpoints(),
            EndpointList({Endpoint::Of("127.0.0.2", 50051)}));
  EXPECT_THAT(group->Describe(), HasSubstr("it is not backend=host:port"));
  EndGroup(group);
}

TEST_F(SnippetsTest, TrailsSayWhichBackendsACallTried) {
  StartFleet(2);
  std::vector<std::string> lines;
  auto channel = CreateLoggingChannel(
      fleet_->StaticTarget(), Insecure(),
      [&lines](absl::string_view line) { lines.emplace_back(line); });
  ASSERT_TRUE(channel.ok()) << channel.status();
  std::set<std::string> seen;
  ASSERT_TRUE(WaitUntil([&] {
    seen.insert(ServedBy(*channel));
    return seen.size() == 2;
  }));
  for (size_t i = 0; i < 2; ++i)
    fleet_->SetBehaviour(i, multi_backend::Failing());
  lines.clear();
  std::vector<std::string> trails;
  const grpc::Status status = GetUserAndExplain(
      *Users::NewStub(*channel), {},
      [&trails](absl::string_view line) { trails.emplace_back(line); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  ASSERT_EQ(trails.size(), 1u);
  EXPECT_EQ(lines, trails);
  EXPECT_THAT(trails[0], HasSubstr("; retried: "));
}

TEST_F(SnippetsTest, APoolShowsMarksAndTellsOfChanges) {
  StartFleet(2);
  auto watched = CreateWatchedChannel(fleet_->StaticTarget(), Insecure());
  ASSERT_TRUE(watched.ok()) << watched.status();
  const auto& channel = watched->channels[0];
  std::set<std::string> seen;
  ASSERT_TRUE(WaitUntil([&] {
    seen.insert(ServedBy(channel));
    return seen.size() == 2;
  }));
  multi_backend::BackendPool& pool = *watched->pool;
  EXPECT_TRUE(TakeOut(pool, fleet_->address(0), kTestTimeout));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ServedBy(channel), "b1");
  std::ostringstream backends;
  PrintBackends(pool, backends);
  EXPECT_THAT(backends.str(),
              AllOf(HasSubstr(absl::StrCat(fleet_->address(0), " DOWN since ")),
                    HasSubstr(": maintenance (0 in flight, 0 of "),
                    HasSubstr(absl::StrCat(fleet_->address(1), " ALIVE ("))));

  std::ostringstream events;
  const uint64_t newest = PrintNewEvents(pool, 0, events);
  EXPECT_THAT(events.str(),
              HasSubstr(absl::StrCat(fleet_->address(0), ": ALIVE -> DOWN")));
  EXPECT_THAT(events.str(), Not(HasSubstr("lost")));
  BringBack(pool, fleet_->address(0));
  std::ostringstream later;
  EXPECT_GT(PrintNewEvents(pool, newest, later), newest);
  EXPECT_THAT(later.str(),
              AllOf(HasSubstr("-> ALIVE: marked healthy: maintenance is over"),
                    Not(HasSubstr("-> DOWN"))));
  EXPECT_TRUE(WaitUntil([&] { return ServedBy(channel) == "b0"; }));
}

TEST_F(SnippetsTest, ADrainIsAnEventWithWhoAsked) {
  const auto pool = multi_backend::BackendPool::Create();
  const auto watch = pool->Watch();
  EXPECT_TRUE(DrainForDeploy(*pool, "10.0.0.1:50051").ok());
  std::ostringstream events;
  PrintEventsOf(*watch, absl::ZeroDuration(), events);
  EXPECT_EQ(events.str(),
            "10.0.0.1:50051: serving -> draining: deploy of 1.4 (asked by "
            "ann)\n10.0.0.1:50051: draining -> drained: 0 in flight\n");
}

TEST_F(SnippetsTest, TakingOutWaitsForCallsThatRun) {
  StartFleet(1);
  fleet_->SetBehaviour(0, multi_backend::Hanging());
  auto watched = CreateWatchedChannel(fleet_->StaticTarget(), Insecure());
  ASSERT_TRUE(watched.ok()) << watched.status();
  std::thread caller([&] { EXPECT_EQ(ServedBy(watched->channels[0]), "b0"); });
  EXPECT_TRUE(WaitUntil([&] { return fleet_->Stats(0).in_flight() == 1; }));
  EXPECT_FALSE(
      TakeOut(*watched->pool, fleet_->address(0), absl::Milliseconds(50)));
  fleet_->SetBehaviour(0, multi_backend::Succeeding());
  caller.join();
  EXPECT_TRUE(TakeOut(*watched->pool, fleet_->address(0), kTestTimeout));
}

TEST_F(SnippetsTest, ChannelsThatShareAPoolShareAMark) {
  StartFleet(2);
  auto sharing =
      CreateSharingChannels(fleet_->StaticTarget(), Insecure(), "{}", "{}");
  ASSERT_TRUE(sharing.ok()) << sharing.status();
  for (const auto& channel : sharing->channels) ServedBy(channel);
  EXPECT_TRUE(TakeOut(*sharing->pool, fleet_->address(0), kTestTimeout));
  for (const auto& channel : sharing->channels) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(ServedBy(channel), "b1");
  }
}

TEST_F(SnippetsTest, AServerIsListedWhileItServes) {
  MB_REQUIRE_PACKAGE(EtcdServer::Installed(), EtcdServer::kHowToInstall);
  auto store = EtcdServer::Start();
  ASSERT_TRUE(store.ok()) << store.status();
  const std::string target =
      absl::StrCat("etcd://", (*store)->address(), "/services/users/");
  examples::BackendModel model({"listed", "", ""});
  examples::UsersService users(&model);
  const auto keys = [&] {
    const auto found = (*store)->KeysOf("/services/users/");
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? found->size() : 0;
  };
  const absl::Status served = ServeListed(users, target, [&] {
    ASSERT_TRUE(WaitUntil([&] { return keys() == 1; }));
    auto channel = multi_backend::CreateChannel(target, Insecure());
    ASSERT_TRUE(channel.ok()) << channel.status();
    EXPECT_EQ(ServedBy(*channel), "listed");
  });
  EXPECT_TRUE(served.ok()) << served;
  EXPECT_EQ(keys(), 0u);
}

TEST_F(SnippetsTest, ARegisteredListHasItsStrategy) {
  const absl::Status status = RegisterAList();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(multi_backend::EndpointGroupRegistry::StrategyOf("users"),
            multi_backend::StrategyKind::kWeighted);
  const auto group = multi_backend::EndpointGroupRegistry::Get("users");
  EXPECT_TRUE(AwaitGroup(*group).ok());
  EXPECT_TRUE(CreateChannelToGroup(Insecure()).ok());
  EndGroup(group);
  EXPECT_EQ(CreateChannelToGroup(Insecure()).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(AwaitGroup(*group).code(), absl::StatusCode::kOk)
      << "a closed group keeps its list";
}

TEST_F(SnippetsTest, OnlyWhatAnswersOverHttpIsInACheckedGroup) {
  StartFleet(1);
  multi_backend::FixedServer http(
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  auto inner = StaticEndpointGroup::Make(EndpointsOf(*fleet_));
  ASSERT_TRUE(inner.ok()) << inner.status();
  auto healthy = CheckByHttp(*inner, http.port());
  ASSERT_TRUE(healthy.ok()) << healthy.status();
  EXPECT_TRUE((*healthy)->AwaitInitialEndpoints(kTestTimeout).ok());
  EXPECT_EQ(*(*healthy)->endpoints(), EndpointsOf(*fleet_));
  EXPECT_THAT(http.request(), HasSubstr("GET /healthz "));
}

TEST_F(SnippetsTest, AStandByIsUsedWhileNothingIsHealthy) {
  StartFleet(2);
  fleet_->SetBehaviour(0, multi_backend::NotServing());
  const EndpointList list = EndpointsOf(*fleet_);
  auto inner = StaticEndpointGroup::Make({list[0]});
  auto stand_by = StaticEndpointGroup::Make({list[1]});
  ASSERT_TRUE(inner.ok() && stand_by.ok());
  auto users = UseStandByWhenIll(*inner, *stand_by, Insecure());
  ASSERT_TRUE(users.ok()) << users.status();
  EXPECT_EQ(*(*users)->endpoints(), EndpointList({list[1]}));
  fleet_->SetBehaviour(0, multi_backend::Succeeding());
  EXPECT_TRUE(WaitUntil(
      [&] { return *(*users)->endpoints() == EndpointList({list[0]}); }));
}

// These ask a store or a DNS server that is not there, so they only show that
// the targets, options and files are accepted.
TEST_F(SnippetsTest, TargetsAndGroupsOfDiscoveryAreAccepted) {
  EXPECT_TRUE(CreateDiscoveringChannel().ok());
  EXPECT_TRUE(CreateChannelToHeadlessService(Insecure(), "{}").ok());
  EXPECT_TRUE(CreateChannelToNamedPort(Insecure(), "{}").ok());
  for (const auto& make :
       {RegisterDnsGroup, RegisterHeadlessService, CombineGroups}) {
    const absl::Status status = make();
    EXPECT_TRUE(status.ok()) << status;
    const auto group = multi_backend::EndpointGroupRegistry::Get("users");
    ASSERT_NE(group, nullptr);
    EndGroup(group);
  }
}

// A server of the users service in this process.
class LocalServer {
 public:
  explicit LocalServer(const std::string& name)
      : model_({name, "", ""}), users_(&model_) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(&users_);
    server_ = builder.BuildAndStart();
  }
  ~LocalServer() { server_->Shutdown(std::chrono::system_clock::now()); }

  grpc::Server& server() { return *server_; }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  examples::BackendModel model_;
  examples::UsersService users_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(SnippetsTest, NoCallFailsWhenAServerStopsGracefully) {
  grpc::EnableDefaultHealthCheckService(true);
  LocalServer stopping("stopping"), staying("staying");
  auto client = multi_backend::UsersClient::Make(
      absl::StrCat("static:///", stopping.address(), ",", staying.address()),
      multi_backend::ServiceConfig(
          R"("health":{"active":{"interval":"0.1s"}})"));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->ConnectTo({stopping.address(), staying.address()}));
  multi_backend::BackgroundLoad load(**client, /*threads=*/4);
  const auto await_calls = [&] {
    const int64_t before = load.calls();
    return WaitUntil([&] { return load.calls() > before + 200; });
  };
  EXPECT_TRUE(await_calls());
  // Probes need less than half a second to see that the server is not serving.
  StopGracefully(stopping.server(), absl::Seconds(5), kTestTimeout);
  EXPECT_TRUE(await_calls());
  const multi_backend::LoadResult result = load.Stop();
  EXPECT_THAT(result.failures, IsEmpty());
  EXPECT_GT(result.served.at("stopping"), 0);
}

TEST_F(SnippetsTest, AChannelToOneBackendRetriesByItself) {
  StartFleet(1);
  auto channel = CreateChannelToOneBackend(fleet_->Ipv4Target(), Insecure());
  EXPECT_EQ(ServedBy(channel), "b0");
  examples::users::v1::Behaviour every_second = multi_backend::Failing();
  every_second.set_fail_every(2);
  fleet_->SetBehaviour(0, every_second);
  fleet_->ResetStats();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ServedBy(channel), "b0");
  EXPECT_GT(fleet_->CallsOf(0), 4);
}

TEST_F(SnippetsTest, AnExposerServesTheMetricsOfAChannel) {
  StartFleet(1);
  auto scraped =
      CreateScrapedChannel(fleet_->StaticTarget(), Insecure(), "127.0.0.1:0");
  ASSERT_TRUE(scraped.ok()) << scraped.status();
  EXPECT_EQ(ServedBy(scraped->channel), "b0");
  EXPECT_GT(scraped->port, 0);
  const multi_backend::MetricsSnapshot snapshot = scraped->metrics->Collect();
  EXPECT_EQ(snapshot[multi_backend::Metric::kBuildInfo].series.size(), 1u);
}

TEST_F(SnippetsTest, APageAndAServiceShowTheChannel) {
  StartFleet(1);
  auto shown =
      CreateShownChannel(fleet_->StaticTarget(), Insecure(), "127.0.0.1:0");
  ASSERT_TRUE(shown.ok()) << shown.status();
  EXPECT_EQ(ServedBy(shown->channel), "b0");
  EXPECT_THAT(shown->server->url(), HasSubstr("http://127.0.0.1:"));

  grpc::ServerBuilder builder;
  const std::unique_ptr<grpc::Service> admin =
      AddAdminService(shown->monitor, builder);
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);
  // Examples use public headers only, so this one asks without the messages.
  grpc::GenericStub stub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), Insecure()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
  grpc::Slice nothing;
  grpc::ByteBuffer answer;
  grpc::CompletionQueue queue;
  const auto call =
      stub.PrepareUnaryCall(&context, "/multi_backend.admin.v1.Admin/GetStatus",
                            grpc::ByteBuffer(&nothing, 1), &queue);
  call->StartCall();
  grpc::Status status;
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  ASSERT_TRUE(status.ok()) << status.error_message();
  grpc::Slice bytes;
  ASSERT_TRUE(answer.DumpToSingleSlice(&bytes).ok());
  EXPECT_THAT(std::string(bytes.begin(), bytes.end()),
              HasSubstr(fleet_->StaticTarget()));
}

TEST_F(SnippetsTest, ASessionStaysWithTheBackendThatBeganIt) {
  StartFleet(3);
  auto channel =
      multi_backend::CreateChannel(fleet_->StaticTarget(), Insecure());
  ASSERT_TRUE(channel.ok()) << channel.status();
  auto stub = Users::NewStub(*channel);
  auto session = BeginSession(*stub, CreateUserRequest(), Insecure());
  ASSERT_TRUE(session.ok()) << session.status();
  const std::string owner = ServedBy(*session);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ServedBy(*session), owner);
  for (size_t i = 0; i < fleet_->size(); ++i) {
    EXPECT_EQ(fleet_->CallsOf(i, "CreateUser"),
              fleet_->name(i) == owner ? 1 : 0);
  }
}

}  // namespace
}  // namespace snippets
