#include "multi_backend/port/log.h"

#include <grpc/support/log.h>

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::vector<std::pair<gpr_log_severity, std::string>>* grpc_messages =
    new std::vector<std::pair<gpr_log_severity, std::string>>();

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    grpc_messages->clear();
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_INFO);
    gpr_set_log_function([](gpr_log_func_args* args) {
      grpc_messages->emplace_back(args->severity, args->message);
    });
  }
  void TearDown() override {
    SetLogSink(nullptr);
    gpr_set_log_function(nullptr);
  }
};

TEST_F(LogTest, GoesToGrpcsLogByDefault) {
  Log(LogSeverity::kInfo, "one");
  Log(LogSeverity::kWarning, "two");
  Log(LogSeverity::kError, "three 100%s");
  EXPECT_THAT(
      *grpc_messages,
      ElementsAre(Pair(GPR_LOG_SEVERITY_INFO, "multi_backend: one"),
                  Pair(GPR_LOG_SEVERITY_ERROR, "multi_backend: two"),
                  Pair(GPR_LOG_SEVERITY_ERROR, "multi_backend: three 100%s")));
}

TEST_F(LogTest, ASinkGetsEverythingInstead) {
  std::vector<std::pair<LogSeverity, std::string>> messages;
  SetLogSink([&](LogSeverity severity, absl::string_view message) {
    messages.emplace_back(severity, message);
  });
  Log(LogSeverity::kInfo, "one");
  Log(LogSeverity::kError, "two");
  EXPECT_THAT(messages,
              ElementsAre(Pair(LogSeverity::kInfo, "multi_backend: one"),
                          Pair(LogSeverity::kError, "multi_backend: two")));
  EXPECT_THAT(*grpc_messages, IsEmpty());
}

TEST_F(LogTest, WithoutTheSinkItIsGrpcsLogAgain) {
  SetLogSink([](LogSeverity, absl::string_view) { FAIL(); });
  SetLogSink(nullptr);
  Log(LogSeverity::kError, "one");
  EXPECT_THAT(*grpc_messages,
              ElementsAre(Pair(GPR_LOG_SEVERITY_ERROR, "multi_backend: one")));
}

}  // namespace
}  // namespace multi_backend
