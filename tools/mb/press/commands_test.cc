// Runs `mb press` as a user does, against real servers, and compares its counts
// with theirs.
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tools/mb/output/report.pb.h"
#include "multi_backend/tools/mb/testing/mb_process.h"

namespace multi_backend {
namespace mb {
namespace {

using ::testing::HasSubstr;
using testing::MbProcess;
using testing::MbResult;
using testing::RunMb;
using testing::TextFile;

constexpr char kGetUser[] = "--method=/examples.users.v1.Users/GetUser";

class PressCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    auto fleet = BackendFleet::Start(3);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }

  // The last report of the output.
  static v1::PressReport TotalOf(const std::string& out) {
    const std::vector<std::string> lines =
        absl::StrSplit(out, '\n', absl::SkipEmpty());
    v1::PressReport report;
    if (lines.empty()) return report;
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(lines.back(), &report).ok())
        << out;
    EXPECT_TRUE(report.total());
    return report;
  }

  static std::map<std::string, int64_t> CallsByBackend(
      const v1::PressReport& report) {
    std::map<std::string, int64_t> calls;
    for (const auto& row : report.backends()) {
      calls[row.backend()] = static_cast<int64_t>(row.calls());
    }
    return calls;
  }

  std::map<std::string, int64_t> CallsByServer() {
    std::map<std::string, int64_t> calls;
    for (size_t i = 0; i < fleet_->size(); ++i) {
      calls[fleet_->address(i)] = fleet_->CallsOf(i, "GetUser");
    }
    return calls;
  }

  std::unique_ptr<BackendFleet> fleet_;
};

TEST_F(PressCommandTest, CountsWhatTheServersCount) {
  const TextFile config("users.json", absl::StrCat(R"({"loadBalancingConfig":[
      {"multi_backend":{"strategy":"WEIGHTED","backends":[
        {"address":")",
                                                   fleet_->address(0),
                                                   R"(","weight":2000}]}}]})"));
  const MbResult result =
      RunMb({"press", fleet_->StaticTarget(), kGetUser, "--calls=2000",
             "--seconds=25", "--config", config.path(), "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err << result.out;
  const v1::PressReport total = TotalOf(result.out);
  EXPECT_EQ(total.calls(), 2000u);
  EXPECT_EQ(total.failed(), 0u);
  EXPECT_EQ(CallsByBackend(total), CallsByServer());
  // WEIGHTED is exact once all backends are connected.
  for (const auto& row : total.backends()) {
    EXPECT_NEAR(row.share(), row.backend() == fleet_->address(0) ? 0.5 : 0.25,
                0.1)
        << row.backend();
  }
}

TEST_F(PressCommandTest, FailedCallsAreAProblem) {
  const MbResult result =
      RunMb({"press", fleet_->StaticTarget(),
             "--method=/examples.users.v1.Users/Nonsense", "--calls=10"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("10 failed (UNIMPLEMENTED 10)"));
}

TEST_F(PressCommandTest, CallsThatReachNoBackendAreShown) {
  fleet_->KillAll();
  const MbResult result = RunMb(
      {"press", fleet_->StaticTarget(), kGetUser, "--calls=3", "--timeout=5"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("  (none)       3"));
}

TEST_F(PressCommandTest, TheRateIsBoundedAndAnInterruptEndsWithTheTotal) {
  MbProcess press({"press", fleet_->StaticTarget(), kGetUser, "--qps=50",
                   "--seconds=25", "--json"});
  ASSERT_TRUE(press.AwaitOutput("\"total\":false")) << press.Wait().err;
  const MbResult result = press.Interrupt();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const v1::PressReport total = TotalOf(result.out);
  EXPECT_GT(total.calls(), 0u);
  EXPECT_LE(static_cast<double>(total.calls()), 50 * total.seconds() + 1);
  EXPECT_EQ(CallsByBackend(total), CallsByServer());
}

TEST_F(PressCommandTest, BadInputIsRefused) {
  const std::string target = fleet_->StaticTarget();
  EXPECT_EQ(RunMb({"press", target}).exit_code, 2);
  EXPECT_EQ(RunMb({"press", target, "--method=GetUser"}).exit_code, 2);
  EXPECT_EQ(RunMb({"press", target, kGetUser, "--header=a b=c"}).exit_code, 2);
  EXPECT_EQ(RunMb({"press", target, kGetUser, "--header=a"}).exit_code, 2);
  EXPECT_EQ(RunMb({"press", target, kGetUser, "--concurrency=0"}).exit_code, 2);
  const MbResult config =
      RunMb({"press", target, kGetUser, "--config=/nonexistent"});
  EXPECT_EQ(config.exit_code, 1);
  EXPECT_THAT(config.err, HasSubstr("cannot open /nonexistent"));
  const MbResult list = RunMb({"press", "static:///", kGetUser});
  EXPECT_EQ(list.exit_code, 1);
  EXPECT_THAT(list.err, HasSubstr("mb: "));
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend
