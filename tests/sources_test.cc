// Tests which targets the pure sources accept, and with which text they refuse
// the others.  The targets of etcd are in resolver/etcd/target_test.cc.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "multi_backend/resolver/dns/registration.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/file/registration.h"
#include "multi_backend/resolver/groups/registry.h"
#include "multi_backend/resolver/groups/static_endpoint_group.h"
#include "multi_backend/resolver/source/registry.h"
#include "multi_backend/resolver/zookeeper/registration.h"

namespace multi_backend {
namespace {

struct Target {
  std::string scheme;
  std::string authority;
  std::string path;

  operator SourceTarget() const { return {scheme, authority, path}; }
};

class SourcesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(RegisterFile().ok());
    ASSERT_TRUE(RegisterDns().ok());
    ASSERT_TRUE(RegisterZookeeper().ok());
  }
};

TEST_F(SourcesTest, MakesASourceOfEachScheme) {
  struct Row {
    Target target;
    std::string authority_of_calls;
  };
  const std::vector<Row> rows = {
      {{"file", "", "/nowhere/backends.json"}, "localhost"},
      {{"file", "localhost", "/nowhere/backends.json"}, "localhost"},
      {{"dns+addr", "127.0.0.1:1", "/users.example:80"}, "users.example:80"},
      {{"dns+srv", "127.0.0.1:1", "/_grpc._tcp.users.example"},
       "users.example"},
      {{"dns+srv", "127.0.0.1:1", "_grpc._tcp.users.example."},
       "users.example"},
      {{"dns+txt", "[::1]:1,127.0.0.1", "/_backends.users.example"},
       "users.example"},
      {{"dns+txt", "::1", "/users.example"}, "users.example"},
      {{"zookeeper", "127.0.0.1:1,[::1]", "/services/users"}, "users"},
      {{"zookeeper", "127.0.0.1:1", "/users"}, "users"},
      {{"zookeeper", "127.0.0.1:1", "/caf\xc3\xa9"}, "localhost"},
  };
  for (const Row& row : rows) {
    const Target& target = row.target;
    SCOPED_TRACE(target.scheme + " " + target.authority + " " + target.path);
    EXPECT_TRUE(SourceRegistry::Knows(target.scheme));
    if (target.authority == "::1") {
      // Without brackets the end of an IPv6 address could be a port.
      EXPECT_FALSE(CheckSource(target).ok());
      continue;
    }
    EXPECT_TRUE(CheckSource(target).ok());
    const auto group = MakeSource(target);
    ASSERT_TRUE(group.ok()) << group.status();
    EXPECT_FALSE((*group)->names_are_configured());
    (*group)->Close();
    EXPECT_EQ(DefaultAuthorityOfSource(target), row.authority_of_calls);
  }
}

TEST_F(SourcesTest, FollowingANameSaysWhoseItsNamesAre) {
  auto discovered = MakeSource({"file", "", "/nowhere/backends.json"});
  ASSERT_TRUE(discovered.ok()) << discovered.status();
  auto configured = StaticEndpointGroup::Make({Endpoint::Of("a", 1)});
  ASSERT_TRUE(configured.ok()) << configured.status();
  const std::string name = "whose-names";
  ASSERT_TRUE(EndpointGroupRegistry::Register(name, *configured).ok());
  auto follower = EndpointGroupRegistry::Follow(name);
  ASSERT_TRUE(follower.ok()) << follower.status();
  EXPECT_TRUE((*follower)->names_are_configured());
  ASSERT_TRUE(EndpointGroupRegistry::Register(name, *discovered).ok());
  EXPECT_FALSE((*follower)->names_are_configured());
  ASSERT_TRUE(EndpointGroupRegistry::Register(name, *configured).ok());
  EXPECT_TRUE((*follower)->names_are_configured());
  EXPECT_TRUE(EndpointGroupRegistry::Unregister(name));
  EXPECT_TRUE((*follower)->names_are_configured()) << "of the list in use";
}

TEST_F(SourcesTest, SaysWhatIsWrongWithATarget) {
  struct Row {
    Target target;
    std::string message;
  };
  const std::vector<Row> rows = {
      {{"dns", "", "/a:1"}, "\"dns\" is not the scheme of a source"},
      {{"", "", ""}, "\"\" is not the scheme of a source"},
      {{"file", "", "backends.json"},
       "file target: path \"backends.json\": write file:///absolute/path"},
      {{"file", "etc", "/backends.json"},
       "file target: host \"etc\": write file:///absolute/path"},
      {{"file", "user:secret@etc", "/backends.json"},
       "file target: host \"etc\": write file:///absolute/path"},
      {{"dns+addr", "", "/a"},
       "dns+addr target: address \"a\": port is missing, write host:port"},
      {{"dns+addr", "", "/10.0.0.1:80"},
       "dns+addr target: \"10.0.0.1\" is not a DNS name"},
      {{"dns+srv", "", "/"}, "dns+srv target: \"\" is not a DNS name"},
      {{"dns+txt", "", "/a b"}, "dns+txt target: \"a b\" is not a DNS name"},
      {{"dns+txt", "ns.example", "/a"},
       "DNS server \"ns.example\": write address or address:port, IPv6 in "
       "brackets"},
      {{"dns+txt", "10.0.0.1:0", "/a"},
       "DNS server \"10.0.0.1:0\": write address or address:port, IPv6 in "
       "brackets"},
      {{"dns+txt", "10.0.0.1,", "/a"},
       "DNS server \"\": write address or address:port, IPv6 in brackets"},
      {{"dns+txt",
        "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
        "1.1.1.1,1.1.1.1",
        "/a"},
       "9 DNS servers, at most 8"},
      {{"zookeeper", "h", "/"},
       "zookeeper target: path \"/\": write "
       "zookeeper://host:port/path/of/node"},
      {{"zookeeper", "", "/a"},
       "zookeeper target: server \"\": write host:port, several with commas"},
      {{"zookeeper", "user:secret@h", "/a"},
       "zookeeper target: credentials do not belong into a target: see the "
       "options and MULTI_BACKEND_ZOOKEEPER_AUTH_FILE"},
  };
  for (const Row& row : rows) {
    const Target& target = row.target;
    EXPECT_EQ(CheckSource(target), absl::InvalidArgumentError(row.message));
    EXPECT_EQ(MakeSource(target).status(),
              absl::InvalidArgumentError(row.message));
  }
}

}  // namespace
}  // namespace multi_backend
