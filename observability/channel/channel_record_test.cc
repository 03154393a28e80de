#include "multi_backend/observability/channel/channel_record.h"

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace multi_backend {

// The record only passes the pool on.
class BackendPool {};

namespace {

const absl::Time kNow = absl::UnixEpoch() + absl::Seconds(5);

class FixedPart final : public ChannelRecord::PolicyPart {
 public:
  explicit FixedPart(std::string state) : state_(std::move(state)) {}
  void WriteTo(ChannelStatus& status) const override {
    status.state = state_;
    status.backends.emplace_back();
  }

 private:
  const std::string state_;
};

class ChannelRecordTest : public ::testing::Test {
 protected:
  void Set(const void* policy, std::string state, bool last = false) {
    record_.SetPolicyPart(
        policy, std::make_shared<const FixedPart>(std::move(state)), last);
  }

  const std::shared_ptr<BackendPool> pool_ = std::make_shared<BackendPool>();
  ChannelRecord record_{"dns:///users:50051", pool_};
};

TEST_F(ChannelRecordTest, IsIdleWithoutAResolver) {
  const ChannelStatus status = record_.Status();
  EXPECT_EQ(status.target, "dns:///users:50051");
  EXPECT_EQ(status.resolver.target, "dns:///users:50051");
  EXPECT_EQ(status.state, "IDLE");
  EXPECT_EQ(record_.pool(), pool_);
}

TEST_F(ChannelRecordTest, SaysWhatTheResolverDoesBeforeThereIsAPolicy) {
  record_.OnResolverStarted();
  EXPECT_EQ(record_.Status().state, "CONNECTING");
  record_.OnResolverError("no such host");
  const ChannelStatus status = record_.Status();
  EXPECT_EQ(status.state, "TRANSIENT_FAILURE");
  EXPECT_EQ(status.resolver.errors, 1u);
  EXPECT_EQ(status.resolver.last_error, "no such host");
  EXPECT_EQ(status.resolver.last_success, absl::InfinitePast());
}

TEST_F(ChannelRecordTest, CountsListsAndErrorsOverIdlePeriods) {
  record_.OnResolverStarted();
  record_.OnResolverError("no such host");
  record_.OnList(3, kNow);
  record_.OnResolverStopped();
  record_.OnResolverStarted();
  record_.OnList(2, kNow + absl::Seconds(1));
  const ResolverStatus resolver = record_.Status().resolver;
  EXPECT_EQ(resolver.updates, 2u);
  EXPECT_EQ(resolver.errors, 1u);
  EXPECT_EQ(resolver.endpoints, 2u);
  EXPECT_EQ(resolver.last_error, "");
  EXPECT_EQ(resolver.last_success, kNow + absl::Seconds(1));
}

TEST_F(ChannelRecordTest, AsksTheSourceForTheErrorThatKeepsItsList) {
  std::string error;
  record_.OnResolverStarted([&error]() { return error; });
  record_.OnList(3, kNow);
  EXPECT_EQ(record_.Status().resolver.last_error, "");
  error = "session expired";
  EXPECT_EQ(record_.Status().resolver.last_error, "session expired");
  record_.OnResolverStopped();
  EXPECT_EQ(record_.Status().resolver.last_error, "");
}

TEST_F(ChannelRecordTest, BoundsTheTextsOfResolvers) {
  record_.OnResolverStarted([]() { return std::string(10'000, 'y'); });
  EXPECT_EQ(record_.Status().resolver.last_error,
            std::string(ChannelRecord::kMaxErrorBytes, 'y'));
  record_.OnResolverStopped();
  record_.OnResolverError(std::string(10'000, 'x'));
  EXPECT_EQ(record_.Status().resolver.last_error,
            std::string(ChannelRecord::kMaxErrorBytes, 'x'));
}

TEST_F(ChannelRecordTest, APolicySaysTheStateAndTheBackends) {
  record_.OnResolverStarted();
  const int policy = 0;
  Set(&policy, "READY");
  EXPECT_EQ(record_.Status().state, "READY");
  EXPECT_EQ(record_.Status().backends.size(), 1u);
  Set(&policy, "", /*last=*/true);
  record_.OnResolverStopped();
  EXPECT_EQ(record_.Status().state, "IDLE");
}

TEST_F(ChannelRecordTest, AnEndedPolicyLeavesThePartOfItsSuccessor) {
  const int old = 0, successor = 0;
  Set(&old, "READY");
  Set(&successor, "CONNECTING");
  Set(&old, "", /*last=*/true);
  EXPECT_EQ(record_.Status().state, "CONNECTING");
}

TEST_F(ChannelRecordTest, ShowsTheConfigurationInForce) {
  ChannelRecord::Configuration configuration;
  configuration.json = "{}";
  configuration.warnings = {"field:x warning:y"};
  configuration.routes = []() {
    RouteStatus route;
    route.name = "Get.*";
    route.matches = 7;
    return std::vector<RouteStatus>{route};
  };
  record_.SetConfiguration(std::move(configuration));
  const ChannelStatus status = record_.Status();
  EXPECT_EQ(status.config_json, "{}");
  EXPECT_EQ(status.warnings, std::vector<std::string>{"field:x warning:y"});
  ASSERT_EQ(status.routes.size(), 1u);
  EXPECT_EQ(status.routes[0].matches, 7u);
}

// The part holds the plan, whose destruction takes locks.
TEST_F(ChannelRecordTest, DestroysAReplacedPartWithoutItsLock) {
  class Asking final : public ChannelRecord::PolicyPart {
   public:
    explicit Asking(ChannelRecord* record) : record_(record) {}
    ~Asking() override { EXPECT_EQ(record_->Status().state, "READY"); }
    void WriteTo(ChannelStatus&) const override {}

   private:
    ChannelRecord* const record_;
  };
  record_.SetPolicyPart(nullptr, std::make_shared<const Asking>(&record_),
                        /*last=*/false);
  Set(nullptr, "READY");
}

TEST(TargetWithoutSecretsTest, TakesOutTheUserOnly) {
  struct Row {
    const char* target;
    const char* shown;
  };
  for (const Row& row : {
           Row{"users:50051", "users:50051"},
           Row{"dns:///users:50051", "dns:///users:50051"},
           Row{"zookeeper://h:2181/a", "zookeeper://h:2181/a"},
           Row{"zookeeper://u:p@h:2181/a@b", "zookeeper://***@h:2181/a@b"},
           Row{"etcd://u:p@w@h", "etcd://***@h"},
           Row{"static:///a@b:1", "static:///a@b:1"},
           Row{"", ""},
       }) {
    EXPECT_EQ(TargetWithoutSecrets(row.target), row.shown);
  }
}

}  // namespace
}  // namespace multi_backend
