// What fakes of core 1.51 are made of.
#ifndef MULTI_BACKEND_PORT_CORE_1_51_FAKES_H_
#define MULTI_BACKEND_PORT_CORE_1_51_FAKES_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/port/core_1_51/address.h"
#include "multi_backend/port/core_1_51/channel.h"
#include "multi_backend/port/core_1_51/headers.h"
#include "multi_backend/port/core_1_51/tracker.h"

namespace multi_backend {
namespace core {

using PickerPtr =
    std::unique_ptr<grpc_core::LoadBalancingPolicy::SubchannelPicker>;

// A policy's channel.
class FakeHelper : public Helper {
 public:
  virtual Subchannel MakeSubchannel(const Address& address,
                                    const grpc_core::ChannelArgs& args) = 0;
  virtual void Update(grpc_connectivity_state state, const absl::Status& status,
                      PickerPtr picker) = 0;
  virtual void OnTrace(absl::string_view message) = 0;

  Subchannel CreateSubchannel(Address address,
                              const grpc_core::ChannelArgs& args) final {
    return MakeSubchannel(address, args);
  }
  void UpdateState(grpc_connectivity_state state, const absl::Status& status,
                   PickerPtr picker) final {
    Update(state, status, std::move(picker));
  }
  void AddTraceEvent(
      grpc_core::LoadBalancingPolicy::ChannelControlHelper::TraceSeverity,
      absl::string_view message) final {
    OnTrace(message);
  }
};

using FakeSubchannelBase = grpc_core::SubchannelInterface;

template <typename P, typename... Args>
PickerPtr MakePicker(Args&&... args) {
  return std::make_unique<P>(std::forward<Args>(args)...);
}

// The metadata of a pick, or the trailers of an attempt that ends.
class FakeMetadata {
 public:
  explicit FakeMetadata(std::map<std::string, std::string> entries)
      : view_(std::move(entries)) {}

  grpc_core::LoadBalancingPolicy::MetadataInterface* view() { return &view_; }
  // Trailers::NeverWritten() is not told in this release.
  void SetNeverWritten() {}
  const std::map<std::string, std::string>& entries() const {
    return view_.entries;
  }

 private:
  struct View final : grpc_core::LoadBalancingPolicy::MetadataInterface {
    explicit View(std::map<std::string, std::string> all)
        : entries(std::move(all)) {}
    void Add(absl::string_view key, absl::string_view value) override {
      entries[std::string(key)] = std::string(value);
    }
    std::vector<std::pair<std::string, std::string>> TestOnlyCopyToVector()
        override {
      return {entries.begin(), entries.end()};
    }
    absl::optional<absl::string_view> Lookup(absl::string_view key,
                                             std::string*) const override {
      const auto it = entries.find(std::string(key));
      if (it == entries.end()) return absl::nullopt;
      return it->second;
    }

    std::map<std::string, std::string> entries;
  };

  View view_;
};

// The memory of a call.
class FakeArena {
 public:
  FakeArena()
      : allocator_(grpc_core::ResourceQuota::Default()
                       ->memory_quota()
                       ->CreateMemoryAllocator("fake_call")),
        arena_(grpc_core::Arena::Create(1024, &allocator_)) {}
  ~FakeArena() { arena_->Destroy(); }
  FakeArena(const FakeArena&) = delete;
  FakeArena& operator=(const FakeArena&) = delete;

  grpc_core::Arena* get() const { return arena_; }

 private:
  grpc_core::MemoryAllocator allocator_;
  grpc_core::Arena* const arena_;
};

// The metadata of a call.
class FakeBatch {
 public:
  FakeBatch() : batch_(arena_.get()) {}

  grpc_metadata_batch& get() { return batch_; }

 private:
  const FakeArena arena_;
  grpc_metadata_batch batch_;
};

// Tells an attempt's tracker that core sends the attempt.
inline void StartTracker(
    grpc_core::LoadBalancingPolicy::SubchannelCallTrackerInterface& tracker) {
  tracker.Start();
}

inline void SetAddresses(grpc_core::LoadBalancingPolicy::UpdateArgs& args,
                         absl::StatusOr<AddressList> addresses) {
  args.addresses = std::move(addresses);
}

// Parses a loadBalancingConfig list.
inline absl::StatusOr<
    grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy::Config>>
ParsePolicyConfig(absl::string_view json) {
  const auto parsed = grpc_core::Json::Parse(json);
  if (!parsed.ok()) return parsed.status();
  return grpc_core::CoreConfiguration::Get()
      .lb_policy_registry()
      .ParseLoadBalancingConfig(*parsed);
}

using EventEnginePtr =
    std::shared_ptr<grpc_event_engine::experimental::EventEngine>;

// What an engine returns for a DNS resolver.
using MadeDnsResolver =
    std::unique_ptr<grpc_event_engine::experimental::EventEngine::DNSResolver>;

// This release runs callbacks on the thread that brings them.
inline std::shared_ptr<grpc_core::WorkSerializer> MakeSerializer(
    const EventEnginePtr&) {
  return std::make_shared<grpc_core::WorkSerializer>();
}

// The names of the filters of a connection with HTTP, the top first.
inline std::vector<std::string> FiltersOf(const grpc_core::ChannelArgs& args) {
  grpc_transport_vtable vtable = {};
  vtable.name = "http2";
  grpc_transport transport = {&vtable};
  grpc_core::ChannelStackBuilderImpl builder("subchannel",
                                             GRPC_CLIENT_SUBCHANNEL, args);
  builder.SetTransport(&transport);
  std::vector<std::string> names;
  if (!grpc_core::CoreConfiguration::Get().channel_init().CreateStack(
          &builder)) {
    return names;
  }
  for (const grpc_channel_filter* filter : builder.stack()) {
    names.emplace_back(filter->name);
  }
  return names;
}

// Whether this thread runs in the serializer, which has no such query, but runs
// a new callback at once if and only if the caller is outside it.  Works in
// tests with one thread, and needs an ExecCtx.
inline bool RunsIn(grpc_core::WorkSerializer& serializer) {
  const auto ran = std::make_shared<bool>(false);
  serializer.Run([ran]() { *ran = true; }, DEBUG_LOCATION);
  return !*ran;
}

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_51_FAKES_H_
