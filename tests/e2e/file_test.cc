// Calls through channels whose backends come from a file, while the file is
// rewritten in different ways.

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Document(const EndpointList& endpoints) {
  std::string text;
  for (const Endpoint& endpoint : endpoints) {
    absl::StrAppend(&text, text.empty() ? "" : ",", "\n  {\"address\":\"",
                    endpoint.address(), "\"}");
  }
  return absl::StrCat("{\"endpoints\":[", text, " ]}\n");
}

void Append(const std::string& path, absl::string_view text, int flags) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | flags, 0644);
  ASSERT_GE(fd, 0) << path;
  ASSERT_EQ(write(fd, text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
  close(fd);
}

// Writes in place, in two steps, so that a reader may see only the first half.
void Overwrite(const std::string& path, absl::string_view text) {
  Append(path, text.substr(0, text.size() / 2), O_TRUNC);
  Append(path, text.substr(text.size() / 2), O_APPEND);
}

// Replaces the file as a whole.
void Replace(const std::string& path, absl::string_view text) {
  const std::string next = path + ".next";
  Append(next, text, O_TRUNC);
  ASSERT_EQ(rename(next.c_str(), path.c_str()), 0);
}

void Link(const std::string& to, const std::string& path) {
  const std::string next = path + ".next";
  ASSERT_EQ(symlink(to.c_str(), next.c_str()), 0);
  ASSERT_EQ(rename(next.c_str(), path.c_str()), 0);
}

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    auto fleet = BackendFleet::Start(3);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    directory_ = absl::StrCat(
        ::testing::TempDir(), "/", getpid(), "_",
        ::testing::UnitTest::GetInstance()->current_test_info()->name());
    ASSERT_EQ(mkdir(directory_.c_str(), 0755), 0);
  }

  EndpointList Backends(const std::vector<size_t>& indices) {
    EndpointList list;
    for (const size_t index : indices) {
      list.push_back(Endpoint::Of("127.0.0.1", fleet_->server(index).port()));
    }
    return list;
  }

  std::unique_ptr<BackendFleet> fleet_;
  std::string directory_;
};

TEST_F(FileTest, ACallWithoutAFileSaysWhy) {
  auto client = UsersClient::Make("file://" + directory_ + "/missing.json");
  ASSERT_TRUE(client.ok()) << client.status();
  const auto outcome = (*client)->Call();
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(outcome.status.error_message(), HasSubstr("missing.json"));
  EXPECT_THAT(outcome.status.error_message(),
              HasSubstr("the call was not sent"));
}

TEST_F(FileTest, AFileThatComesLaterServes) {
  const std::string path = directory_ + "/later.json";
  auto client = UsersClient::Make("file://" + path);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_FALSE((*client)->Call().ok());
  Replace(path, Document(Backends({0, 1, 2})));
  EXPECT_TRUE((*client)->ConnectTo(fleet_->addresses()));
  EXPECT_TRUE((*client)->Call().ok());
}

// A file on a path as Kubernetes makes it, where `current` links to v0 or v1.
// The functions change the file in different ways.
class RewrittenFile {
 public:
  explicit RewrittenFile(const std::string& directory) : directory_(directory) {
    for (const char* version : {"v0", "v1"}) {
      EXPECT_EQ(mkdir(absl::StrCat(directory_, "/", version).c_str(), 0755), 0);
    }
    Link("v0", directory_ + "/current");
  }

  std::string path() const { return directory_ + "/current/backends.json"; }

  // Writes the whole document in one of three ways, `way` modulo 3.
  void Write(size_t way, const std::string& document) {
    switch (way % 3) {
      case 0:
        return Replace(path(), document);
      case 1:
        return Overwrite(path(), document);
      case 2:
        version_ = 1 - version_;
        const std::string to = absl::StrCat("v", version_);
        Replace(absl::StrCat(directory_, "/", to, "/backends.json"), document);
        return Link(to, directory_ + "/current");
    }
  }

  // Damages the file in one of four ways, `way` modulo 4.  `part` is a part of
  // the document.
  void Damage(size_t way, absl::string_view part) {
    switch (way % 4) {
      case 0:
        return Replace(path(), part);
      case 1:
        return Overwrite(path(), part);
      case 2:
        return Append(path(), part, O_APPEND);
      case 3:
        EXPECT_EQ(unlink(path().c_str()), 0);
    }
  }

 private:
  const std::string directory_;
  int version_ = 0;
};

// Records the lists of a group, and waits for one.
class SeenLists {
 public:
  explicit SeenLists(EndpointGroup& group)
      : watch_(group.Watch([this](std::shared_ptr<const EndpointList> list) {
          std::lock_guard<std::mutex> lock(mu_);
          lists_.push_back(*list);
          changed_.notify_all();
        })) {}

  bool WaitFor(const EndpointList& list) {
    std::unique_lock<std::mutex> lock(mu_);
    return changed_.wait_for(lock, absl::ToChronoSeconds(kTestTimeout), [&] {
      return !lists_.empty() && lists_.back() == list;
    });
  }
  std::vector<EndpointList> Take() {
    std::lock_guard<std::mutex> lock(mu_);
    return std::move(lists_);
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<EndpointList> lists_;
  const std::unique_ptr<EndpointGroup::Subscription> watch_;
};

TEST_F(FileTest, AThousandRewritesLoseNoCallAndShowNoPartialList) {
  constexpr size_t kRewrites = 1000;
  const std::vector<EndpointList> complete = {
      Backends({0, 1, 2}), Backends({0, 1}), Backends({2, 0})};
  RewrittenFile file(directory_);
  file.Write(0, Document(complete[0]));
  auto group = FileEndpointGroup::Make(file.path());
  ASSERT_TRUE(group.ok()) << group.status();
  SeenLists seen(**group);
  ASSERT_TRUE(EndpointGroupRegistry::Register("file", *group).ok());
  auto client = UsersClient::Make("group:///file");
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->ConnectTo(fleet_->addresses()));

  BackgroundLoad load(**client, /*threads=*/2);
  for (size_t i = 0; i < kRewrites; ++i) {
    const EndpointList& list = complete[i % complete.size()];
    const std::string document = Document(list);
    if (i % 4 == 3) {
      file.Damage(i / 4, document.substr(0, i % document.size()));
    } else {
      file.Write(i / 3, document);
    }
    // Sometimes wait for the group; otherwise it reads during the next write.
    if (i % 20 == 0) {
      EXPECT_TRUE(seen.WaitFor(list)) << i << ": " << (*group)->Describe();
    }
  }
  file.Write(2, Document(complete[1]));
  EXPECT_TRUE(seen.WaitFor(complete[1])) << (*group)->Describe();
  EXPECT_TRUE(
      WaitUntil([&] { return ListedBackends((*client)->pool()) == 2; }));
  const LoadResult result = load.Stop();
  EXPECT_GT(result.calls, 0);
  EXPECT_THAT(result.failures, IsEmpty());
  const std::vector<EndpointList> lists = seen.Take();
  EXPECT_GT(lists.size(), kRewrites / 20);
  EXPECT_THAT(lists, ::testing::Each(::testing::AnyOfArray(complete)));
  EndpointGroupRegistry::Unregister("file");
}

}  // namespace
}  // namespace multi_backend
