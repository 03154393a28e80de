// CallSlot: a pointer that the filters of one call share.
//
// Core hands the same few context elements to all filters of a call.  One of
// them is reserved for a library that gRPC does not have, so that nobody sets
// it; this class still leaves the element alone when it is in use.
//
// Core serialises all that touches one call.
#ifndef MULTI_BACKEND_PORT_CALL_SLOT_H_
#define MULTI_BACKEND_PORT_CALL_SLOT_H_

#include "multi_backend/port/core.h"

namespace multi_backend {

template <typename T>
class CallSlot {
 public:
  // Neither owns nor destroys `value`, which must live as long as the call.
  static void Set(grpc_call_context_element* elements, T* value) {
    grpc_call_context_element& element = elements[GRPC_CONTEXT_TRAFFIC];
    if (element.value != nullptr) return;
    element.value = value;
    element.destroy = Destroy;
  }

  // Null when nothing has been set.
  static T* Get(const grpc_call_context_element* elements) {
    const grpc_call_context_element& element = elements[GRPC_CONTEXT_TRAFFIC];
    // The function tells whose value it is.
    return element.destroy == Destroy ? static_cast<T*>(element.value)
                                      : nullptr;
  }

 private:
  static void Destroy(void*) {}
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CALL_SLOT_H_
