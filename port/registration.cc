#include "multi_backend/port/registration.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/core_builder.h"
#include "multi_backend/port/log.h"

namespace multi_backend {
namespace {

// Core aborts when something is registered after it has built its
// configuration, and it has no function that says whether it has.  The pointer
// to the built configuration is a private static member.  An explicit template
// instantiation may name a private member ([temp.spec]/6), so this one makes
// the pointer readable.
using ConfigPointer = std::atomic<grpc_core::CoreConfiguration*>*;
template <ConfigPointer kPointer>
struct ConfigPointerAccess {
  friend ConfigPointer GetConfigPointer() { return kPointer; }
};
ConfigPointer GetConfigPointer();
template struct ConfigPointerAccess<&grpc_core::CoreConfiguration::config_>;

std::atomic<bool> is_registered{false};

bool CoreIsConfigured() {
  return GetConfigPointer()->load(std::memory_order_acquire) != nullptr;
}

absl::Status Register(const std::vector<CorePart>& parts) {
  const std::string version = grpc::Version();
  if (!absl::StartsWith(version, absl::StrCat(core::kRelease, "."))) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the library was built for gRPC ", core::kRelease, ", but gRPC ",
        version, " is loaded: use the distribution's libgrpc++ (tools/setup)"));
  }
  if (CoreIsConfigured()) {
    return absl::FailedPreconditionError(
        "multi_backend::Register() was called after the first gRPC channel or "
        "server of the process was made: call it at the start of main()");
  }
  core::RegisterBuilder([parts](core::Builder* builder) {
    CoreBuilder core_builder{builder};
    for (CorePart part : parts) part(core_builder);
  });
  return absl::OkStatus();
}

}  // namespace

absl::Status RegisterWithCore(const std::vector<CorePart>& parts) {
  // The initialization of a local static is thread-safe.  The status is never
  // destroyed.
  static const auto* const status = [&parts]() {
    auto* result = new absl::Status(Register(parts));
    if (!result->ok()) {
      Log(LogSeverity::kError, result->message());
    }
    is_registered.store(result->ok(), std::memory_order_release);
    return result;
  }();
  return *status;
}

bool IsRegisteredWithCore() {
  return is_registered.load(std::memory_order_acquire);
}

}  // namespace multi_backend
