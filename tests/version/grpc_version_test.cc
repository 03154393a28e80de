// What the metrics say about gRPC is the gRPC that is linked.
#include <grpcpp/grpcpp.h>

#include "gtest/gtest.h"
#include "multi_backend/observability/build_info.h"

namespace multi_backend {
namespace {

TEST(GrpcVersionTest, IsThatOfTheLibraryThatIsLinked) {
  EXPECT_EQ(grpc::Version().substr(0, grpc::Version().rfind('.')),
            kGrpcVersion);
}

}  // namespace
}  // namespace multi_backend
