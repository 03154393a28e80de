#include "multi_backend/resolver/zookeeper/server_addresses.h"

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

// No row needs a name server.
TEST(ZookeeperServerAddressesTest, HaveTheFormThatLibzookeeperTakes) {
  const struct {
    const char* servers;
    const char* addresses;
  } kRows[] = {
      {"10.0.0.1:2181", "10.0.0.1:2181"},
      {"10.0.0.1:2181,10.0.0.2:2182", "10.0.0.1:2181,10.0.0.2:2182"},
      {"[::1]:2181", "::1:2181"},
      {"[2001:db8::1]:2181,10.0.0.1:2181", "2001:db8::1:2181,10.0.0.1:2181"},
      // A server that has no address is left out.
      {":2181,10.0.0.1:2181", "10.0.0.1:2181"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.servers);
    const auto addresses = ZookeeperServerAddresses(row.servers);
    ASSERT_TRUE(addresses.ok()) << addresses.status();
    EXPECT_EQ(*addresses, row.addresses);
  }
}

TEST(ZookeeperServerAddressesTest, NoAddressAtAllIsAnError) {
  const auto addresses = ZookeeperServerAddresses(":2181,:2182");
  EXPECT_EQ(addresses.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StartsWith(addresses.status().message(),
                               "no address of a ZooKeeper server: "))
      << addresses.status();
}

}  // namespace
}  // namespace multi_backend
