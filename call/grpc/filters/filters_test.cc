// Where the filters stand in core's stacks.

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/call/grpc/filters/label_filter.h"
#include "multi_backend/call/grpc/filters/stream_filter.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/fakes.h"

namespace multi_backend {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// Returns the names of the filters of a connection, top first.
std::vector<std::string> FiltersOf(const grpc_core::ChannelArgs& args) {
  static const bool registered = [] {
    return RegisterWithCore({RegisterStreamFilter, RegisterLabelFilter}).ok();
  }();
  EXPECT_TRUE(registered);
  return core::FiltersOf(args);
}

// Below what fails an attempt in this process, above what the backend answers.
TEST(StreamFilterTest, StandsDirectlyAboveHttp) {
  const auto names =
      FiltersOf(grpc_core::ChannelArgs().Set(kStreamFilterArg, 1));
  const auto stream =
      std::find(names.begin(), names.end(), "multi_backend_stream");
  ASSERT_NE(stream, names.end());
  EXPECT_THAT(std::vector<std::string>(names.begin(), stream),
              UnorderedElementsAre("authority", "message_size"));
  ASSERT_NE(stream + 1, names.end());
  EXPECT_EQ(*(stream + 1), "http-client");
  EXPECT_EQ(names.back(), "connected");
}

TEST(StreamFilterTest, IsOnlyOnConnectionsThatAskForIt) {
  for (const auto& args : {grpc_core::ChannelArgs(),
                           grpc_core::ChannelArgs().Set(kStreamFilterArg, 0)}) {
    EXPECT_THAT(FiltersOf(args), Not(Contains("multi_backend_stream")));
  }
}

// The connections of the policy multi_backend have the stream filter, and the
// test above shows that they do not have this one.
TEST(LabelFilterTest, IsOnAllOtherConnections) {
  EXPECT_THAT(FiltersOf(grpc_core::ChannelArgs()),
              Contains("multi_backend_label"));
}

}  // namespace
}  // namespace multi_backend
