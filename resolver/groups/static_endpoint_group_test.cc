#include "multi_backend/resolver/groups/static_endpoint_group.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/endpoint_group.h"

namespace multi_backend {
namespace {

TEST(StaticEndpointGroupTest, RefusesUnusableLists) {
  const Endpoint a = Endpoint::Of("a", 1);
  struct Row {
    EndpointList list;
    std::string message;
  };
  const std::vector<Row> rows = {
      {{}, "static endpoint group: no endpoints, at least one is needed"},
      {{a, Endpoint::Of("b", 0)},
       R"(static endpoint group: endpoint 2: address "b:0": port must be )"
       R"(1..65535)"},
      {{a, Endpoint::Of("b", 1), a},
       R"(static endpoint group: endpoint 3: address "a:1" is a duplicate of )"
       R"(endpoint 1)"},
      {{Endpoint::Of("", 1)},
       R"(static endpoint group: endpoint 1: address ":1": host is missing, )"
       R"(write host:port)"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(StaticEndpointGroup::Make(row.list).status(),
              absl::InvalidArgumentError(row.message));
  }
}

TEST(StaticEndpointGroupTest, HasItsListFromTheStart) {
  const EndpointList list = {Endpoint::Of("b", 2).WithRole("primary"),
                             Endpoint::Of("a", 1).WithWeight(0)};
  const auto group = StaticEndpointGroup::Make(list);
  ASSERT_TRUE(group.ok()) << group.status();
  EXPECT_EQ(*(*group)->endpoints(), list);
  EXPECT_TRUE((*group)->AwaitInitialEndpoints(absl::ZeroDuration()).ok());
  EXPECT_TRUE((*group)->last_error().ok());
  std::vector<EndpointList> seen;
  const auto watch =
      (*group)->Watch([&seen](std::shared_ptr<const EndpointList> endpoints) {
        seen.push_back(*endpoints);
      });
  (*group)->RequestRefresh();
  EXPECT_EQ(seen, std::vector<EndpointList>{list});
}

TEST(StaticEndpointGroupTest, KeepsItsListWhenClosed) {
  const auto group = StaticEndpointGroup::Make({Endpoint::Of("a", 1)});
  ASSERT_TRUE(group.ok());
  (*group)->Close();
  (*group)->Close();
  EXPECT_EQ((*group)->endpoints()->size(), 1u);
}

TEST(StaticEndpointGroupTest, DescribesItselfAsItsTarget) {
  EndpointList list = {Endpoint::Of("a", 1), Endpoint::Of("::1", 2)};
  EXPECT_EQ((*StaticEndpointGroup::Make(list))->Describe(),
            "static:///a:1,[::1]:2");
  for (int i = 3; i <= 8; ++i) list.push_back(Endpoint::Of("a", i));
  EXPECT_EQ((*StaticEndpointGroup::Make(list))->Describe(),
            "static:///a:1,[::1]:2,a:3,a:4,a:5 and 3 more");
}

}  // namespace
}  // namespace multi_backend
