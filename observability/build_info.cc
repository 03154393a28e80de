#include "multi_backend/observability/build_info.h"

namespace multi_backend {

const char kGrpcVersion[] = MULTI_BACKEND_GRPC_VERSION;

}  // namespace multi_backend
