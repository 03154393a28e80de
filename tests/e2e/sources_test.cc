// Discovery sources behind a channel, with real servers.

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using testing::HasSubstr;

std::string Document(const std::vector<std::string>& addresses) {
  std::string endpoints;
  for (const std::string& address : addresses) {
    absl::StrAppend(&endpoints, endpoints.empty() ? "" : ",", "{\"address\":\"",
                    address, "\"}");
  }
  return absl::StrCat("{\"endpoints\":[", endpoints, "]}");
}

// Replaces `path` as a whole, the way that its readers never see half of it.
void Replace(const std::string& path, const std::string& text) {
  const std::string next = path + ".next";
  std::ofstream(next) << text;
  ASSERT_EQ(std::rename(next.c_str(), path.c_str()), 0);
}

// Writes in place, so that a reader may see any part of it.
void Overwrite(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}

std::string FreshPath(const char* name) {
  return absl::StrCat(testing::TempDir(), "/", getpid(), "_", name);
}

class FileSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    auto fleet = BackendFleet::Start(3);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }
  std::unique_ptr<BackendFleet> fleet_;
};

TEST_F(FileSourceTest, ACallWithoutAFileSaysWhy) {
  auto client = UsersClient::Make("file://" + FreshPath("missing.json"),
                                  ChannelOptions());
  ASSERT_TRUE(client.ok()) << client.status();
  const CallOutcome outcome = (*client)->Call();
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(outcome.status.error_message(), HasSubstr("missing.json"));
  EXPECT_THAT(outcome.status.error_message(),
              HasSubstr("the call was not sent"));
}

TEST_F(FileSourceTest, AFileThatComesLaterServes) {
  const std::string path = FreshPath("later.json");
  auto client = UsersClient::Make("file://" + path, ChannelOptions());
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_FALSE((*client)->Call().status.ok());
  Replace(path, Document(fleet_->addresses()));
  EXPECT_TRUE((*client)->ConnectTo(fleet_->addresses()));
  EXPECT_TRUE((*client)->Call().status.ok());
}

TEST_F(FileSourceTest, RewritesUnderLoadLoseNoCall) {
  const std::string path = FreshPath("rewritten.json");
  const std::vector<std::string> all = fleet_->addresses();
  const std::vector<std::string> two(all.begin(), all.begin() + 2);
  Replace(path, Document(all));
  auto client = UsersClient::Make("file://" + path, ChannelOptions());
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->ConnectTo(all));

  std::atomic<bool> done{false};
  std::atomic<int> failed{0};
  std::atomic<int> calls{0};
  std::thread load([&] {
    while (!done) {
      ++calls;
      if (!(*client)->Call().status.ok()) ++failed;
    }
  });
  for (int i = 0; i < 1000; ++i) {
    switch (i % 4) {
      case 0:
        Replace(path, Document(two));
        break;
      case 1:
        Replace(path, "{ torn");
        break;
      case 2:
        Overwrite(path, Document(all));
        break;
      case 3:
        Overwrite(path, Document(all).substr(0, 20));
        break;
    }
  }
  Replace(path, Document(two));
  EXPECT_TRUE(WaitUntil(
      [&] { return (*client)->pool().GetAllBackends().size() == two.size(); }));
  done = true;
  load.join();
  EXPECT_GT(calls, 0);
  EXPECT_EQ(failed, 0) << "of " << calls;
}

}  // namespace
}  // namespace multi_backend
