// SelectorBase: decides, before a call's first pick, how core treats the call.
#ifndef MULTI_BACKEND_PORT_CORE_1_83_SELECTOR_H_
#define MULTI_BACKEND_PORT_CORE_1_83_SELECTOR_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/port/core_1_83/call.h"
#include "multi_backend/port/core_1_83/channel.h"
#include "multi_backend/port/core_1_83/headers.h"
#include "multi_backend/port/core_1_83/service_config.h"
#include "multi_backend/sync/mutex.h"

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
    return args_.initial_metadata->get_pointer(grpc_core::HttpPathMetadata())
        ->as_string_view();
  }

  // The call ends with this error, whose code gRFC A54 must allow.
  void Refuse(absl::Status error) { error_ = std::move(error); }
  // Core keeps `config` alive as long as the call.  `methods` belongs to it, or
  // to what it keeps alive.
  void SetConfig(ServiceConfigRef config, const MethodConfigs* methods) {
    if (OwnRetryPolicy::Of(methods) != nullptr) {
      retry_policy_ = args_.arena->ManagedNew<OwnRetryPolicy>(*methods);
      methods = retry_policy_->configs();
    }
    args_.service_config_call_data->SetServiceConfig(std::move(config),
                                                     methods);
  }
  // Call it after SetConfig().
  template <typename T>
  void Attach(CallAttribute<T>* attribute) {
    if (retry_policy_ != nullptr) {
      attribute->retry_switch().Bind(retry_policy_->mine(),
                                     retry_policy_->granted());
    }
    args_.service_config_call_data->SetCallAttribute(attribute);
    args_.service_config_call_data->SetOnCommit(
        [attribute]() { attribute->OnCommitted(); });
  }

 private:
  friend class SelectorBase;

  const grpc_core::ConfigSelector::GetCallConfigArgs args_;
  OwnRetryPolicy* retry_policy_ = nullptr;
  absl::Status error_;
};

// A filter that a selector puts above the retries, as core's chains take it.
template <const grpc_channel_filter* kFilter>
class ChainedFilter : public grpc_core::Interceptor {
 public:
  static constexpr const grpc_channel_filter& kFilterVtable = *kFilter;

  // Only the v3 stack calls this.
  static absl::StatusOr<grpc_core::RefCountedPtr<grpc_core::Interceptor>>
  Create(const grpc_core::ChannelArgs&, grpc_core::FilterArgs) {
    return V3StackError();
  }
};

// The filters above the retries of each call, from the top.
class FilterList {
 public:
  explicit FilterList(grpc_core::FilterChainBuilder& builder)
      : builder_(builder) {}

  template <const grpc_channel_filter* kFilter>
  void Add() {
    builder_.AddFilter<ChainedFilter<kFilter>>(nullptr);
  }

 private:
  grpc_core::FilterChainBuilder& builder_;
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
  grpc_core::UniqueTypeName name() const final {
    static grpc_core::UniqueTypeName::Factory factory("multi_backend");
    return factory.Create();
  }
  bool Equals(const grpc_core::ConfigSelector* other) const final {
    return SelectsAs(*static_cast<const SelectorBase*>(other));
  }
  void BuildFilterChains(grpc_core::FilterChainBuilder& builder) final {
    FilterList filters(builder);
    AddFiltersAboveRetries(filters);
    chain_ = builder.Build();
  }
  absl::StatusOr<grpc_core::RefCountedPtr<const grpc_core::FilterChain>>
  GetCallConfig(GetCallConfigArgs args) final {
    SelectedCall call(args);
    {
      // Core selects for several calls at once.
      MutexLock lock(&mutex_);
      Select(call);
    }
    if (!call.error_.ok()) return call.error_;
    if (!chain_.ok()) return chain_.status();
    return *chain_;
  }

 private:
  Mutex mutex_;
  // Core makes the chain before the first call.
  absl::StatusOr<grpc_core::RefCountedPtr<grpc_core::FilterChain>> chain_;
};

// Makes `selector` that of the channel, from the resolver's result on.
inline void SetSelector(grpc_core::Resolver::Result& result,
                        grpc_core::RefCountedPtr<SelectorBase> selector) {
  // The retry filter gets the args of the result, and so does the LB policy.
  result.args =
      selector->RetryFilterArgs(result.args)
          .SetObject(grpc_core::RefCountedPtr<grpc_core::ConfigSelector>(
              std::move(selector)));
}

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_83_SELECTOR_H_
