// The parts that a program has linked beside the core.  Not API.
#ifndef MULTI_BACKEND_LINKED_PARTS_H_
#define MULTI_BACKEND_LINKED_PARTS_H_

#include "absl/status/status.h"

namespace multi_backend {

// Registers every source and every probe.  Only //:multi_backend defines this
// function, and always links it (alwayslink), so that its users need not call
// RegisterDns() and so on.  In a program that links //:core alone it is null:
// the core refers to it weakly, and so pulls no source into such a program.
__attribute__((weak)) absl::Status RegisterEverything();

// Registers the parts that every program has, and calls RegisterEverything() if
// the program has it.  Idempotent, thread-safe.
absl::Status RegisterLinkedParts();

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LINKED_PARTS_H_
