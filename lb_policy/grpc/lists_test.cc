// Tests what the policy reads from a list of addresses.
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/lb_policy/grpc/backend_address.h"
#include "multi_backend/lb_policy/grpc/testing/policy_harness.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;

constexpr char kA[] = "10.0.0.1:80";
constexpr char kB[] = "10.0.0.2:80";

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

TEST(ListTest, AnAddressWithOtherArgsIsAnotherConnection) {
  PolicyHarness harness;
  auto list = PolicyDriver::Addresses(1, 1);
  ASSERT_EQ(harness.UpdateAddresses(list), absl::OkStatus());
  const auto before = harness.Connection("10.0.0.1:50051").Ref();
  grpc_core::ServerAddressList other;
  other.emplace_back(list[0].address(), grpc_core::ChannelArgs().Set(
                                            GRPC_ARG_DEFAULT_AUTHORITY, "a"));
  ASSERT_EQ(harness.UpdateAddresses(other), absl::OkStatus());
  EXPECT_NE(&harness.Connection("10.0.0.1:50051"), before.get());
  EXPECT_EQ(harness.connections("10.0.0.1:50051"), 1u);
}

}  // namespace
}  // namespace multi_backend
