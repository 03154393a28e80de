#include "multi_backend/health/probes/registry.h"

#include <gtest/gtest.h>

#include <memory>

namespace multi_backend {
namespace {

std::unique_ptr<ProbeFactory> MakeOne(const ActiveHealthConfig&) {
  return nullptr;
}
std::unique_ptr<ProbeFactory> MakeAnother(const ActiveHealthConfig&) {
  return nullptr;
}

HealthConfig Asking(ProbeKind kind) {
  HealthConfig config;
  config.active.emplace();
  config.active->probe = kind;
  return config;
}

// This is one test, because a registration cannot be undone.
TEST(ProbeRegistryTest, HttpIsRefusedUntilItIsRegistered) {
  EXPECT_EQ(ProbeRegistry::Http(), nullptr);
  EXPECT_EQ(CheckProbeIsLinked(Asking(ProbeKind::kHttp)),
            absl::InvalidArgumentError(
                "errors validating multi_backend config: "
                "[field:health.active.probe error:HTTP is not linked: add "
                "@multi_backend//probes:http to the deps (in CMake, "
                "multi_backend::http_probe) and call "
                "multi_backend::RegisterHttpProbe() before the channel is "
                "made]"));
  for (const HealthConfig& config :
       {HealthConfig(), Asking(ProbeKind::kGrpc), Asking(ProbeKind::kTcp)}) {
    EXPECT_EQ(CheckProbeIsLinked(config), absl::OkStatus());
  }

  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ProbeRegistry::RegisterHttp(&MakeOne), absl::OkStatus());
  }
  EXPECT_EQ(CheckProbeIsLinked(Asking(ProbeKind::kHttp)), absl::OkStatus());
  EXPECT_EQ(ProbeRegistry::RegisterHttp(&MakeAnother),
            absl::AlreadyExistsError("another HTTP probe is registered"));
  EXPECT_EQ(ProbeRegistry::Http(), &MakeOne);
}

}  // namespace
}  // namespace multi_backend
