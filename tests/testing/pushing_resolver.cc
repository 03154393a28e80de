#include "multi_backend/tests/testing/pushing_resolver.h"

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "multi_backend/port/core.h"

namespace multi_backend {
namespace {

class PushingResolver;

struct Pushed {
  std::vector<std::string> addresses;
  std::string json;
};

class Pushes {
 public:
  void Set(const std::string& name, Pushed pushed);
  Pushed Get(const std::string& name) {
    absl::MutexLock lock(&mutex_);
    return pushed_[name];
  }
  void Add(PushingResolver* resolver) {
    absl::MutexLock lock(&mutex_);
    resolvers_.insert(resolver);
  }
  void Remove(PushingResolver* resolver) {
    absl::MutexLock lock(&mutex_);
    resolvers_.erase(resolver);
  }

 private:
  absl::Mutex mutex_;
  std::map<std::string, Pushed> pushed_ ABSL_GUARDED_BY(mutex_);  // By name.
  // Those that are not shut down, so each of them can still be referenced.
  std::set<PushingResolver*> resolvers_ ABSL_GUARDED_BY(mutex_);
};

Pushes& AllPushes() {
  static auto* const pushes = new Pushes();
  return *pushes;
}

class PushingResolver final : public grpc_core::Resolver {
 public:
  explicit PushingResolver(grpc_core::ResolverArgs args)
      : name_(absl::StripPrefix(args.uri.path(), "/")),
        args_(std::move(args.args)),
        work_serializer_(std::move(args.work_serializer)),
        result_handler_(std::move(args.result_handler)) {}

  const std::string& name() const { return name_; }
  grpc_core::RefCountedPtr<Resolver> Keep() { return Ref(); }

  void StartLocked() override {
    AllPushes().Add(this);
    ReportLocked();
  }

  void ReportSoon() {
    Ref().release();
    work_serializer_->Run(
        [this]() {
          ReportLocked();
          Unref();
        },
        DEBUG_LOCATION);
  }

 private:
  void ShutdownLocked() override {
    shutdown_ = true;
    AllPushes().Remove(this);
  }

  void ReportLocked() {
    if (shutdown_) return;
    const Pushed pushed = AllPushes().Get(name_);
    Result result;
    core::AddressList addresses;
    for (const std::string& text : pushed.addresses) {
      const auto address = grpc_core::StringToSockaddr(text);
      if (!address.ok()) {
        std::cerr << "pushed address: " << address.status() << std::endl;
        abort();
      }
      addresses.emplace_back(*address, grpc_core::ChannelArgs());
    }
    result.addresses = std::move(addresses);
    if (!pushed.json.empty()) {
      result.service_config =
          grpc_core::ServiceConfigImpl::Create(args_, pushed.json);
    }
    result.args = args_;
    result_handler_->ReportResult(std::move(result));
  }

  const std::string name_;
  const grpc_core::ChannelArgs args_;
  const std::shared_ptr<grpc_core::WorkSerializer> work_serializer_;
  const std::unique_ptr<ResultHandler> result_handler_;
  bool shutdown_ = false;
};

void Pushes::Set(const std::string& name, Pushed pushed) {
  const core::CoreScope scope;
  std::vector<grpc_core::RefCountedPtr<grpc_core::Resolver>> references;
  std::vector<PushingResolver*> followers;
  {
    absl::MutexLock lock(&mutex_);
    pushed_[name] = std::move(pushed);
    for (PushingResolver* resolver : resolvers_) {
      if (resolver->name() != name) continue;
      references.push_back(resolver->Keep());
      followers.push_back(resolver);
    }
  }
  // Without the lock, because the report may run at once and takes it.
  for (PushingResolver* resolver : followers) resolver->ReportSoon();
}

class Factory final : public grpc_core::ResolverFactory {
 public:
  absl::string_view scheme() const override { return "pushed"; }
  bool IsValidUri(const grpc_core::URI&) const override { return true; }
  grpc_core::OrphanablePtr<grpc_core::Resolver> CreateResolver(
      grpc_core::ResolverArgs args) const override {
    return grpc_core::MakeOrphanable<PushingResolver>(std::move(args));
  }
};

}  // namespace

void RegisterPushingResolver() {
  core::RegisterBuilder([](core::Builder* builder) {
    builder->resolver_registry()->RegisterResolverFactory(
        std::make_unique<Factory>());
  });
}

void PushConfig(const std::string& name,
                const std::vector<std::string>& addresses,
                const std::string& json) {
  AllPushes().Set(name, {addresses, json});
}

}  // namespace multi_backend
