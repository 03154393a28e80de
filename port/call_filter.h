// CallFilter(): one of core's channel filters, made from a class.
//
// `Element` is what the filter keeps for one call (or one attempt, by the stack
// in which it stands).  It has a constructor from const grpc_call_element_args&
// and Watch(grpc_transport_stream_op_batch&), which sees each batch before the
// filters below do and may put its own closures into it.  If Watch() returns an
// absl::Status that is not OK, the batch fails with it and goes no further; the
// element then has call_combiner(), too.  Core serialises all that touches one
// call.
//
// `Channel` is what the filter keeps for its channel, if it keeps something.
// It has a constructor from const grpc_core::ChannelArgs&, and the element's
// constructor gets it, too, as const Channel&.
//
// ClosureHook: such a closure of a filter's own, in the place of one of the
// filters above.
#ifndef MULTI_BACKEND_PORT_CALL_FILTER_H_
#define MULTI_BACKEND_PORT_CALL_FILTER_H_

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "multi_backend/port/core.h"

namespace multi_backend {

// The part of a filter that is about its channel.
template <typename Channel>
struct FilterChannel {
  static constexpr size_t kSize = sizeof(Channel);

  static grpc_error_handle Init(grpc_channel_element* element,
                                grpc_channel_element_args* args) {
    new (element->channel_data) Channel(core::ArgsOf(*args));
    return absl::OkStatus();
  }
  static void Destroy(grpc_channel_element* element) {
    static_cast<Channel*>(element->channel_data)->~Channel();
  }
  template <typename Element>
  static void InitCall(const grpc_call_element& element,
                       const grpc_call_element_args& args) {
    new (element.call_data)
        Element(args, *static_cast<const Channel*>(element.channel_data));
  }
};
template <>
struct FilterChannel<void> {
  static constexpr size_t kSize = 0;

  static grpc_error_handle Init(grpc_channel_element*,
                                grpc_channel_element_args*) {
    return absl::OkStatus();
  }
  static void Destroy(grpc_channel_element*) {}
  template <typename Element>
  static void InitCall(const grpc_call_element& element,
                       const grpc_call_element_args& args) {
    new (element.call_data) Element(args);
  }
};

template <typename Element>
void StartBatch(grpc_call_element* element,
                grpc_transport_stream_op_batch* batch) {
  auto& watching = *static_cast<Element*>(element->call_data);
  if constexpr (std::is_void_v<decltype(watching.Watch(*batch))>) {
    watching.Watch(*batch);
  } else {
    const absl::Status refused = watching.Watch(*batch);
    if (!refused.ok()) {
      grpc_transport_stream_op_batch_finish_with_failure(
          batch, refused, watching.call_combiner());
      return;
    }
  }
  grpc_call_next_op(element, batch);
}

// `name` is what core's traces call the filter, and must live for ever.
template <typename Element, typename Channel = void>
grpc_channel_filter CallFilter(const char* name) {
  core::FilterParts parts;
  parts.start_batch = StartBatch<Element>;
  parts.call_size = sizeof(Element);
  parts.init_call = [](grpc_call_element* element,
                       const grpc_call_element_args* args) {
    FilterChannel<Channel>::template InitCall<Element>(*element, *args);
    return absl::OkStatus();
  };
  parts.destroy_call = [](grpc_call_element* element,
                          const grpc_call_final_info*, grpc_closure*) {
    static_cast<Element*>(element->call_data)->~Element();
  };
  parts.channel_size = FilterChannel<Channel>::kSize;
  parts.init_channel = FilterChannel<Channel>::Init;
  parts.destroy_channel = FilterChannel<Channel>::Destroy;
  return core::MakeFilter(name, parts);
}

template <typename Element>
class ClosureHook {
 public:
  // Puts itself into `slot`.  Core then calls `callback`, with this hook as its
  // argument; the callback must end with Pass().
  void Wrap(Element* element, grpc_iomgr_cb_func callback,
            grpc_closure** slot) {
    element_ = element;
    original_ = *slot;
    *slot = GRPC_CLOSURE_INIT(&closure_, callback, this, nullptr);
  }

  Element& element() const { return *element_; }
  // Runs the closure of the filters above.  Closure::Run() does the same, and
  // traces, which costs as much as all else that a hook does.
  void Pass(grpc_error_handle error) const {
    original_->cb(original_->cb_arg, std::move(error));
  }

 private:
  // Set by Wrap().
  grpc_closure closure_;
  grpc_closure* original_;
  Element* element_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CALL_FILTER_H_
