#include "multi_backend/resolver/file/endpoint_group.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

using ListPtr = std::shared_ptr<const EndpointList>;

constexpr std::chrono::seconds kPatience(30);

// `count` endpoints that all have the weight `weight`.
std::string Document(int count, uint32_t weight) {
  std::string text = "{\n\"endpoints\": [";
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&text, i == 0 ? "\n" : ",\n", "{\"address\": \"b", i,
                    ":1\", \"weight\": ", weight, "}");
  }
  return text + "]}\n";
}

EndpointList List(int count, uint32_t weight) {
  EndpointList list;
  for (int i = 0; i < count; ++i) {
    list.push_back(Endpoint::Of(absl::StrCat("b", i), 1).WithWeight(weight));
  }
  return list;
}

// Collects the lists of a group, and waits for a list that the test expects.
class Recorder {
 public:
  explicit Recorder(EndpointGroup& group) : group_(group) {
    watch_ = group.Watch([this](ListPtr list) {
      std::lock_guard<std::mutex> lock(mu_);
      seen_.push_back(std::move(list));
      changed_.notify_all();
    });
  }

  bool WaitFor(const EndpointList& list) {
    std::unique_lock<std::mutex> lock(mu_);
    return changed_.wait_for(lock, kPatience, [&] {
      return !seen_.empty() && *seen_.back() == list;
    });
  }

  // Polls, because there is no callback for errors.
  bool WaitForError(absl::string_view text) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!absl::StrContains(group_.last_error().message(), text)) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  std::vector<ListPtr> seen() {
    std::lock_guard<std::mutex> lock(mu_);
    return seen_;
  }

 private:
  EndpointGroup& group_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<ListPtr> seen_;
  std::unique_ptr<EndpointGroup::Subscription> watch_;
};

class FileEndpointGroupTest : public ::testing::Test {
 protected:
  FileEndpointGroupTest() {
    std::string pattern = absl::StrCat(::testing::TempDir(), "/fileXXXXXX");
    directory_ = mkdtemp(&pattern[0]);
    path_ = directory_ + "/backends.json";
  }

  ~FileEndpointGroupTest() override {
    recorder_.reset();
    group_.reset();
    (void)!system(absl::StrCat("rm -rf ", directory_).c_str());
  }

  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc) << text;
  }

  void Replace(const std::string& text) {
    Write(directory_ + "/new", text);
    ASSERT_EQ(rename((directory_ + "/new").c_str(), path_.c_str()), 0);
  }

  // The interval is long, so that only inotify can report a change.
  void Start(absl::Duration recheck = absl::Hours(1)) {
    FileSourceOptions options;
    options.recheck = recheck;
    auto group = FileEndpointGroup::Make(path_, options);
    ASSERT_TRUE(group.ok()) << group.status();
    group_ = *std::move(group);
    recorder_ = std::make_unique<Recorder>(*group_);
  }

  std::string directory_;
  std::string path_;
  std::shared_ptr<EndpointGroup> group_;
  std::unique_ptr<Recorder> recorder_;
};

TEST_F(FileEndpointGroupTest, SaysWhatItTriedWhenNothingComes) {
  Start();
  EXPECT_TRUE(recorder_->WaitForError("cannot open"));
  EXPECT_EQ(
      group_->AwaitInitialEndpoints(absl::Milliseconds(1)),
      absl::DeadlineExceededError(absl::StrCat(
          "file://", path_,
          " (last error: cannot open: No such file or directory): no endpoints "
          "after 1ms")));
}

TEST_F(FileEndpointGroupTest, ReadsTheFileAndFollowsEveryKindOfChange) {
  Write(path_, Document(2, 1));
  Start();
  EXPECT_TRUE(group_->AwaitInitialEndpoints(absl::Seconds(30)).ok());
  EXPECT_TRUE(recorder_->WaitFor(List(2, 1)));
  Write(path_, Document(1, 2));
  EXPECT_TRUE(recorder_->WaitFor(List(1, 2))) << "written in place";
  Replace(Document(3, 3));
  EXPECT_TRUE(recorder_->WaitFor(List(3, 3))) << "renamed over";
  ASSERT_EQ(unlink(path_.c_str()), 0);
  EXPECT_TRUE(recorder_->WaitForError("cannot open")) << "removed";
  EXPECT_EQ(*group_->endpoints(), List(3, 3));
  Write(path_, Document(1, 4));
  EXPECT_TRUE(recorder_->WaitFor(List(1, 4))) << "made again";
  EXPECT_TRUE(group_->last_error().ok());
  Write(path_, "{}");
  EXPECT_TRUE(recorder_->WaitFor({})) << "no endpoints";
  EXPECT_FALSE(group_->names_are_configured());
}

TEST_F(FileEndpointGroupTest, FillsWhenFileAndDirectoriesComeLater) {
  path_ = directory_ + "/a/b/backends.json";
  Start();
  EXPECT_TRUE(recorder_->WaitForError("cannot open"));
  EXPECT_EQ(mkdir((directory_ + "/a").c_str(), 0755), 0);
  EXPECT_EQ(mkdir((directory_ + "/a/b").c_str(), 0755), 0);
  Write(path_, Document(1, 1));
  EXPECT_TRUE(recorder_->WaitFor(List(1, 1)));
}

TEST_F(FileEndpointGroupTest, FollowsSwappedLinksAsKubernetesMakesThem) {
  // As Kubernetes does it: backends.json -> ..data/backends.json, and ..data
  // -> v0, v1, ….
  const auto make_version = [this](int i) {
    const std::string version = absl::StrCat(directory_, "/v", i);
    ASSERT_EQ(mkdir(version.c_str(), 0755), 0);
    Write(version + "/backends.json", Document(1, i));
    const std::string link = directory_ + "/..data_tmp";
    ASSERT_EQ(symlink(absl::StrCat("v", i).c_str(), link.c_str()), 0);
    ASSERT_EQ(rename(link.c_str(), (directory_ + "/..data").c_str()), 0);
  };
  make_version(0);
  ASSERT_EQ(symlink("..data/backends.json", path_.c_str()), 0);
  Start();
  EXPECT_TRUE(recorder_->WaitFor(List(1, 0)));
  for (int i = 1; i <= 20; ++i) {
    make_version(i);
    EXPECT_TRUE(recorder_->WaitFor(List(1, i)));
    (void)!system(absl::StrCat("rm -r ", directory_, "/v", i - 1).c_str());
  }
}

TEST_F(FileEndpointGroupTest, FollowsALinkIntoAnotherDirectory) {
  const std::string elsewhere = directory_ + "/elsewhere";
  ASSERT_EQ(mkdir(elsewhere.c_str(), 0755), 0);
  Write(elsewhere + "/x", Document(1, 1));
  ASSERT_EQ(symlink((elsewhere + "/x").c_str(), path_.c_str()), 0);
  Start();
  EXPECT_TRUE(recorder_->WaitFor(List(1, 1)));
  Write(elsewhere + "/x", Document(1, 2));
  EXPECT_TRUE(recorder_->WaitFor(List(1, 2)));
}

TEST_F(FileEndpointGroupTest, KeepsTheListAndSaysWhatIsWrong) {
  struct Row {
    std::string name;
    std::function<void()> spoil;
    std::string error;
  };
  const auto become = [this](const std::function<void()>& make) {
    return [this, make] {
      ASSERT_EQ(unlink(path_.c_str()), 0);
      make();
    };
  };
  const std::vector<Row> rows = {
      {"empty", [this] { Write(path_, ""); }, "line 1, column 1"},
      {"torn", [this] { Write(path_, Document(2, 9).substr(0, 50)); },
       "line 3, column 34: "},
      {"garbage", [this] { Write(path_, "\n\n  x"); }, "line 3, column 3: "},
      {"wrong type",
       [this] { Write(path_, R"({"endpoints": [{"weight": "x"}]})"); },
       "endpoints[0].weight"},
      {"too large", [this] { Write(path_, "{}" + std::string(1 << 20, ' ')); },
       "larger than 1048576 bytes"},
      {"nothing left of it",
       [this] { Write(path_, R"({"endpoints": [{"address": "a:0"}]})"); },
       "all of the 1 endpoints were refused"},
      {"FIFO", become([this] { mkfifo(path_.c_str(), 0600); }),
       "not a regular file but a FIFO"},
      {"directory", become([this] { mkdir(path_.c_str(), 0700); }),
       "not a regular file but a directory"},
      {"link to nothing",
       become([this] { (void)!symlink("nothing", path_.c_str()); }),
       "cannot open: No such file or directory"},
      {"link to itself",
       become([this] { (void)!symlink("backends.json", path_.c_str()); }),
       "cannot open: Too many levels of symbolic links"},
      {"device", become([this] { (void)!symlink("/dev/zero", path_.c_str()); }),
       "not a regular file but a device"},
  };
  Write(path_, Document(2, 1));
  Start();
  EXPECT_TRUE(recorder_->WaitFor(List(2, 1)));
  uint32_t weight = 1;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    row.spoil();
    EXPECT_TRUE(recorder_->WaitForError(row.error)) << group_->last_error();
    EXPECT_TRUE(absl::StrContains(group_->Describe(), row.error));
    EXPECT_TRUE(absl::StrContains(group_->Describe(), " s old)"));
    EXPECT_EQ(*group_->endpoints(), List(2, weight));
    ++weight;
    if (remove(path_.c_str()) != 0) ADD_FAILURE() << "cannot remove";
    Replace(Document(2, weight));
    EXPECT_TRUE(recorder_->WaitFor(List(2, weight)));
    EXPECT_TRUE(group_->last_error().ok()) << group_->last_error();
  }
}

TEST_F(FileEndpointGroupTest, ShowsWhatWasRefused) {
  Write(path_, R"({"endpoints": [{"address": "169.254.169.254:80"},
                                 {"address": "b0:1", "weight": 7}]})");
  Start();
  EXPECT_TRUE(recorder_->WaitFor(List(1, 7)));
  EXPECT_EQ(group_->Describe(),
            absl::StrCat("file://", path_,
                         " (1 refused: endpoints[0] 169.254.169.254:80: "
                         "link-local address)"));
}

// Every list that is shown was written as a whole, and the last one that was
// written is always reached.
TEST_F(FileEndpointGroupTest, AThousandRewritesNeverShowAPartialList) {
  constexpr int kRewrites = 1000;
  const auto count_of = [](int i) { return 1 + i * 37 % 50; };
  Replace(Document(count_of(0), 0));
  Start();
  EXPECT_TRUE(recorder_->WaitFor(List(count_of(0), 0)));
  for (int i = 1; i <= kRewrites; ++i) {
    const std::string text = Document(count_of(i), i);
    const size_t half = text.size() * (i % 97) / 97;
    switch (i % 4) {
      case 0:
        Replace(text);
        break;
      case 1: {  // Written in two parts by one writer.
        const int fd = open(path_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
        ASSERT_GE(fd, 0);
        ASSERT_EQ(write(fd, text.data(), half), static_cast<ssize_t>(half));
        std::this_thread::yield();
        ASSERT_EQ(write(fd, text.data() + half, text.size() - half),
                  static_cast<ssize_t>(text.size() - half));
        close(fd);
        break;
      }
      case 2:  // Closed in the middle, then written again.
        Write(path_, text.substr(0, half));
        std::this_thread::yield();
        Write(path_, text);
        break;
      case 3:  // Removed for a moment.
        unlink(path_.c_str());
        Replace(text);
        break;
    }
    if (i % 100 == 0) {
      EXPECT_TRUE(recorder_->WaitFor(List(count_of(i), i)));
    }
  }
  uint32_t last = 0;
  for (const ListPtr& list : recorder_->seen()) {
    ASSERT_FALSE(list->empty());
    const uint32_t i = list->front().weight;
    EXPECT_GE(i, last) << "an older list after a newer one";
    last = i;
    EXPECT_EQ(*list, List(count_of(static_cast<int>(i)), i));
  }
  EXPECT_EQ(last, static_cast<uint32_t>(kRewrites));
  EXPECT_GE(recorder_->seen().size(), 11u);
}

TEST_F(FileEndpointGroupTest, LooksAgainWhenAsked) {
  Write(path_, Document(1, 1));
  Start();
  EXPECT_TRUE(recorder_->WaitFor(List(1, 1)));
  // The writer keeps the file open, and the library does not ask inotify about
  // writes.
  const int fd = open(path_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  const std::string text = Document(1, 2);
  ASSERT_EQ(write(fd, text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
  group_->RequestRefresh();
  EXPECT_TRUE(recorder_->WaitFor(List(1, 2)));
  close(fd);
}

TEST_F(FileEndpointGroupTest, LooksAgainNowAndThenByItself) {
  Write(path_, Document(1, 1));
  Start(absl::Milliseconds(100));
  EXPECT_TRUE(recorder_->WaitFor(List(1, 1)));
  const int fd = open(path_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  const std::string text = Document(1, 2);
  ASSERT_EQ(write(fd, text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
  EXPECT_TRUE(recorder_->WaitFor(List(1, 2)));
  close(fd);
}

TEST_F(FileEndpointGroupTest, RefusesPathsThatCannotBeFollowed) {
  for (const std::string& path :
       {std::string(), std::string("/"), std::string("backends.json"),
        std::string("./x"), std::string("/etc/"), std::string("/a\0b", 4),
        std::string(4000, '\xff')}) {
    const absl::Status status = FileEndpointGroup::Make(path).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << path;
    EXPECT_LT(status.message().size(), 1500u);
  }
}

size_t OpenDescriptors() {
  size_t count = 0;
  DIR* const directory = opendir("/proc/self/fd");
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

TEST_F(FileEndpointGroupTest, CloseStopsTheThreadAndFreesItsDescriptors) {
  Write(path_, Document(1, 1));
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 20; ++i) {
    Start();
    if (i % 2 == 0) {
      EXPECT_TRUE(recorder_->WaitFor(List(1, 1)));
    }
    group_->Close();
    group_->Close();
    recorder_.reset();
    group_.reset();
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(FileEndpointGroupTest, ACallbackMayDestroyTheGroup) {
  Write(path_, Document(1, 1));
  Start();
  EXPECT_TRUE(recorder_->WaitFor(List(1, 1)));
  std::mutex mu;
  std::condition_variable changed;
  bool destroyed = false;
  const auto watch = group_->Watch([&](ListPtr list) {
    if (*list != List(1, 2)) return;
    recorder_.reset();
    group_.reset();
    std::lock_guard<std::mutex> lock(mu);
    destroyed = true;
    changed.notify_all();
  });
  Replace(Document(1, 2));
  std::unique_lock<std::mutex> lock(mu);
  EXPECT_TRUE(changed.wait_for(lock, kPatience, [&] { return destroyed; }));
}

}  // namespace
}  // namespace multi_backend
