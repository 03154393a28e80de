// Runs `mb validate` and `mb explain` as a user does.
#include <string>

#include "gtest/gtest.h"
#include "multi_backend/tests/testing/server_process.h"
#include "multi_backend/tools/mb/testing/mb_process.h"

namespace multi_backend {
namespace mb {
namespace {

using testing::MbProcess;
using testing::MbResult;
using testing::RunMb;
using testing::TextFile;

std::string Quickstart() { return RunfilePath("examples/quickstart.json"); }

TEST(MbTest, HelpListsTheCommandsAndExitCodes) {
  const MbResult help = RunMb({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_NE(help.out.find("Exit codes: 0"), std::string::npos) << help.out;
  EXPECT_EQ(RunMb({"--version"}).exit_code, 0);
}

TEST(MbTest, AWrongCommandLineEndsWithTwo) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{},
        {"nonsense"},
        {"validate"},
        {"validate", "--nonsense", "x"},
        {"explain", Quickstart()},
        {"explain", Quickstart(), "--method", "GetUser"},
        {"explain", Quickstart(), "--method", "/a/b", "--header", "x"}}) {
    const MbResult result = RunMb(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.out;
    EXPECT_NE(result.err, "");
  }
}

TEST(MbTest, PathsAreRelativeToWhereBazelRunWasCalled) {
  const TextFile bad("bad.json", "{");
  MbProcess::Options options;
  options.environment = {"BUILD_WORKING_DIRECTORY=" +
                         bad.path().substr(0, bad.path().rfind('/'))};
  const MbResult found = RunMb({"validate", "bad.json"}, options);
  EXPECT_EQ(found.exit_code, 1);
  EXPECT_EQ(found.out.find("bad.json: error: "), 0u) << found.out << found.err;

  options.environment = {"BUILD_WORKING_DIRECTORY=/nonexistent"};
  const MbResult lost = RunMb({"--version"}, options);
  EXPECT_EQ(lost.exit_code, 2);
  EXPECT_NE(lost.err.find("/nonexistent: No such file or directory"),
            std::string::npos)
      << lost.err;
}

TEST(ValidateCommandTest, AGoodFile) {
  const MbResult result = RunMb({"validate", "--strict", Quickstart()});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, Quickstart() + ": ok\n");
  EXPECT_EQ(result.err, "");
}

TEST(ValidateCommandTest, GrpcsOwnPartIsCheckedToo) {
  MbProcess::Options options;
  options.input =
      R"({"methodConfig":[{"name":[{"service":"a"}],"timeout":"1"}]})";
  const MbResult result = RunMb({"validate", "-"}, options);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out,
            "standard input: error: methodConfig[0].timeout: Not a duration "
            "(no s suffix)\n"
            "standard input: 1 error, 0 warnings\n");
}

TEST(ValidateCommandTest, AllFilesAreChecked) {
  const TextFile bad("bad.json", "{");
  const MbResult result = RunMb(
      {"validate", "--json", "/nonexistent.json", bad.path(), Quickstart()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err,
            "mb: cannot open /nonexistent.json: No such file or directory\n");
  EXPECT_NE(result.out.find("\"errors\":1,\"warnings\":0,\"ok\":false}\n{"),
            std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("\"ok\":true}\n"), std::string::npos);
}

TEST(ValidateCommandTest, ADirectoryAndALargeFileAreRefused) {
  EXPECT_EQ(RunMb({"validate", "/tmp"}).err,
            "mb: /tmp is a directory: name a file in it\n");
  EXPECT_EQ(RunMb({"validate", "/dev/zero"}).err,
            "mb: /dev/zero is longer than 1048576 bytes\n");
}

TEST(ExplainCommandTest, BackendsFromAListAndFromAFile) {
  const std::string method = "--method=/examples.users.v1.Users/GetUser";
  const MbResult list =
      RunMb({"explain", Quickstart(), method, "--backends", "10.0.0.1:50051"});
  EXPECT_EQ(list.exit_code, 0) << list.err;
  EXPECT_NE(list.out.find("1  10.0.0.1:50051    1000  100.0%\n"),
            std::string::npos)
      << list.out;
  const TextFile file(
      "backends.json",
      R"({"endpoints":[{"address":"10.0.0.1:1","role":"replica"}]})");
  const MbResult document = RunMb(
      {"explain", Quickstart(), method, "--backends", file.path(), "--json"});
  EXPECT_EQ(document.exit_code, 0) << document.err;
  EXPECT_NE(
      document.out.find(
          "\"backends\":[{\"address\":\"10.0.0.1:1\",\"role\":\"replica\""),
      std::string::npos)
      << document.out;
  const MbResult neither =
      RunMb({"explain", Quickstart(), method, "--backends", "nowhere"});
  EXPECT_EQ(neither.exit_code, 1);
  EXPECT_EQ(neither.err,
            "mb: --backends: there is no file nowhere, and it is no list of "
            "host:port either: static target: endpoint 1: address \"nowhere\": "
            "port is "
            "missing, write host:port\n");
}

TEST(ExplainCommandTest, ACallThatCannotBeServedIsAProblem) {
  const MbResult result =
      RunMb({"explain", Quickstart(), "--method=/a.B/CreateUser",
             "--backends=10.0.0.1:50051"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.out.find("the call fails: multi_backend: no usable backend"),
            std::string::npos)
      << result.out;
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend
