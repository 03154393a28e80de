// CoreScope: lets a thread of the library, or of the event engine, enter core.
#ifndef MULTI_BACKEND_PORT_CORE_1_83_SCOPE_H_
#define MULTI_BACKEND_PORT_CORE_1_83_SCOPE_H_

#include "multi_backend/port/core_1_83/headers.h"

namespace multi_backend {
namespace core {

// Lives on the stack of a thread that is about to call core, for example to put
// work into a WorkSerializer.  What core has put off runs at its end.
class CoreScope {
 public:
  CoreScope() = default;
  CoreScope(const CoreScope&) = delete;
  CoreScope& operator=(const CoreScope&) = delete;

 private:
  grpc_core::ExecCtx exec_ctx_;
};

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_83_SCOPE_H_
