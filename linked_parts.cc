#include "multi_backend/linked_parts.h"

#include "multi_backend/resolver/file/registration.h"

namespace multi_backend {

absl::Status RegisterLinkedParts() {
  const absl::Status status = RegisterFile();
  if (!status.ok() || RegisterEverything == nullptr) return status;
  return RegisterEverything();
}

}  // namespace multi_backend
