// Channel filters, and what they find in the elements that core makes for them.
// CallFilter() (port/call_filter.h) makes a filter from a class.
#ifndef MULTI_BACKEND_PORT_CORE_1_51_FILTER_H_
#define MULTI_BACKEND_PORT_CORE_1_51_FILTER_H_

#include <climits>
#include <cstring>

#include "multi_backend/port/core_1_51/headers.h"
#include "multi_backend/port/filter_parts.h"

namespace multi_backend {
namespace core {

// `name` is what core's traces call the filter, and must live for ever.
constexpr grpc_channel_filter MakeFilter(const char* name,
                                         const FilterParts& parts) {
  return {parts.start_batch,
          /*make_call_promise=*/nullptr,
          grpc_channel_next_op,
          parts.call_size,
          parts.init_call,
          grpc_call_stack_ignore_set_pollset_or_pollset_set,
          parts.destroy_call,
          parts.channel_size,
          parts.init_channel,
          grpc_channel_stack_no_post_init,
          parts.destroy_channel,
          grpc_channel_next_get_info,
          name};
}

// The args of the channel, or of the connection, that an element is for.
inline grpc_core::ChannelArgs ArgsOf(const grpc_channel_element_args& args) {
  return grpc_core::ChannelArgs::FromC(args.channel_args);
}

// Puts `filter`, which must live for ever, into the stacks of `type` whose args
// it is `wanted` for.
inline void RegisterFilter(grpc_core::CoreConfiguration::Builder& builder,
                           grpc_channel_stack_type type, FilterPlace place,
                           const grpc_channel_filter* filter,
                           bool (*wanted)(const grpc_core::ChannelArgs&)) {
  // After all others, so that all are in the stack.
  builder.channel_init()->RegisterStage(
      type, INT_MAX,
      [place, filter, wanted](grpc_core::ChannelStackBuilder* stack) {
        if (!wanted(stack->channel_args())) return true;
        if (place == FilterPlace::kTop) {
          stack->PrependFilter(filter);
          return true;
        }
        auto& filters = *stack->mutable_stack();
        for (auto one = filters.begin(); one != filters.end(); ++one) {
          if (strcmp((*one)->name, "http-client") == 0) {
            filters.insert(one, filter);
            break;
          }
        }
        return true;
      });
}

// CallSlot: a pointer that the filters of one call share.
//
// Core hands the same few context elements to all filters of a call.  One of
// them is reserved for a library that gRPC does not have, so that nobody sets
// it; this class still leaves the element alone when it is in use.
//
// Core serialises all that touches one call.
template <typename T>
class CallSlot {
 public:
  // Neither owns nor destroys `value`, which must live as long as the call.
  static void Set(const grpc_call_element_args& args, T* value) {
    grpc_call_context_element& element = args.context[GRPC_CONTEXT_TRAFFIC];
    if (element.value != nullptr) return;
    element.value = value;
    element.destroy = Destroy;
  }

  // Null when nothing has been set.
  static T* Get(const grpc_call_element_args& args) {
    const auto& element = args.context[GRPC_CONTEXT_TRAFFIC];
    // The function tells whose value it is.
    return element.destroy == Destroy ? static_cast<T*>(element.value)
                                      : nullptr;
  }

 private:
  static void Destroy(void*) {}
};

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_51_FILTER_H_
