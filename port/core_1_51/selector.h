// SelectorBase: decides, before a call's first pick, how core treats the call.
#ifndef MULTI_BACKEND_PORT_CORE_1_51_SELECTOR_H_
#define MULTI_BACKEND_PORT_CORE_1_51_SELECTOR_H_

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multi_backend/port/core_1_51/call.h"
#include "multi_backend/port/core_1_51/headers.h"
#include "multi_backend/port/core_1_51/service_config.h"

namespace multi_backend {
namespace core {

// A call whose configuration is being selected.
class SelectedCall {
 public:
  explicit SelectedCall(
      const grpc_core::ConfigSelector::GetCallConfigArgs& args)
      : args_(args) {}

  grpc_metadata_batch& metadata() const { return *args_.initial_metadata; }
  grpc_core::Arena* arena() const { return args_.arena; }
  // "/package.Service/Method"; valid as long as the call.
  absl::string_view path() const {
    return grpc_core::StringViewFromSlice(*args_.path);
  }

  // The call ends with this error, whose code gRFC A54 must allow.
  void Refuse(absl::Status error) { config_.status = std::move(error); }
  // Core keeps `config` alive as long as the call.  `methods` belongs to it, or
  // to what it keeps alive.
  void SetConfig(ServiceConfigRef config, const MethodConfigs* methods) {
    config_.service_config = std::move(config);
    config_.method_configs = methods;
  }
  template <typename T>
  void Attach(CallAttribute<T>* attribute) {
    config_.call_attributes.emplace(CallAttribute<T>::Type(),
                                    attribute->AsValue());
    config_.call_dispatch_controller = attribute;
  }

 private:
  friend class SelectorBase;

  const grpc_core::ConfigSelector::GetCallConfigArgs args_;
  grpc_core::ConfigSelector::CallConfig config_;
};

// The filters above the retries of each call, from the top.
class FilterList {
 public:
  template <const grpc_channel_filter* kFilter>
  void Add() {
    filters_.push_back(kFilter);
  }

 private:
  friend class SelectorBase;

  std::vector<const grpc_channel_filter*> filters_;
};

class SelectorBase : public grpc_core::ConfigSelector {
 public:
  // This runs for each call, for one of a channel at a time.
  virtual void Select(SelectedCall& call) = 0;
  // Whether core may keep `other` in the place of this one.
  virtual bool SelectsAs(const SelectorBase& other) const = 0;
  virtual void AddFiltersAboveRetries(FilterList& filters) = 0;
  // Changes the args that core's retry filter reads.
  virtual grpc_core::ChannelArgs RetryFilterArgs(
      const grpc_core::ChannelArgs& args) = 0;

  // All selectors of the library have this name, and others do not.
  const char* name() const final { return "multi_backend"; }
  bool Equals(const grpc_core::ConfigSelector* other) const final {
    return SelectsAs(*static_cast<const SelectorBase*>(other));
  }
  std::vector<const grpc_channel_filter*> GetFilters() final {
    FilterList filters;
    AddFiltersAboveRetries(filters);
    return std::move(filters.filters_);
  }
  grpc_core::ChannelArgs ModifyChannelArgs(
      const grpc_core::ChannelArgs& args) final {
    return RetryFilterArgs(args);
  }
  CallConfig GetCallConfig(GetCallConfigArgs args) final {
    SelectedCall call(args);
    Select(call);
    return std::move(call.config_);
  }
};

// Makes `selector` that of the channel, from the resolver's result on.
inline void SetSelector(grpc_core::Resolver::Result& result,
                        grpc_core::RefCountedPtr<SelectorBase> selector) {
  result.args = result.args.SetObject(
      grpc_core::RefCountedPtr<grpc_core::ConfigSelector>(std::move(selector)));
}

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_51_SELECTOR_H_
