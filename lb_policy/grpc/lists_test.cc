// Tests what the policy reads from a list of addresses.
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/lb_policy/grpc/backend_address.h"
#include "multi_backend/lb_policy/grpc/testing/policy_harness.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr char kA[] = "10.0.0.1:80";
constexpr char kB[] = "10.0.0.2:80";
constexpr char kC[] = "10.0.0.3:80";

struct TextCase {
  const char* name;
  const char* uri;
  const char* text;
};

class AddressTextTest : public ::testing::TestWithParam<TextCase> {};

INSTANTIATE_TEST_SUITE_P(
    Cases, AddressTextTest,
    ::testing::Values(
        TextCase{"Ipv4", "ipv4:1.2.3.4:80", "1.2.3.4:80"},
        TextCase{"Ipv4OfBounds", "ipv4:255.0.255.0:65535", "255.0.255.0:65535"},
        TextCase{"Ipv6", "ipv6:[::1]:80", "[::1]:80"},
        TextCase{"Ipv4InIpv6", "ipv6:[::ffff:1.2.3.4]:80", "1.2.3.4:80"},
        TextCase{"ASocket", "unix:/run/a", "unix:/run/a"},
        TextCase{"AnAbstractSocket", "unix-abstract:a", "unix-abstract:a"}),
    [](const ::testing::TestParamInfo<TextCase>& info) {
      return std::string(info.param.name);
    });

TEST_P(AddressTextTest, IsWhatAProbeCanDialAndAMarkCanName) {
  const auto uri = grpc_core::URI::Parse(GetParam().uri);
  ASSERT_TRUE(uri.ok()) << uri.status();
  grpc_resolved_address address;
  ASSERT_TRUE(grpc_parse_uri(*uri, &address));
  EXPECT_EQ(AddressText(address), GetParam().text);
}

TEST(ListTest, AnAddressThatIsThereTwiceIsOneBackend) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB, kA}), absl::OkStatus());
  EXPECT_EQ(harness.connections(kA), 1u);
  EXPECT_EQ(harness.pool().GetAllBackends().size(), 2u);
}

TEST(ListTest, TheConfigLaysAttributesOverEndpoints) {
  PolicyHarness harness(
      R"({"backends":[{"address":"10.0.0.1:80","weight":0}]})");
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(harness.RoundTrip(), kB);
  harness.MarkUnhealthy(kB);
  EXPECT_THAT(harness.RoundTrip(), HasSubstr("draining: weight 0"));
  ASSERT_EQ(harness.UpdateConfig("{}"), absl::OkStatus());
  EXPECT_EQ(harness.RoundTrip(), kA);
}

// With a health watch, core may say for ever that the connection is being made.
TEST(ListTest, WithAHealthWatchAConnectionIsNotKeptUntilItIsMade) {
  PolicyHarness::Options options;
  options.args =
      options.args.Set("grpc.internal.health_check_service_name", "");
  PolicyHarness harness(std::move(options));
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  ASSERT_EQ(harness.Update({kB}), absl::OkStatus());
  EXPECT_EQ(harness.channel().kept(), 0u);
}

TEST(ListTest, AnotherResolversAddressesAreBackendsToo) {
  PolicyHarness harness(R"({"strategy":"WEIGHTED"})");
  ASSERT_EQ(harness.UpdateAddresses(PolicyDriver::Addresses(2, 1)),
            absl::OkStatus());
  harness.Connect("10.0.0.1:50051");
  EXPECT_EQ(harness.RoundTrip(), "10.0.0.1:50051");
}

TEST(ListTest, WhatBelongsToAChannelIsNotInItsSubchannelsArgs) {
  PolicyHarness one;
  PolicyHarness other;
  for (PolicyHarness* channel : {&one, &other}) {
    ASSERT_EQ(channel->Update({kA}), absl::OkStatus());
    const grpc_core::ChannelArgs& args = channel->Connection(kA).args();
    EXPECT_EQ(args.GetObject<ChannelExtension>(), nullptr);
    EXPECT_EQ(args.GetObject<ChannelRetryState>(), nullptr);
  }
  EXPECT_EQ(one.Connection(kA).args(), other.Connection(kA).args())
      << "or they could not share the connection";
}

// --- What was decided, over lists that change --------------------------------

// kB under a host name, with port 80.
core::Address NamedB(absl::string_view host = "b.example") {
  return core::MakeAddress(
      PolicyDriver::Endpoints({kB})[0].address(), grpc_core::ChannelArgs(),
      std::make_shared<const Endpoint>(Endpoint::Of(std::string(host), 80)));
}

TEST(AuthorityTest, IsThatOfTheChannelBeforeThatOfTheAddress) {
  const auto named = [](const char* name) {
    return grpc_core::ChannelArgs().Set(GRPC_ARG_DEFAULT_AUTHORITY, name);
  };
  const core::Address plain = PolicyDriver::Endpoints({kB})[0];
  core::AddressList own;
  own.emplace_back(plain.address(), named("address"));
  EXPECT_EQ(AuthorityOf(own[0], named("channel"), "target"), "channel");
  EXPECT_EQ(AuthorityOf(own[0], grpc_core::ChannelArgs(), "target"), "address");
  EXPECT_EQ(AuthorityOf(plain, grpc_core::ChannelArgs(), "target"), "target");
}

struct ListChange {
  const char* name;
  void (*act)(PolicyHarness&);
};

std::ostream& operator<<(std::ostream& out, const ListChange& change) {
  return out << change.name;
}

void UpdateWithNamedB(PolicyHarness& harness) {
  auto list = PolicyDriver::Endpoints({kA, kC});
  list.push_back(NamedB());
  ASSERT_EQ(harness.UpdateAddresses(list), absl::OkStatus());
}

const ListChange kListChanges[] = {
    {"LeavesItOutAndBringsItBack",
     [](PolicyHarness& harness) {
       ASSERT_EQ(harness.Update({kA, kC}), absl::OkStatus());
       ASSERT_EQ(harness.Update({kA, kB, kC}), absl::OkStatus());
     }},
    {"GivesItAHostName", UpdateWithNamedB},
    {"GivesItAHostNameAndTakesItAway",
     [](PolicyHarness& harness) {
       UpdateWithNamedB(harness);
       ASSERT_EQ(harness.Update({kA, kB, kC}), absl::OkStatus());
     }},
    {"LeavesItOutAndBringsItBackUnderAHostName",
     [](PolicyHarness& harness) {
       ASSERT_EQ(harness.Update({kA, kC}), absl::OkStatus());
       UpdateWithNamedB(harness);
     }},
    {"IsInAnotherOrder",
     [](PolicyHarness& harness) {
       ASSERT_EQ(harness.Update({kC, kB, kA}), absl::OkStatus());
     }},
};

class DecidedTest : public ::testing::TestWithParam<ListChange> {
 protected:
  // Connects what the change has made anew, and makes 30 calls.
  static int CallsToB(PolicyHarness& harness) {
    for (const char* one : {kA, kB, kC}) {
      if (harness.Connection(one).state() != GRPC_CHANNEL_READY) {
        harness.Connect(one);
      }
    }
    int to_b = 0;
    for (int i = 0; i < 30; ++i) to_b += harness.RoundTrip() == kB;
    return to_b;
  }
};

INSTANTIATE_TEST_SUITE_P(Cases, DecidedTest, ::testing::ValuesIn(kListChanges),
                         [](const ::testing::TestParamInfo<ListChange>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(DecidedTest, AMarkHoldsUntilMarkHealthy) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB, kC}), absl::OkStatus());
  EXPECT_EQ(CallsToB(harness), 10);
  harness.MarkUnhealthy(kB);
  GetParam().act(harness);
  EXPECT_EQ(CallsToB(harness), 0);
  harness.MarkHealthy(kB);
  EXPECT_EQ(CallsToB(harness), 10);
}

TEST_P(DecidedTest, AnEjectionHoldsUntilItsTime) {
  PolicyHarness harness(R"({"health":{"passive":{"downRetryAfter":"60s",
                                                 "maxDownRetryAfter":"60s"}}})");
  ASSERT_EQ(harness.Update({kA, kB, kC}), absl::OkStatus());
  EXPECT_EQ(CallsToB(harness), 10);
  while (harness.StateOf(kB) != "DOWN") {
    FakeCall& call = harness.Call();
    harness.Finish(call, call.backend() == kB ? absl::UnavailableError("reset")
                                              : absl::OkStatus());
  }
  GetParam().act(harness);
  EXPECT_EQ(CallsToB(harness), 0);
  harness.Advance(absl::Seconds(59));
  EXPECT_EQ(CallsToB(harness), 0);
  harness.Advance(absl::Seconds(1));
  EXPECT_GT(CallsToB(harness), 0) << "its trial, and what follows";
}

TEST_P(DecidedTest, CallsThatStillRunAreCounted) {
  PolicyHarness harness(R"({"maxRequestsPerBackend":3})");
  ASSERT_EQ(harness.Update({kA, kB, kC}), absl::OkStatus());
  EXPECT_EQ(CallsToB(harness), 10);
  std::vector<FakeCall*> running;
  for (int i = 0; i < 6; ++i) running.push_back(&harness.Call());
  GetParam().act(harness);
  EXPECT_EQ(CallsToB(harness), 10);
  // Two calls run on each backend, so each takes one more.
  for (int i = 0; i < 3; ++i) {
    running.push_back(&harness.Call());
    EXPECT_TRUE(running.back()->sent()) << running.back()->Outcome();
  }
  EXPECT_THAT(harness.RoundTrip(), HasSubstr("at its limit: 3 calls"));
  for (FakeCall* call : running) harness.Finish(*call);
  EXPECT_EQ(CallsToB(harness), 10);
}

// A second name is no rename: the first one keeps what was decided about it.
TEST(ListTest, ASecondNameOfAnAddressIsABackendOfItsOwn) {
  PolicyHarness harness;
  auto list = PolicyDriver::Endpoints({kA});
  list.push_back(NamedB());
  ASSERT_EQ(harness.UpdateAddresses(list), absl::OkStatus());
  harness.pool().MarkUnhealthy("b.example:80");
  list.push_back(NamedB("alias.example"));
  ASSERT_EQ(harness.UpdateAddresses(list), absl::OkStatus());
  std::map<std::string, bool> healthy;
  for (const BackendSnapshot& backend : harness.pool().GetAllBackends()) {
    healthy[backend.name] = backend.healthy;
  }
  EXPECT_THAT(healthy,
              ElementsAre(Pair(kA, true), Pair("alias.example:80", true),
                          Pair("b.example:80", false)));
}

TEST(ListTest, AMarkBeforeTheFirstChannelHolds) {
  const auto options = PolicyHarness::Options::WithSharedPool();
  options.pool->MarkUnhealthy(kB);
  PolicyHarness harness(options);
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(harness.RoundTrip(), kA);
}

// The same addresses with names.
core::AddressList Named(const core::AddressList& list) {
  core::AddressList named;
  for (const core::Address& address : list) {
    named.push_back(core::MakeAddress(
        address.address(), grpc_core::ChannelArgs(),
        std::make_shared<const Endpoint>(
            Endpoint::Of(absl::StrCat("b", named.size(), ".example"), 80))));
  }
  return named;
}

// Core takes more than a second to make the connections of 8,000 backends.
TEST(LongListTest, CallsNeedNotWaitUntilCoreHasMadeAllConnections) {
  PolicyHarness harness;
  harness.channel().set_first_state(GRPC_CHANNEL_READY);
  const auto list = PolicyDriver::Addresses(500);
  ASSERT_EQ(harness.UpdateAddresses(list), absl::OkStatus());
  EXPECT_GT(harness.channel().made_before_ready(), 0u);
  EXPECT_LT(harness.channel().made_before_ready(), 200u);
  harness.Advance(absl::Seconds(1));  // The next plans are paced.
  std::set<std::string> used;
  for (int i = 0; i < 500; ++i) used.insert(harness.RoundTrip());
  EXPECT_EQ(used.size(), 500u);
}

TEST(LongListTest, ANewListMayComeWhileTheOldOneIsOpened) {
  PolicyHarness harness;
  harness.channel().set_first_state(GRPC_CHANNEL_READY);
  harness.time().HoldEngine();
  ASSERT_EQ(harness.UpdateAddresses(PolicyDriver::Addresses(300)),
            absl::OkStatus());
  ASSERT_LT(harness.channel().subchannels_made(), 300u);
  ASSERT_EQ(harness.UpdateAddresses(PolicyDriver::Addresses(300, 200)),
            absl::OkStatus());
  ASSERT_LT(harness.channel().subchannels_made(), 300u);
  harness.time().ReleaseEngine();
  std::set<std::string> used;
  for (int i = 0; i < 300; ++i) used.insert(harness.RoundTrip());
  EXPECT_EQ(used.size(), 300u);
}

TEST(LongListTest, TheChannelMayEndWhileTheListIsOpened) {
  PolicyHarness harness;
  harness.time().HoldEngine();
  ASSERT_EQ(harness.UpdateAddresses(PolicyDriver::Addresses(300)),
            absl::OkStatus());
  harness.ShutDown();
  const uint64_t made = harness.channel().subchannels_made();
  harness.time().ReleaseEngine();
  EXPECT_EQ(harness.channel().subchannels_made(), made);
}

TEST(LongListTest, APoolMayGrowWhileTheListIsOpened) {
  PolicyHarness harness;
  harness.time().HoldEngine();
  ASSERT_EQ(harness.UpdateAddresses(PolicyDriver::Addresses(300)),
            absl::OkStatus());
  ASSERT_EQ(harness.UpdateConfig(R"({"pool":{"min":2,"max":2}})"),
            absl::OkStatus());
  EXPECT_LT(harness.channel().subchannels_made(), 300u);
  harness.time().ReleaseEngine();
  EXPECT_EQ(harness.channel().subchannels_made(), 600u);
}

// Core shares a connection only while it lives, so the new backends connect
// before the old ones go.
TEST(LongListTest, BackendsThatGetNamesKeepTheirConnections) {
  PolicyHarness harness;
  const auto list = PolicyDriver::Addresses(300);
  ASSERT_EQ(harness.UpdateAddresses(list), absl::OkStatus());
  ASSERT_EQ(harness.UpdateAddresses(Named(list)), absl::OkStatus());
  EXPECT_EQ(harness.channel().made_beside_another(), 300u);
}

TEST(LongListTest, NamesDoNotHurryAListThatIsBeingOpened) {
  PolicyHarness harness;
  harness.time().HoldEngine();
  ASSERT_EQ(harness.UpdateAddresses(PolicyDriver::Addresses(300)),
            absl::OkStatus());
  ASSERT_EQ(harness.UpdateAddresses(Named(PolicyDriver::Addresses(300))),
            absl::OkStatus());
  EXPECT_LT(harness.channel().subchannels_made(), 200u);
  harness.time().ReleaseEngine();
}

TEST(LongListTest, AChannelWhoseConnectionsCoreRefusesFails) {
  PolicyHarness harness;
  harness.channel().set_refuse_subchannels(true);
  ASSERT_EQ(harness.UpdateAddresses(PolicyDriver::Addresses(100)),
            absl::OkStatus());
  EXPECT_EQ(harness.channel().state(), GRPC_CHANNEL_TRANSIENT_FAILURE);
}

TEST(ListTest, AnAddressWithOtherArgsIsAnotherConnection) {
  PolicyHarness harness;
  auto list = PolicyDriver::Addresses(1, 1);
  ASSERT_EQ(harness.UpdateAddresses(list), absl::OkStatus());
  const auto before = harness.Connection("10.0.0.1:50051").Ref();
  core::AddressList other;
  other.emplace_back(list[0].address(), grpc_core::ChannelArgs().Set(
                                            GRPC_ARG_DEFAULT_AUTHORITY, "a"));
  ASSERT_EQ(harness.UpdateAddresses(other), absl::OkStatus());
  EXPECT_NE(&harness.Connection("10.0.0.1:50051"), before.get());
  EXPECT_EQ(harness.connections("10.0.0.1:50051"), 1u);
}

}  // namespace
}  // namespace multi_backend
