// Runs the programs that README.md shows, as a reader would.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/server_process.h"

namespace multi_backend {
namespace {

// Returns what the program prints, within 20 seconds.
std::string OutputOf(const std::string& program, const std::string& argument) {
  const std::string command =
      absl::StrCat("timeout 20 '", RunfilePath("examples/" + program), "' '",
                   argument, "' 2>&1 < /dev/null");
  FILE* pipe = popen(command.c_str(), "re");
  if (pipe == nullptr) return "popen failed";
  std::string output;
  char buffer[1024];
  size_t size;
  while ((size = fread(buffer, 1, sizeof(buffer), pipe)) > 0) {
    output.append(buffer, size);
  }
  pclose(pipe);
  return output;
}

TEST(HelloTest, CreateChannelFailsOverToTheOtherBackend) {
  auto fleet = BackendFleet::Start(
      {{"bad", "", {"--fail-code", "UNAVAILABLE"}}, {"good", "", {}}});
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  // The bad backend is mostly connected first, so it gets the first call while
  // the good one is still being connected.  Otherwise the pick is random, so
  // the test runs the program several times.
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(OutputOf("hello_create_channel", (*fleet)->StaticTarget()),
              "user 42, served by good\n");
  }
}

TEST(HelloTest, PlainGrpcTakesTheFirstBackendThatServes) {
  auto fleet = BackendFleet::Start(2);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  (*fleet)->server(0).Kill();
  EXPECT_EQ(OutputOf("hello_plain", (*fleet)->Ipv4Target()),
            "user 42, served by b1\n");
}

}  // namespace
}  // namespace multi_backend
