#include "multi_backend/resolver/endpoint/backend_overrides.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

BackendConfig Backend(absl::string_view address) {
  BackendConfig backend;
  backend.address = std::string(address);
  return backend;
}

Endpoint Discovered(absl::string_view host) {
  Endpoint endpoint = Endpoint::Of(host, 1);
  endpoint.weight = 5;
  endpoint.role = "discovered";
  endpoint.zone = "z0";
  endpoint.priority = 9;
  endpoint.labels = {{"rack", "r0"}, {"disk", "d0"}};
  return endpoint;
}

TEST(ApplyBackendConfigsTest, StatedFieldsReplaceAndOthersStay) {
  struct Row {
    std::string name;
    BackendConfig backend;
    Endpoint expected;
  };
  std::vector<Row> rows(7, {"", Backend("a:1"), Discovered("a")});
  rows[0].name = "nothing stated";
  rows[1].name = "weight 0 drains";
  rows[1].backend.weight = 0;
  rows[1].expected.weight = 0;
  rows[2].name = "empty role removes the role";
  rows[2].backend.role = "";
  rows[2].expected.role = "";
  rows[3].name = "zone";
  rows[3].backend.zone = "eu";
  rows[3].expected.zone = "eu";
  rows[4].name = "priority";
  rows[4].backend.priority = -1;
  rows[4].expected.priority = -1;
  rows[5].name = "labels are merged";
  rows[5].backend.labels = {{"rack", "r1"}, {"new", "n"}};
  rows[5].expected.labels = {{"rack", "r1"}, {"disk", "d0"}, {"new", "n"}};
  rows[6].name = "all at once";
  rows[6].backend.weight = 7;
  rows[6].backend.role = "primary";
  rows[6].backend.zone = "us";
  rows[6].backend.priority = 2;
  rows[6].expected.weight = 7;
  rows[6].expected.role = "primary";
  rows[6].expected.zone = "us";
  rows[6].expected.priority = 2;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(
        ApplyBackendConfigs({Discovered("a"), Discovered("b")}, {row.backend}),
        (EndpointList{row.expected, Discovered("b")}));
  }
}

TEST(ApplyBackendConfigsTest, MatchesPlacesNotSpellings) {
  struct Row {
    std::string address;
    std::string host;
    bool matches;
  };
  const std::vector<Row> rows = {
      {"a:1", "a", true},        {"A:1", "a", true},
      {"[0::1]:1", "::1", true}, {"a:2", "a", false},
      {"b:1", "a", false},       {"10.0.0.1:1", "10.0.0.1", true},
      {"nonsense", "a", false},  {"", "a", false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.address);
    BackendConfig backend = Backend(row.address);
    backend.weight = 77;
    const EndpointList list =
        ApplyBackendConfigs({Endpoint::Of(row.host, 1)}, {backend});
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].weight, row.matches ? 77 : kDefaultEndpointWeight);
  }
}

TEST(ApplyBackendConfigsTest, TheLaterOfTwoEntriesWins) {
  std::vector<BackendConfig> backends = {Backend("a:1"), Backend("A:1")};
  backends[0].weight = 1;
  backends[1].weight = 2;
  EXPECT_EQ(ApplyBackendConfigs({Endpoint::Of("a", 1)}, backends),
            EndpointList{Endpoint::Of("a", 1).WithWeight(2)});
}

TEST(ApplyBackendConfigsTest, WithoutEntriesNothingChanges) {
  const EndpointList list = {Discovered("a"), Discovered("b")};
  EXPECT_EQ(ApplyBackendConfigs(list, {}), list);
  EXPECT_EQ(ApplyBackendConfigs({}, {Backend("a:1")}), EndpointList{});
}

TEST(ApplyBackendConfigsTest, EveryOneOfTenThousandFindsItsOwnEntry) {
  constexpr int kCount = 10000;
  EndpointList list;
  std::vector<BackendConfig> backends;
  for (int i = 1; i <= kCount; ++i) {
    list.push_back(Endpoint::Of("h", i));
    backends.push_back(Backend(absl::StrCat("h:", kCount + 1 - i)));
    backends.back().weight = kCount + 1 - i;
  }
  list = ApplyBackendConfigs(std::move(list), backends);
  for (const Endpoint& endpoint : list) {
    ASSERT_EQ(endpoint.weight, endpoint.port);
  }
}

TEST(EndpointsOfBackendConfigsTest, MakesTheListInOrder) {
  std::vector<BackendConfig> backends = {Backend("b:2"), Backend("[::1]:1")};
  backends[1].weight = 3000;
  backends[1].role = "primary";
  backends[1].labels = {{"k", "v"}};
  const auto list = EndpointsOfBackendConfigs(backends);
  ASSERT_TRUE(list.ok()) << list.status();
  Endpoint second = Endpoint::Of("::1", 1).WithWeight(3000).WithRole("primary");
  second.labels = {{"k", "v"}};
  EXPECT_EQ(*list, (EndpointList{Endpoint::Of("b", 2), second}));
}

TEST(EndpointsOfBackendConfigsTest, NamesTheBadEntry) {
  struct Row {
    std::vector<BackendConfig> backends;
    std::string message;
  };
  const std::vector<Row> rows = {
      {{},
       "the target names no endpoints and the configuration has no backends"},
      {{Backend("a:1"), Backend("a")},
       R"(backends[1].address: address "a": port is missing, write host:port)"},
      {{Backend("a:1"), Backend("b:1"), Backend("A:1")},
       R"(backends[2].address: "A:1" is a duplicate of backends[0])"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(EndpointsOfBackendConfigs(row.backends).status(),
              absl::InvalidArgumentError(row.message));
  }
}

TEST(PoolsOfBackendConfigsTest, AreThoseOfTheEntriesThatHaveOne) {
  std::vector<BackendConfig> backends(3);
  backends[0].address = "10.0.0.1:80";
  backends[1].address = "DB.example:80";
  backends[1].pool = ConnectionPoolConfig{2, 3, absl::Seconds(1), 4};
  backends[2].address = "not an address";
  backends[2].pool.emplace();
  const BackendPoolConfigs pools = PoolsOfBackendConfigs(backends);
  ASSERT_EQ(pools.size(), 1u);
  const auto found = pools.find(Endpoint::Of("db.example", 80).key());
  ASSERT_NE(found, pools.end());
  EXPECT_EQ(found->second, *backends[1].pool);
}

}  // namespace
}  // namespace multi_backend
