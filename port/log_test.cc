#include "multi_backend/port/log.h"

#include <grpc/support/log.h>
#include <grpcpp/version_info.h>

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#if GRPC_CPP_VERSION_MINOR != 51
#include "absl/log/globals.h"
#include "absl/log/log_entry.h"
#include "absl/log/log_sink.h"
#include "absl/log/log_sink_registry.h"
#endif

namespace multi_backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

using Messages = std::vector<std::pair<LogSeverity, std::string>>;

// Catches what reaches gRPC's log.  This release of it has no warnings.
#if GRPC_CPP_VERSION_MINOR == 51
constexpr LogSeverity kWarningOfGrpc = LogSeverity::kError;
Messages* grpc_messages = new Messages();

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    grpc_messages->clear();
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_INFO);
    gpr_set_log_function([](gpr_log_func_args* args) {
      grpc_messages->emplace_back(args->severity == GPR_LOG_SEVERITY_ERROR
                                      ? LogSeverity::kError
                                      : LogSeverity::kInfo,
                                  args->message);
    });
  }
  void TearDown() override {
    SetLogSink(nullptr);
    gpr_set_log_function(nullptr);
  }
};
#else
constexpr LogSeverity kWarningOfGrpc = LogSeverity::kWarning;
Messages* grpc_messages = new Messages();

class LogTest : public testing::Test, public absl::LogSink {
 protected:
  void SetUp() override {
    grpc_messages->clear();
    absl::SetVLogLevel("log", 2);
    absl::AddLogSink(this);
  }
  void TearDown() override {
    SetLogSink(nullptr);
    absl::RemoveLogSink(this);
  }

 private:
  void Send(const absl::LogEntry& entry) override {
    grpc_messages->emplace_back(
        entry.log_severity() == absl::LogSeverity::kError ? LogSeverity::kError
        : entry.log_severity() == absl::LogSeverity::kWarning
            ? LogSeverity::kWarning
            : LogSeverity::kInfo,
        entry.text_message());
  }
};
#endif

TEST_F(LogTest, GoesToGrpcsLogByDefault) {
  Log(LogSeverity::kInfo, "one");
  Log(LogSeverity::kWarning, "two");
  Log(LogSeverity::kError, "three 100%s");
  EXPECT_THAT(
      *grpc_messages,
      ElementsAre(Pair(LogSeverity::kInfo, "multi_backend: one"),
                  Pair(kWarningOfGrpc, "multi_backend: two"),
                  Pair(LogSeverity::kError, "multi_backend: three 100%s")));
}

TEST_F(LogTest, ASinkGetsEverythingInstead) {
  Messages messages;
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
              ElementsAre(Pair(LogSeverity::kError, "multi_backend: one")));
}

}  // namespace
}  // namespace multi_backend
