// ListedFleetTest: the fixture of tests with three backends, "b0" to "b2", and
// a named group that lists those of them that the test chooses.
#ifndef MULTI_BACKEND_TESTS_TESTING_LISTED_FLEET_TEST_H_
#define MULTI_BACKEND_TESTS_TESTING_LISTED_FLEET_TEST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/scripted_group.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {

class ListedFleetTest : public ::testing::Test {
 protected:
  static constexpr char kTarget[] = "group:///listed";

  void SetUp() override {
    auto fleet = BackendFleet::Start(3);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    group_ = std::make_shared<ScriptedGroup>(List({0, 1, 2}));
    ASSERT_TRUE(EndpointGroupRegistry::Register("listed", group_).ok());
  }
  void TearDown() override { EndpointGroupRegistry::Unregister("listed"); }

  Endpoint EndpointOf(size_t index, const std::string& host = "127.0.0.1") {
    return Endpoint::Of(host,
                        static_cast<uint16_t>(fleet_->server(index).port()));
  }
  EndpointList List(const std::vector<size_t>& indices) {
    EndpointList list;
    for (const size_t index : indices) list.push_back(EndpointOf(index));
    return list;
  }
  // Changes the list twice, and waits until the client's channel has followed.
  void LeaveB1OutAndBringItBack(const UsersClient& client) {
    group_->SetEndpoints(List({0, 2}));
    ASSERT_TRUE(AwaitB1(client, /*absent=*/true));
    group_->SetEndpoints(List({0, 1, 2}));
    ASSERT_TRUE(AwaitB1(client, /*absent=*/false));
  }
  // Makes `calls` calls that succeed; returns how many reached b1.
  int64_t CallsToB1(UsersClient& client, int calls = 30) {
    fleet_->ResetStats();
    for (int i = 0; i < calls; ++i) {
      const CallOutcome outcome = client.Call();
      EXPECT_TRUE(outcome.ok()) << outcome.ToString();
    }
    return fleet_->CallsOf(1);
  }

  std::unique_ptr<BackendFleet> fleet_;
  std::shared_ptr<ScriptedGroup> group_;

 private:
  bool AwaitB1(const UsersClient& client, bool absent) {
    return WaitUntil(
        [&]() { return client.Backend(fleet_->address(1)).absent == absent; });
  }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_LISTED_FLEET_TEST_H_
