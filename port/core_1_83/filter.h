// Channel filters, and what they find in the elements that core makes for them.
// CallFilter() (port/call_filter.h) makes a filter from a class.
#ifndef MULTI_BACKEND_PORT_CORE_1_83_FILTER_H_
#define MULTI_BACKEND_PORT_CORE_1_83_FILTER_H_

#include <deque>

#include "multi_backend/port/core_1_83/headers.h"
#include "multi_backend/port/filter_parts.h"

namespace multi_backend {
namespace core {

// Core wants the factory of a name to live as long as the process.
inline grpc_core::UniqueTypeName MakeTypeName(const char* name) {
  static auto* const factories =
      new std::deque<grpc_core::UniqueTypeName::Factory>;
  factories->emplace_back(name);
  return factories->back().Create();
}

// `name` is what core's traces call the filter, and must live for ever.
inline grpc_channel_filter MakeFilter(const char* name,
                                      const FilterParts& parts) {
  return {parts.start_batch,
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
          MakeTypeName(name)};
}

// The args of the channel, or of the connection, that an element is for.
inline const grpc_core::ChannelArgs& ArgsOf(
    const grpc_channel_element_args& args) {
  return args.channel_args;
}

// Puts `filter`, which must live for ever, into the stacks of `type` whose args
// it is `wanted` for.
inline void RegisterFilter(grpc_core::CoreConfiguration::Builder& builder,
                           grpc_channel_stack_type type, FilterPlace place,
                           const grpc_channel_filter* filter,
                           bool (*wanted)(const grpc_core::ChannelArgs&)) {
  auto& registration =
      builder.channel_init()->RegisterFilter(type, filter).If(wanted).SkipV3();
  if (place == FilterPlace::kTop) {
    // Core allows one filter only at the very top, and ends the process if
    // there are more.  So this names those that must stand below.
    registration.Before<grpc_core::LegacyClientIdleFilter>()
        .Before<grpc_core::ClientMessageSizeFilter>()
        .Before<grpc_core::ClientAuthFilter>();
  } else {
    registration.Before<grpc_core::HttpClientFilter>()
        .After<grpc_core::ClientMessageSizeFilter>()
        .After<grpc_core::ClientAuthFilter>();
  }
}

// What CallSlot keeps in the call's arena.
template <typename T>
struct SlotValue {
  T* value;
};

// CallSlot: a pointer that the filters of one call share.
//
// Core serialises all that touches one call.
template <typename T>
class CallSlot {
 public:
  // Neither owns nor destroys `value`, which must live as long as the call.
  static void Set(const grpc_call_element_args& args, T* value) {
    args.arena->SetContext(args.arena->New<SlotValue<T>>(SlotValue<T>{value}));
  }

  // Null when nothing has been set.
  static T* Get(const grpc_call_element_args& args) {
    const auto* slot = args.arena->GetContext<SlotValue<T>>();
    return slot == nullptr ? nullptr : slot->value;
  }
};

}  // namespace core
}  // namespace multi_backend

namespace grpc_core {

template <typename T>
struct ArenaContextType<multi_backend::core::SlotValue<T>> {
  static void Destroy(multi_backend::core::SlotValue<T>*) {}
};

}  // namespace grpc_core

#endif  // MULTI_BACKEND_PORT_CORE_1_83_FILTER_H_
