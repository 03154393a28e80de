// What fakes of core 1.83 are made of.
#ifndef MULTI_BACKEND_PORT_CORE_1_83_FAKES_H_
#define MULTI_BACKEND_PORT_CORE_1_83_FAKES_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/port/core_1_83/address.h"
#include "multi_backend/port/core_1_83/channel.h"
#include "multi_backend/port/core_1_83/headers.h"
#include "multi_backend/port/core_1_83/tracker.h"

namespace multi_backend {
namespace core {

using PickerPtr =
    grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy::SubchannelPicker>;

// A policy's channel.
class FakeHelper : public Helper {
 public:
  virtual Subchannel MakeSubchannel(const Address& address,
                                    const grpc_core::ChannelArgs& args) = 0;
  virtual void Update(grpc_connectivity_state state, const absl::Status& status,
                      PickerPtr picker) = 0;
  virtual void OnTrace(absl::string_view message) = 0;

  Subchannel CreateSubchannel(const grpc_resolved_address& address,
                              const grpc_core::ChannelArgs& address_args,
                              const grpc_core::ChannelArgs& args) final {
    return MakeSubchannel(Address(address, address_args), args);
  }
  void UpdateState(grpc_connectivity_state state, const absl::Status& status,
                   PickerPtr picker) final {
    Update(state, status, std::move(picker));
  }
  void AddTraceEvent(absl::string_view message) final { OnTrace(message); }

  // A policy of the library asks for none of these.
  absl::string_view GetTarget() final { return "fake"; }
  grpc_core::RefCountedPtr<grpc_channel_credentials> GetChannelCredentials()
      final {
    return nullptr;
  }
  grpc_core::RefCountedPtr<grpc_channel_credentials>
  GetUnsafeChannelCredentials() final {
    return nullptr;
  }
  grpc_core::GlobalStatsPluginRegistry::StatsPluginGroup& GetStatsPluginGroup()
      final {
    return stats_plugins_;
  }

 private:
  grpc_core::GlobalStatsPluginRegistry::StatsPluginGroup stats_plugins_;
};

class FakeSubchannelBase : public grpc_core::SubchannelInterface {
 public:
  void CancelDataWatcher(DataWatcherInterface*) final {}
  std::string address() const override { return "fake"; }
};

template <typename P, typename... Args>
PickerPtr MakePicker(Args&&... args) {
  return grpc_core::MakeRefCounted<P>(std::forward<Args>(args)...);
}

// The metadata of a pick, or the trailers of an attempt that ends.
class FakeMetadata {
 public:
  explicit FakeMetadata(const std::map<std::string, std::string>& entries)
      : view_(&batch_) {
    for (const auto& entry : entries) {
      batch_.Append(entry.first,
                    grpc_core::Slice::FromCopiedString(entry.second),
                    [](absl::string_view, const grpc_core::Slice&) {});
    }
  }

  grpc_core::LoadBalancingPolicy::MetadataInterface* view() { return &view_; }
  // Makes Trailers::NeverWritten() true.
  void SetNeverWritten() {
    batch_.Set(grpc_core::GrpcStreamNetworkState(),
               grpc_core::GrpcStreamNetworkState::kNotSentOnWire);
  }
  std::map<std::string, std::string> entries() const {
    const auto copy = view_.TestOnlyCopyToVector();
    return {copy.begin(), copy.end()};
  }

 private:
  grpc_metadata_batch batch_;
  grpc_core::LbMetadata view_;
};

// The memory of a call.
class FakeArena {
 public:
  FakeArena() : arena_(grpc_core::SimpleArenaAllocator()->MakeArena()) {}

  grpc_core::Arena* get() const { return arena_.get(); }

 private:
  const grpc_core::RefCountedPtr<grpc_core::Arena> arena_;
};

// The metadata of a call.
class FakeBatch {
 public:
  grpc_metadata_batch& get() { return batch_; }

 private:
  grpc_metadata_batch batch_;
};

// This release does not tell the tracker.
inline void StartTracker(TrackerBase&) {}

inline void SetAddresses(grpc_core::LoadBalancingPolicy::UpdateArgs& args,
                         absl::StatusOr<AddressList> addresses) {
  if (!addresses.ok()) {
    args.addresses = addresses.status();
    return;
  }
  args.addresses = std::make_shared<grpc_core::EndpointAddressesListIterator>(
      *std::move(addresses));
}

// Parses a loadBalancingConfig list.
inline absl::StatusOr<
    grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy::Config>>
ParsePolicyConfig(absl::string_view json) {
  const auto parsed = grpc_core::JsonParse(json);
  if (!parsed.ok()) return parsed.status();
  return grpc_core::CoreConfiguration::Get()
      .lb_policy_registry()
      .ParseLoadBalancingConfig(*parsed);
}

using EventEnginePtr =
    std::shared_ptr<grpc_event_engine::experimental::EventEngine>;

// What an engine returns for a DNS resolver.
using MadeDnsResolver = absl::StatusOr<
    std::unique_ptr<grpc_event_engine::experimental::EventEngine::DNSResolver>>;

// This release runs callbacks on `engine`.
inline std::shared_ptr<grpc_core::WorkSerializer> MakeSerializer(
    const EventEnginePtr& engine) {
  return std::make_shared<grpc_core::WorkSerializer>(engine);
}

// The names of the filters of a connection with HTTP, the top first.
inline std::vector<std::string> FiltersOf(const grpc_core::ChannelArgs& args) {
  class Http final : public grpc_core::Transport {
   public:
    grpc_core::FilterStackTransport* filter_stack_transport() override {
      return nullptr;
    }
    grpc_core::ClientTransport* client_transport() override { return nullptr; }
    grpc_core::ServerTransport* server_transport() override { return nullptr; }
    absl::string_view GetTransportName() const override { return "http2"; }
    void SetPollset(grpc_stream*, grpc_pollset*) override {}
    void SetPollsetSet(grpc_stream*, grpc_pollset_set*) override {}
    void PerformOp(grpc_transport_op*) override {}
    void StartWatch(grpc_core::RefCountedPtr<StateWatcher>) override {}
    void StopWatch(grpc_core::RefCountedPtr<StateWatcher>) override {}
    grpc_core::RefCountedPtr<grpc_core::channelz::SocketNode> GetSocketNode()
        const override {
      return nullptr;
    }
    void Orphan() override {}
  };
  Http http;
  grpc_core::ChannelStackBuilderImpl builder(
      "subchannel", GRPC_CLIENT_SUBCHANNEL,
      args.SetObject<grpc_core::Transport>(&http));
  std::vector<std::string> names;
  if (!grpc_core::CoreConfiguration::Get().channel_init().CreateStack(
          &builder)) {
    return names;
  }
  for (const auto& one : builder.stack()) {
    names.emplace_back(one.filter->name.name());
  }
  return names;
}

// Whether this thread runs in the serializer.
inline bool RunsIn(const grpc_core::WorkSerializer& serializer) {
  return serializer.RunningInWorkSerializer();
}

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_83_FAKES_H_
