#include "multi_backend/tests/testing/required_package.h"

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "absl/types/optional.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;
using ::testing::TestPartResult;

constexpr char kHowToInstall[] =
    "etcd is not installed (package etcd-server): run tools/setup --tests";

// Sets the variable for one test and restores it afterwards.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    if (const char* const before = getenv(name)) before_ = before;
    Set(value);
  }
  ~ScopedVariable() { Set(before_.has_value() ? before_->c_str() : nullptr); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  void Set(const char* value) {
    if (value == nullptr) {
      unsetenv(name_);
    } else {
      setenv(name_, value, 1);
    }
  }

  const char* const name_;
  absl::optional<std::string> before_;
};

// A test body that records whether it got past its first line.
void Body(bool installed, bool& went_on) {
  MB_REQUIRE_PACKAGE(installed, kHowToInstall);
  went_on = true;
}

// Returns whether the body went on.  What it reports to GoogleTest goes to
// `reports` and does not affect the calling test.
bool GoesOn(bool installed, testing::TestPartResultArray& reports) {
  const testing::ScopedFakeTestPartResultReporter reporter(
      testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD,
      &reports);
  bool went_on = false;
  Body(installed, went_on);
  return went_on;
}

TEST(RequiredPackageTest, ATestIsSkippedOrFailsWithTheCommandThatInstalls) {
  struct Row {
    const char* variable;  // nullptr = not set.
    TestPartResult::Type type;
    const char* text;
  };
  for (const Row& row : {
           Row{nullptr, TestPartResult::kSkip, "NOT TESTED: etcd is not"},
           Row{"", TestPartResult::kSkip, "NOT TESTED: etcd is not"},
           Row{"1", TestPartResult::kFatalFailure,
               "--tests (MULTI_BACKEND_REQUIRE_SERVERS is set)"},
       }) {
    SCOPED_TRACE(row.variable == nullptr ? "not set" : row.variable);
    const ScopedVariable variable(kRequirePackages, row.variable);
    testing::TestPartResultArray reports;
    EXPECT_FALSE(GoesOn(/*installed=*/false, reports));
    ASSERT_EQ(reports.size(), 1);
    EXPECT_EQ(reports.GetTestPartResult(0).type(), row.type);
    EXPECT_THAT(reports.GetTestPartResult(0).message(), HasSubstr(row.text));
    EXPECT_THAT(reports.GetTestPartResult(0).message(),
                HasSubstr(kHowToInstall));
  }
}

TEST(RequiredPackageTest, ATestWithItsPackageGoesOn) {
  for (const char* value : {"", "1"}) {
    const ScopedVariable variable(kRequirePackages, value);
    testing::TestPartResultArray reports;
    EXPECT_TRUE(GoesOn(/*installed=*/true, reports));
    EXPECT_EQ(reports.size(), 0);
  }
}

TEST(RequiredPackageTest, AProgramIsSkippedOnlyAsATestThatMayBe) {
  struct Row {
    const char* target;  // nullptr = not a test of Bazel.
    const char* variable;
    int exit_code;
    std::string text;
  };
  const std::string line = std::string(kHowToInstall) + "\n";
  for (const Row& row : {
           Row{"//:test", nullptr, 0, "NOT TESTED: " + line},
           Row{"//:test", "1", 1, line},
           Row{nullptr, nullptr, 1, line},
       }) {
    const ScopedVariable target("TEST_TARGET", row.target);
    const ScopedVariable variable(kRequirePackages, row.variable);
    testing::internal::CaptureStderr();
    EXPECT_EQ(ExitCodeWithoutPackage(kHowToInstall), row.exit_code);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), row.text);
  }
}

}  // namespace
}  // namespace multi_backend
