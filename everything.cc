#include "multi_backend/linked_parts.h"
#include "multi_backend/probes.h"
#include "multi_backend/sources.h"

namespace multi_backend {

absl::Status RegisterEverything() {
  for (const auto register_part :
       {RegisterDns, RegisterZookeeper, RegisterEtcd, RegisterHttpProbe}) {
    const absl::Status status = register_part();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace multi_backend
