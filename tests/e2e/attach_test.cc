// What Attach() gives to channels that gRPC's own functions make: the
// application's functions, and the warnings about service configs.  Also what
// happens when a resolver brings another sticky key.

#include <grpcpp/grpcpp.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/interceptor.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/pushing_resolver.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Names = std::set<std::string>;

constexpr char kSticky[] = R"("strategy":"STICKY")";

// A list of texts that any thread may add to.
class Texts {
 public:
  void Add(std::string text) {
    absl::MutexLock lock(&mutex_);
    texts_.push_back(std::move(text));
  }
  std::vector<std::string> Get() const {
    absl::MutexLock lock(&mutex_);
    return texts_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::string> texts_;
};

class AttachTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    RegisterPushingResolver();
    ASSERT_TRUE(Register().ok());
  }

  void SetUp() override {
    auto fleet = BackendFleet::Start(3);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }

  static std::unique_ptr<Users::Stub> StubFor(
      const std::string& target, const std::string& json, ChannelExtras extras,
      grpc::ChannelArguments args = {}) {
    if (!json.empty()) args.SetServiceConfigJSON(json);
    const absl::Status attached = Attach(std::move(extras), &args);
    EXPECT_TRUE(attached.ok()) << attached;
    return Users::NewStub(grpc::CreateCustomChannel(
        target, grpc::InsecureChannelCredentials(), args));
  }

  static grpc::Status Get(Users::Stub& stub, std::string* served_by = nullptr,
                          const std::string& key = "",
                          const std::string& user_id = "") {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
    if (!key.empty()) context.AddMetadata("x-key", key);
    GetUserRequest request;
    request.set_user_id(user_id);
    UserReply reply;
    const grpc::Status status = stub.GetUser(&context, request, &reply);
    if (served_by != nullptr) *served_by = reply.served_by();
    return status;
  }

  void AwaitConnections(Users::Stub& stub) {
    Names served;
    ASSERT_TRUE(WaitUntil([&]() {
      std::string by;
      const std::string key = absl::StrCat("connect-", ++keys_);
      if (Get(stub, &by, key, key).ok()) served.insert(by);
      return served.size() == fleet_->size();
    }));
  }

  // The backends of 60 calls with the same key in the header, or with the same
  // user in the request.  Random backends are all three of them, but for one
  // time in 10^10.
  static Names HomesOfKey(Users::Stub& stub, const std::string& key,
                          int calls = 60) {
    Names served;
    for (int i = 0; i < calls; ++i) {
      std::string by;
      const grpc::Status status = Get(stub, &by, key);
      EXPECT_TRUE(status.ok()) << status.error_message();
      served.insert(by);
    }
    return served;
  }
  static Names HomesOfUser(Users::Stub& stub, const std::string& user_id) {
    Names served;
    for (int i = 0; i < 60; ++i) {
      std::string by;
      const grpc::Status status = Get(stub, &by, "", user_id);
      EXPECT_TRUE(status.ok()) << status.error_message();
      served.insert(by);
    }
    return served;
  }

  std::unique_ptr<BackendFleet> fleet_;
  int keys_ = 0;
};

TEST_F(AttachTest, ArgsThatCannotTakeTheExtrasAreRefused) {
  EXPECT_EQ(Attach({}, nullptr),
            absl::InvalidArgumentError("Attach: args is null"));
  grpc::ChannelArguments args;
  EXPECT_EQ(Attach({}, &args), absl::OkStatus());
  const absl::Status twice = Attach({}, &args);
  EXPECT_EQ(twice.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(twice.message()), HasSubstr("already have extras"));
  ChannelOptions options;
  options.args = args;
  const absl::Status both =
      multi_backend::CreateChannel(fleet_->StaticTarget(),
                                   grpc::InsecureChannelCredentials(),
                                   std::move(options))
          .status();
  EXPECT_EQ(both.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(both.message()),
              HasSubstr("put the extras into ChannelOptions"));
}

TEST_F(AttachTest, ANullSinkIsRefused) {
  ChannelOptions options;
  options.sinks = {std::make_shared<MetricsSink>(), nullptr};
  ChannelExtras extras;
  extras.sinks = options.sinks;
  grpc::ChannelArguments args;
  EXPECT_EQ(Attach(std::move(extras), &args),
            absl::InvalidArgumentError(
                "Attach: sinks[1] is null: leave it out, or set it"));
  EXPECT_EQ(Attach({}, &args), absl::OkStatus()) << "args are unchanged";
  EXPECT_EQ(multi_backend::CreateChannel(fleet_->StaticTarget(),
                                         grpc::InsecureChannelCredentials(),
                                         std::move(options))
                .status(),
            absl::InvalidArgumentError(
                "CreateChannel: sinks[1] is null: leave it out, or set it"));
}

// One pool for two channels, whose args are copies.
TEST_F(AttachTest, ChannelsMayShareThePool) {
  ChannelExtras extras;
  const std::shared_ptr<BackendPool> pool = BackendPool::Create();
  extras.pool = pool;
  grpc::ChannelArguments args;
  ASSERT_EQ(Attach(std::move(extras), &args), absl::OkStatus());
  std::vector<std::unique_ptr<Users::Stub>> stubs;
  for (const std::string& target :
       {fleet_->StaticTarget(), fleet_->Ipv4Target()}) {
    stubs.push_back(Users::NewStub(grpc::CreateCustomChannel(
        target, grpc::InsecureChannelCredentials(), args)));
    AwaitConnections(*stubs.back());
  }
  pool->MarkUnhealthy(fleet_->address(0));
  for (const auto& stub : stubs) {
    EXPECT_EQ(HomesOfKey(*stub, ""), Names({"b1", "b2"}));
  }
}

TEST_F(AttachTest, TheRetryClassifierDecides) {
  ChannelExtras extras;
  extras.retry_classifier = [](const AttemptView& attempt) {
    return attempt.code == absl::StatusCode::kNotFound;
  };
  auto stub = StubFor(
      fleet_->Ipv4Target(),
      ServiceConfig(
          R"("failover":{"budget":{"ratio":1,"minRetriesPerSecond":1000}})"),
      std::move(extras));
  AwaitConnections(*stub);
  fleet_->SetBehaviour(0, Failing("NOT_FOUND"));
  EXPECT_EQ(HomesOfKey(*stub, ""), Names({"b1", "b2"}));
}

TEST_F(AttachTest, TheStickyFunctionSeesTheCallWithoutItsRequest) {
  for (const std::string& target :
       {fleet_->StaticTarget(), fleet_->Ipv4Target()}) {
    SCOPED_TRACE(target);
    Texts seen;
    ChannelExtras extras;
    extras.sticky_key =
        [&seen](const CallView& call) -> absl::optional<std::string> {
      const auto key = call.GetMetadata("x-key");
      seen.Add(absl::StrCat(
          call.service(), " ", call.method(), " ", key.value_or("none"), " ",
          call.GetMetadata("x-other").value_or("none"),
          call.serialized_request().has_value() ? " with its request" : ""));
      if (!key.has_value()) return absl::nullopt;
      return std::string(*key);
    };
    // The function replaces the configuration's key.
    auto stub = StubFor(
        target,
        ServiceConfig(kSticky, R"("stickyKey":{"requestField":"user_id"})"),
        std::move(extras));
    AwaitConnections(*stub);
    Names homes;
    for (int key = 0; key < 60; ++key) {
      const Names home = HomesOfKey(*stub, absl::StrCat("k", key), 3);
      EXPECT_EQ(home.size(), 1u) << key;
      homes.insert(home.begin(), home.end());
    }
    EXPECT_EQ(homes, Names({"b0", "b1", "b2"}));
    EXPECT_EQ(seen.Get().back(), "examples.users.v1.Users GetUser k59 none");
  }
}

// A function that returns no key also replaces a header.
TEST_F(AttachTest, NoKeyFromTheFunctionIsNoKey) {
  const StickyKeyFunction none = [](const CallView&) { return absl::nullopt; };
  const std::string json =
      ServiceConfig(kSticky, R"("stickyKey":{"header":"x-key"})");
  ChannelExtras extras;
  extras.sticky_key = none;
  auto plain = StubFor(fleet_->StaticTarget(), json, std::move(extras));
  AwaitConnections(*plain);
  EXPECT_EQ(HomesOfKey(*plain, "one").size(), 3u);

  ChannelOptions options;
  options.service_config_json = json;
  options.sticky_key = none;
  const auto channel = multi_backend::CreateChannel(
      fleet_->StaticTarget(), grpc::InsecureChannelCredentials(),
      std::move(options));
  ASSERT_TRUE(channel.ok()) << channel.status();
  const auto created = Users::NewStub(*channel);
  AwaitConnections(*created);
  EXPECT_EQ(HomesOfKey(*created, "one").size(), 3u);
}

TEST_F(AttachTest, ARequestFieldIsRefusedBecauseNobodyReadsIt) {
  ChannelExtras extras;
  extras.pool = BackendPool::Create();
  auto stub = StubFor(
      fleet_->StaticTarget(),
      ServiceConfig(kSticky, R"("stickyKey":{"requestField":"user_id"})"),
      std::move(extras));
  const grpc::Status status = Get(*stub);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(),
              AllOf(HasSubstr("stickyKey.requestField"),
                    HasSubstr("only an interceptor sees the request")));
}

TEST_F(AttachTest, ExtrasBesideAForeignPolicyFailEachCallWithTheReason) {
  grpc::ChannelArguments named;
  named.SetLoadBalancingPolicyName("round_robin");
  const struct {
    const char* name;
    std::string json;
    grpc::ChannelArguments args;
  } rows[] = {
      {"in the JSON", R"({"loadBalancingConfig":[{"round_robin":{}}]})", {}},
      {"in the args", "", named},
  };
  for (const auto& row : rows) {
    for (const std::string& target :
         {fleet_->StaticTarget(), fleet_->Ipv4Target()}) {
      SCOPED_TRACE(absl::StrCat(row.name, " ", target));
      ChannelExtras extras;
      extras.pool = BackendPool::Create();
      const grpc::Status status =
          Get(*StubFor(target, row.json, std::move(extras), row.args));
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
      EXPECT_THAT(status.error_message(),
                  AllOf(HasSubstr("the channel's pool"),
                        HasSubstr("the channel's LB policy is "
                                  "\"round_robin\"")));
      ChannelOptions options;
      options.service_config_json = row.json;
      options.args = row.args;
      options.pool = BackendPool::Create();
      EXPECT_EQ(
          multi_backend::CreateChannel(
              target, grpc::InsecureChannelCredentials(), std::move(options))
              .status()
              .code(),
          absl::StatusCode::kInvalidArgument);
    }
  }
  EXPECT_EQ(fleet_->TotalCalls(), 0);
}

// The warning that each test gets once.
constexpr char kWarned[] =
    R"("failover":{"retriableStatusCodes":["NOT_FOUND"]})";
constexpr char kWarning[] = "field:failover.retriableStatusCodes[0] warning:";

TEST_F(AttachTest, WarningsAreGivenOnEveryWay) {
  const std::string json = ServiceConfig(kWarned);
  Texts texts;
  const WarningFunction on_warnings =
      [&texts](const std::vector<std::string>& warnings) {
        for (const std::string& warning : warnings) texts.Add(warning);
      };

  ChannelOptions options;
  options.service_config_json = json;
  options.on_warnings = on_warnings;
  const auto channel = multi_backend::CreateChannel(
      fleet_->StaticTarget(), grpc::InsecureChannelCredentials(),
      std::move(options));
  ASSERT_TRUE(channel.ok()) << channel.status();
  EXPECT_THAT(texts.Get(), ElementsAre(HasSubstr(kWarning)));
  EXPECT_TRUE(Get(*Users::NewStub(*channel)).ok());
  EXPECT_EQ(texts.Get().size(), 1u);  // The resolver has used the same text.

  size_t given = 1;
  for (const std::string& target :
       {fleet_->StaticTarget(), fleet_->Ipv4Target()}) {
    ChannelExtras extras;
    extras.on_warnings = on_warnings;
    EXPECT_TRUE(Get(*StubFor(target, json, std::move(extras))).ok());
    EXPECT_EQ(texts.Get().size(), ++given) << target;
  }

  ASSERT_TRUE(MakeInterceptorFactory(json, nullptr, on_warnings).ok());
  EXPECT_EQ(texts.Get().size(), ++given);
  ASSERT_TRUE(MakeInterceptorFactory("{}", nullptr, on_warnings).ok());
  EXPECT_EQ(texts.Get().size(), given);
}

TEST_F(AttachTest, WarningsAboutAPushedConfigurationAreGivenToo) {
  PushConfig("warned", fleet_->addresses(), ServiceConfig(""));
  Texts texts;
  ChannelExtras extras;
  extras.on_warnings = [&texts](const std::vector<std::string>& warnings) {
    for (const std::string& warning : warnings) texts.Add(warning);
  };
  auto stub = StubFor("pushed:///warned", "", std::move(extras));
  EXPECT_TRUE(Get(*stub).ok());
  EXPECT_THAT(texts.Get(), IsEmpty());
  for (int i = 0; i < 3; ++i) {
    PushConfig("warned", fleet_->addresses(), ServiceConfig(kWarned));
  }
  ASSERT_TRUE(WaitUntil([&texts]() { return !texts.Get().empty(); }));
  EXPECT_TRUE(Get(*stub).ok());
  EXPECT_THAT(texts.Get(), ElementsAre(HasSubstr(kWarning)));
}

// Collects the library's log.
class LibraryLog {
 public:
  LibraryLog() {
    SetLogSink([this](LogSeverity, absl::string_view message) {
      texts_.Add(std::string(message));
    });
  }
  ~LibraryLog() { SetLogSink(nullptr); }

  bool Has(absl::string_view part) const {
    for (const std::string& text : texts_.Get()) {
      if (absl::StrContains(text, part)) return true;
    }
    return false;
  }

 private:
  Texts texts_;
};

TEST_F(AttachTest,
       APushedRequestFieldThatNobodyReadsKeepsTheLastConfiguration) {
  const LibraryLog log;
  const std::string header =
      ServiceConfig(kSticky, R"("stickyKey":{"header":"x-key"})");
  PushConfig("field", fleet_->addresses(), header);
  auto stub = StubFor("pushed:///field", "", {});
  AwaitConnections(*stub);
  const Names home = HomesOfKey(*stub, "one");
  ASSERT_EQ(home.size(), 1u);

  PushConfig("field", fleet_->addresses(),
             ServiceConfig("", R"("stickyKey":{"requestField":"user_id"})"));
  ASSERT_TRUE(WaitUntil([&log]() {
    return log.Has(
        "the new service config is refused, and the last good one "
        "stays: ");
  }));
  EXPECT_TRUE(log.Has("stickyKey.requestField"));
  EXPECT_EQ(HomesOfKey(*stub, "one"), home);
}

TEST_F(AttachTest,
       ThePushedStickyKeyIsFollowedWhereAnInterceptorReadsRequests) {
  PushConfig("key", fleet_->addresses(), "");
  ChannelOptions options;
  options.service_config_json =
      ServiceConfig(kSticky, R"("stickyKey":{"requestField":"user_id"})");
  const auto channel = multi_backend::CreateChannel(
      "pushed:///key", grpc::InsecureChannelCredentials(), std::move(options));
  ASSERT_TRUE(channel.ok()) << channel.status();
  const auto stub = Users::NewStub(*channel);
  AwaitConnections(*stub);
  EXPECT_EQ(HomesOfUser(*stub, "somebody").size(), 1u);
  EXPECT_EQ(HomesOfKey(*stub, "somebody").size(), 3u);  // No header is read.

  PushConfig("key", fleet_->addresses(),
             ServiceConfig(kSticky, R"("stickyKey":{"header":"x-key"})"));
  ASSERT_TRUE(
      WaitUntil([&]() { return HomesOfKey(*stub, "somebody").size() == 1; }));
  EXPECT_EQ(HomesOfUser(*stub, "somebody").size(), 3u);

  PushConfig(
      "key", fleet_->addresses(),
      ServiceConfig(kSticky, R"("stickyKey":{"requestField":"user_id"})"));
  ASSERT_TRUE(
      WaitUntil([&]() { return HomesOfUser(*stub, "somebody").size() == 1; }));
  EXPECT_EQ(HomesOfKey(*stub, "somebody").size(), 3u);
}

}  // namespace
}  // namespace multi_backend
