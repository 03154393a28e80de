// Registers the LB policy `multi_backend` with core.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_POLICY_FACTORY_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_POLICY_FACTORY_H_

#include "multi_backend/port/registration.h"

namespace multi_backend {

// Pass this to RegisterWithCore() as a CorePart.
void RegisterPolicy(CoreBuilder& builder);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_POLICY_FACTORY_H_
