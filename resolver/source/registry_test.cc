#include "multi_backend/resolver/source/registry.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using ::testing::ElementsAre;

absl::Status Check(const SourceTarget& target) {
  return absl::InvalidArgumentError(target.path);
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
    const SourceTarget& target) {
  return absl::InvalidArgumentError(target.authority);
}

std::string DefaultAuthority(const SourceTarget& target) {
  return absl::StrCat(target.authority, target.path);
}

absl::StatusOr<std::unique_ptr<Registrar>> MakeRegistrar(
    const SourceTarget& target, const Endpoint& endpoint,
    const RegistrarOptions& options) {
  return absl::InvalidArgumentError(
      absl::StrCat(target.path, " ", endpoint.address(), " ", options.id));
}

constexpr SourceKind kFollowed = {Check, Make, DefaultAuthority};
constexpr SourceKind kListed = {Check, Make, DefaultAuthority, MakeRegistrar};

TEST(SourceRegistryTest, TheSchemesAreFixed) {
  EXPECT_THAT(SourceRegistry::Schemes(),
              ElementsAre("file", "dns+addr", "dns+srv", "dns+txt", "zookeeper",
                          "etcd"));
  EXPECT_TRUE(SourceRegistry::Knows("dns+addr"));
  for (const char* scheme : {"dns", "", "Etcd"}) {
    EXPECT_FALSE(SourceRegistry::Knows(scheme));
    const absl::Status unknown = absl::InvalidArgumentError(
        absl::StrCat("\"", scheme, "\" is not the scheme of a source"));
    EXPECT_EQ(SourceRegistry::Register(scheme, &kListed), unknown);
    EXPECT_EQ(CheckSource({scheme, "", "/a"}), unknown);
  }
}

TEST(SourceRegistryTest, ASchemeWithoutAKindSaysWhatToLinkAndCall) {
  struct Row {
    const char* scheme;
    const char* text;
  };
  for (const Row& row : {
           Row{"file",
               "scheme \"file\" is not linked: add @multi_backend//:core to "
               "the deps (in CMake, multi_backend::core) and call "
               "multi_backend::Register() first"},
           Row{"dns+addr",
               "scheme \"dns+addr\" is not linked: add "
               "@multi_backend//sources:dns to the deps (in CMake, "
               "multi_backend::dns) and call "
               "multi_backend::RegisterDns() first"},
           Row{"zookeeper",
               "scheme \"zookeeper\" is not linked: add "
               "@multi_backend//sources:zookeeper to the deps (in CMake, "
               "multi_backend::zookeeper) and call "
               "multi_backend::RegisterZookeeper() first"},
       }) {
    const SourceTarget target = {row.scheme, "", "/a"};
    const absl::Status expected = absl::InvalidArgumentError(row.text);
    EXPECT_EQ(SourceRegistry::Find(row.scheme).status(), expected);
    EXPECT_EQ(CheckSource(target), expected);
    EXPECT_EQ(MakeSource(target).status(), expected);
    EXPECT_EQ(MakeSourceRegistrar(target, Endpoint::Of("a", 1), {}).status(),
              expected);
    EXPECT_EQ(DefaultAuthorityOfSource(target), "localhost");
  }
}

TEST(SourceRegistryTest, AKindIsRegisteredOnceAndDoesTheWork) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(SourceRegistry::Register("etcd", &kListed), absl::OkStatus());
  }
  EXPECT_EQ(SourceRegistry::Register("etcd", &kFollowed),
            absl::AlreadyExistsError("scheme \"etcd\" is registered already"));
  const SourceTarget target = {"etcd", "host", "/path"};
  EXPECT_EQ(CheckSource(target), absl::InvalidArgumentError("/path"));
  EXPECT_EQ(MakeSource(target).status(), absl::InvalidArgumentError("host"));
  EXPECT_EQ(DefaultAuthorityOfSource(target), "host/path");
  RegistrarOptions options;
  options.id = "id";
  EXPECT_EQ(MakeSourceRegistrar(target, Endpoint::Of("a", 1), options).status(),
            absl::InvalidArgumentError("/path a:1 id"));
}

TEST(SourceRegistryTest, NotEveryKindHasARegistrar) {
  ASSERT_EQ(SourceRegistry::Register("dns+srv", &kFollowed), absl::OkStatus());
  EXPECT_EQ(MakeSourceRegistrar({"dns+srv", "", "/a"}, Endpoint::Of("a", 1), {})
                .status(),
            absl::InvalidArgumentError("scheme \"dns+srv\" has no registrar"));
}

}  // namespace
}  // namespace multi_backend
