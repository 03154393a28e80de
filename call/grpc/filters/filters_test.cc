// Where the filters stand in core's stacks.

#include <grpcpp/grpcpp.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/call/grpc/filters/label_filter.h"
#include "multi_backend/call/grpc/filters/stream_filter.h"
#include "multi_backend/port/core.h"

namespace multi_backend {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

// Returns the names of the filters of a connection, top first.
std::vector<std::string> FiltersOf(const grpc_core::ChannelArgs& args) {
  static const bool registered = [] {
    return RegisterWithCore({RegisterStreamFilter, RegisterLabelFilter}).ok();
  }();
  EXPECT_TRUE(registered);
  grpc_transport_vtable vtable = {};
  vtable.name = "http2";
  grpc_transport transport = {&vtable};
  grpc_core::ChannelStackBuilderImpl builder("subchannel",
                                             GRPC_CLIENT_SUBCHANNEL, args);
  builder.SetTransport(&transport);
  EXPECT_TRUE(
      grpc_core::CoreConfiguration::Get().channel_init().CreateStack(&builder));
  std::vector<std::string> names;
  for (const grpc_channel_filter* filter : builder.stack()) {
    names.emplace_back(filter->name);
  }
  return names;
}

// Below what fails an attempt in this process, above what the backend answers.
TEST(StreamFilterTest, StandsDirectlyAboveHttp) {
  EXPECT_THAT(FiltersOf(grpc_core::ChannelArgs().Set(kStreamFilterArg, 1)),
              ElementsAre("authority", "message_size", "multi_backend_stream",
                          "http-client", "message_decompress",
                          "message_compress", "connected"));
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
