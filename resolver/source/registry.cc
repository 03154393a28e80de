#include "multi_backend/resolver/source/registry.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace multi_backend {
namespace {

constexpr absl::string_view kSchemes[] = {"file",    "dns+addr",  "dns+srv",
                                          "dns+txt", "zookeeper", "etcd"};
constexpr size_t kSchemeCount = sizeof(kSchemes) / sizeof(kSchemes[0]);

// How a program gets the kind behind the scheme with the same index.
struct Remedy {
  absl::string_view target;     // Of Bazel.
  absl::string_view component;  // Of the CMake package.
  absl::string_view call;
};
constexpr Remedy kRemedies[kSchemeCount] = {
    {"//:core", "core", "Register()"},
    {"//sources:dns", "dns", "RegisterDns()"},
    {"//sources:dns", "dns", "RegisterDns()"},
    {"//sources:dns", "dns", "RegisterDns()"},
    {"//sources:zookeeper", "zookeeper", "RegisterZookeeper()"},
    {"//sources:etcd", "etcd", "RegisterEtcd()"},
};

// By the index of the scheme.  Initialised at compile time, so that
// constructors of other statics may use it.
std::array<std::atomic<const SourceKind*>, kSchemeCount> kinds{};

// kSchemeCount when `scheme` is not the scheme of a source.
size_t IndexOf(absl::string_view scheme) {
  return std::find(std::begin(kSchemes), std::end(kSchemes), scheme) -
         std::begin(kSchemes);
}

absl::Status UnknownScheme(absl::string_view scheme) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", scheme, "\" is not the scheme of a source"));
}

}  // namespace

absl::Span<const absl::string_view> SourceRegistry::Schemes() {
  return kSchemes;
}

bool SourceRegistry::Knows(absl::string_view scheme) {
  return IndexOf(scheme) < kSchemeCount;
}

absl::Status SourceRegistry::Register(absl::string_view scheme,
                                      const SourceKind* kind) {
  const size_t index = IndexOf(scheme);
  if (index == kSchemeCount) return UnknownScheme(scheme);
  const SourceKind* before = nullptr;
  if (kinds[index].compare_exchange_strong(before, kind) || before == kind) {
    return absl::OkStatus();
  }
  return absl::AlreadyExistsError(
      absl::StrCat("scheme \"", scheme, "\" is registered already"));
}

absl::StatusOr<const SourceKind*> SourceRegistry::Find(
    absl::string_view scheme) {
  const size_t index = IndexOf(scheme);
  if (index == kSchemeCount) return UnknownScheme(scheme);
  const SourceKind* const kind = kinds[index].load();
  if (kind != nullptr) return kind;
  const Remedy& remedy = kRemedies[index];
  return absl::InvalidArgumentError(absl::StrCat(
      "scheme \"", scheme, "\" is not linked: add @multi_backend",
      remedy.target, " to the deps (in CMake, multi_backend::",
      remedy.component, ") and call multi_backend::", remedy.call, " first"));
}

absl::Status CheckSource(const SourceTarget& target) {
  const auto kind = SourceRegistry::Find(target.scheme);
  return kind.ok() ? (*kind)->check(target) : kind.status();
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> MakeSource(
    const SourceTarget& target) {
  const auto kind = SourceRegistry::Find(target.scheme);
  if (!kind.ok()) return kind.status();
  return (*kind)->make(target);
}

std::string DefaultAuthorityOfSource(const SourceTarget& target) {
  const auto kind = SourceRegistry::Find(target.scheme);
  return kind.ok() ? (*kind)->default_authority(target) : "localhost";
}

absl::StatusOr<std::unique_ptr<Registrar>> MakeSourceRegistrar(
    const SourceTarget& target, const Endpoint& endpoint,
    const RegistrarOptions& options) {
  const auto kind = SourceRegistry::Find(target.scheme);
  if (!kind.ok()) return kind.status();
  if ((*kind)->make_registrar == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("scheme \"", target.scheme, "\" has no registrar"));
  }
  return (*kind)->make_registrar(target, endpoint, options);
}

}  // namespace multi_backend
