#include "multi_backend/port/log.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/tests/testing/grpc_log.h"

namespace multi_backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

using Messages = std::vector<std::pair<LogSeverity, std::string>>;

class LogTest : public testing::Test {
 protected:
  void TearDown() override { SetLogSink(nullptr); }

  Messages grpc_messages() const {
    Messages messages;
    for (const GrpcLog::Line& line : log_.lines()) {
      messages.emplace_back(line.severity, line.text);
    }
    return messages;
  }

 private:
  const GrpcLog log_;
};

TEST_F(LogTest, GoesToGrpcsLogByDefault) {
  Log(LogSeverity::kInfo, "one");
  Log(LogSeverity::kWarning, "two");
  Log(LogSeverity::kError, "three 100%s");
  EXPECT_THAT(
      grpc_messages(),
      ElementsAre(Pair(LogSeverity::kInfo, "multi_backend: one"),
                  Pair(GrpcLog::SeverityOfWarnings(), "multi_backend: two"),
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
  EXPECT_THAT(grpc_messages(), IsEmpty());
}

TEST_F(LogTest, WithoutTheSinkItIsGrpcsLogAgain) {
  SetLogSink([](LogSeverity, absl::string_view) { FAIL(); });
  SetLogSink(nullptr);
  Log(LogSeverity::kError, "one");
  EXPECT_THAT(grpc_messages(),
              ElementsAre(Pair(LogSeverity::kError, "multi_backend: one")));
}

}  // namespace
}  // namespace multi_backend
