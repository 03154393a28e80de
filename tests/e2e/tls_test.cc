// TLS and :authority with real servers: the name under which a backend is
// called, and what happens to a backend whose certificate is not valid for it.

#include <grpcpp/grpcpp.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"
#include "multi_backend/tests/testing/tls_certificates.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr absl::Duration kCallTimeout = absl::Seconds(10);

std::string ContentsOf(const std::string& path) {
  std::ostringstream contents;
  contents << std::ifstream(path).rdbuf();
  return contents.str();
}

// A TLS server of this process that keeps the :authority of each call.
class AuthorityServer final : public Users::Service {
 public:
  AuthorityServer(const TlsCertificates::Pair& pair, const std::string& host) {
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back(
        {ContentsOf(pair.key_file), ContentsOf(pair.cert_file)});
    grpc::ServerBuilder builder;
    builder.AddListeningPort(absl::StrCat(host, ":0"),
                             grpc::SslServerCredentials(tls), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    if (port_ == 0) abort();
  }
  ~AuthorityServer() override {
    server_->Shutdown(absl::ToChronoTime(absl::Now()));
  }

  int port() const { return port_; }
  std::string AddressWithHost(const std::string& host) const {
    return absl::StrCat(host, ":", port_);
  }
  std::set<std::string> authorities() const {
    absl::MutexLock lock(&mutex_);
    return authorities_;
  }

  grpc::Status GetUser(grpc::ServerContext* context, const GetUserRequest*,
                       UserReply*) override {
    const grpc::string_ref authority = context->ExperimentalGetAuthority();
    absl::MutexLock lock(&mutex_);
    authorities_.emplace(authority.data(), authority.size());
    return grpc::Status::OK;
  }

 private:
  int port_ = 0;
  mutable absl::Mutex mutex_;
  std::set<std::string> authorities_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Server> server_;
};

class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    auto tls = TlsCertificates::Create();
    ASSERT_TRUE(tls.ok()) << tls.status();
    tls_ = *std::move(tls);
  }

  std::unique_ptr<AuthorityServer> ServerFor(
      const std::vector<std::string>& names,
      const std::string& host = "127.0.0.1") {
    const auto pair = tls_->Issue(names);
    if (!pair.ok()) abort();
    return std::make_unique<AuthorityServer>(*pair, host);
  }

  std::shared_ptr<grpc::ChannelCredentials> Credentials() const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = tls_->ca_pem();
    return grpc::SslCredentials(options);
  }

  std::unique_ptr<Users::Stub> StubFor(const std::string& target,
                                       ChannelOptions options = {}) {
    auto channel =
        multi_backend::CreateChannel(target, Credentials(), std::move(options));
    EXPECT_TRUE(channel.ok()) << channel.status();
    return channel.ok() ? Users::NewStub(*channel) : nullptr;
  }

  // The status of one call.
  static grpc::Status GetUser(Users::Stub& stub) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    UserReply reply;
    return stub.GetUser(&context, GetUserRequest(), &reply);
  }

  // Calls until each of `servers` has had one; false if one of them fails, or
  // it takes too long.
  static bool CallUntilAllServed(
      Users::Stub& stub, const std::vector<const AuthorityServer*>& servers) {
    const absl::Time deadline = absl::Now() + kCallTimeout;
    while (absl::Now() < deadline) {
      const grpc::Status status = GetUser(stub);
      EXPECT_TRUE(status.ok()) << status.error_message();
      if (!status.ok()) return false;
      size_t served = 0;
      for (const auto* server : servers) {
        served += !server->authorities().empty();
      }
      if (served == servers.size()) return true;
    }
    return false;
  }

  std::unique_ptr<TlsCertificates> tls_;
};

TEST_F(TlsTest, EachHostOfAListIsCalledUnderItsOwnName) {
  auto a = ServerFor({"localhost"});
  auto b = ServerFor({"localhost"});
  auto stub =
      StubFor(absl::StrCat("static:///", a->AddressWithHost("localhost"), ",",
                           b->AddressWithHost("localhost")));
  ASSERT_TRUE(CallUntilAllServed(*stub, {a.get(), b.get()}));
  EXPECT_THAT(a->authorities(), ElementsAre(a->AddressWithHost("localhost")));
  EXPECT_THAT(b->authorities(), ElementsAre(b->AddressWithHost("localhost")));
}

// A second name of this machine, and the IPv4 address that it stands for.
struct LocalName {
  std::string name;
  std::string address;
};

LocalName OwnHostName() {
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) != 0) return {};
  addrinfo hints = {};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(name, nullptr, &hints, &found) != 0) return {};
  char address[NI_MAXHOST] = {};
  getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address),
              nullptr, 0, NI_NUMERICHOST);
  freeaddrinfo(found);
  return {name, address};
}

TEST_F(TlsTest, TwoHostNamesEachShowTheirOwnCertificate) {
  const LocalName other = OwnHostName();
  if (other.address.empty() || other.name == "localhost") {
    GTEST_SKIP() << "this machine's name does not resolve, so there is no "
                    "second host name";
  }
  auto a = ServerFor({"localhost"});
  auto b = ServerFor({other.name}, other.address);
  auto stub =
      StubFor(absl::StrCat("static:///", a->AddressWithHost("localhost"), ",",
                           b->AddressWithHost(other.name)));
  ASSERT_TRUE(CallUntilAllServed(*stub, {a.get(), b.get()}));
  EXPECT_THAT(a->authorities(), ElementsAre(a->AddressWithHost("localhost")));
  EXPECT_THAT(b->authorities(), ElementsAre(b->AddressWithHost(other.name)));
}

TEST_F(TlsTest, HostsOfARegisteredGroupAreCalledUnderTheirOwnNames) {
  auto a = ServerFor({"localhost"});
  auto group = StaticEndpointGroup::Make(
      {Endpoint::Of("localhost", static_cast<uint16_t>(a->port()))});
  ASSERT_TRUE(group.ok()) << group.status();
  ASSERT_TRUE(EndpointGroupRegistry::Register("tls-named", *group).ok());
  auto stub = StubFor("group:///tls-named");
  ASSERT_TRUE(CallUntilAllServed(*stub, {a.get()}));
  EXPECT_THAT(a->authorities(), ElementsAre(a->AddressWithHost("localhost")));
  EndpointGroupRegistry::Unregister("tls-named");
}

// A party that can write discovery data must not be able to choose the name
// that a certificate is checked against.
class DiscoveredGroup final : public DynamicEndpointGroup {
 public:
  explicit DiscoveredGroup(const Endpoint& endpoint) {
    SetEndpoints({endpoint});
  }
  bool names_are_configured() const override { return false; }

 protected:
  std::string Name() const override { return "discovered"; }
};

TEST_F(TlsTest, DiscoveredHostsAreCalledUnderTheChannelsAuthority) {
  auto good = ServerFor({"users.example"});
  auto bad = ServerFor({"localhost"});
  for (const auto* server : {good.get(), bad.get()}) {
    ASSERT_TRUE(EndpointGroupRegistry::Register(
                    "tls-discovered",
                    std::make_shared<DiscoveredGroup>(Endpoint::Of(
                        "localhost", static_cast<uint16_t>(server->port()))))
                    .ok());
    ChannelOptions options;
    options.args.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "users.example");
    auto stub = StubFor("group:///tls-discovered", std::move(options));
    const grpc::Status status = GetUser(*stub);
    EXPECT_EQ(status.ok(), server == good.get()) << status.error_message();
  }
  EXPECT_THAT(good->authorities(), ElementsAre("users.example"));
  EXPECT_THAT(bad->authorities(), IsEmpty());

  // Without a configured name the channel's authority is the group's name.
  auto named = ServerFor({"tls-discovered"});
  ASSERT_TRUE(EndpointGroupRegistry::Register(
                  "tls-discovered",
                  std::make_shared<DiscoveredGroup>(Endpoint::Of(
                      "localhost", static_cast<uint16_t>(named->port()))))
                  .ok());
  auto stub = StubFor("group:///tls-discovered");
  ASSERT_TRUE(CallUntilAllServed(*stub, {named.get()}));
  EXPECT_THAT(named->authorities(), ElementsAre("tls-discovered"));
  EndpointGroupRegistry::Unregister("tls-discovered");
}

TEST_F(TlsTest, IpAddressesAreCalledUnderTheChannelsAuthority) {
  auto a = ServerFor({"users.example"});
  auto b = ServerFor({"users.example"});
  ChannelOptions options;
  options.args.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "users.example");
  auto stub =
      StubFor(absl::StrCat("static:///", a->AddressWithHost("127.0.0.1"), ",",
                           b->AddressWithHost("127.0.0.1")),
              std::move(options));
  ASSERT_TRUE(CallUntilAllServed(*stub, {a.get(), b.get()}));
  EXPECT_THAT(a->authorities(), ElementsAre("users.example"));
  EXPECT_THAT(b->authorities(), ElementsAre("users.example"));
}

// As everywhere in gRPC, what the application states for the channel takes
// precedence over what is known about an address.
TEST_F(TlsTest, AnAuthorityStatedForTheChannelHoldsForNamedHostsToo) {
  auto a = ServerFor({"users.example"});
  ChannelOptions options;
  options.args.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "users.example");
  auto stub =
      StubFor(absl::StrCat("static:///", a->AddressWithHost("localhost")),
              std::move(options));
  ASSERT_TRUE(CallUntilAllServed(*stub, {a.get()}));
  EXPECT_THAT(a->authorities(), ElementsAre("users.example"));
}

// When nothing else is stated, the channel's own name is the first name of its
// list.
TEST_F(TlsTest, AnIpAddressBesideAHostNameHasTheChannelsName) {
  auto named = ServerFor({"localhost"});
  auto bare = ServerFor({"localhost"});
  auto stub =
      StubFor(absl::StrCat("static:///", named->AddressWithHost("localhost"),
                           ",", bare->AddressWithHost("127.0.0.1")));
  ASSERT_TRUE(CallUntilAllServed(*stub, {named.get(), bare.get()}));
  EXPECT_THAT(named->authorities(),
              ElementsAre(named->AddressWithHost("localhost")));
  EXPECT_THAT(bare->authorities(),
              ElementsAre(named->AddressWithHost("localhost")));
}

TEST_F(TlsTest, TheNameOverrideForTestsWorksForNamedHosts) {
  auto a = ServerFor({"override.example"});
  ChannelOptions options;
  options.args.SetSslTargetNameOverride("override.example");
  auto stub =
      StubFor(absl::StrCat("static:///", a->AddressWithHost("localhost")),
              std::move(options));
  EXPECT_TRUE(CallUntilAllServed(*stub, {a.get()}));
}

TEST_F(TlsTest, TargetsOfOtherResolversKeepTheirOwnAuthority) {
  auto a = ServerFor({"localhost"});
  auto stub = StubFor(absl::StrCat("dns:///", a->AddressWithHost("localhost")));
  ASSERT_TRUE(CallUntilAllServed(*stub, {a.get()}));
  EXPECT_THAT(a->authorities(), ElementsAre(a->AddressWithHost("localhost")));
}

using Issuer = absl::StatusOr<TlsCertificates::Pair> (TlsCertificates::*)(
    const std::vector<std::string>&);

struct BadCertificate {
  const char* name;
  Issuer issue;
  const char* certificate_name;
  const char* why;  // In the text of the error.
};

void PrintTo(const BadCertificate& row, std::ostream* out) { *out << row.name; }

class BadCertificateTest : public TlsTest,
                           public testing::WithParamInterface<BadCertificate> {
 protected:
  std::unique_ptr<AuthorityServer> BadServer() {
    const BadCertificate& row = GetParam();
    const auto pair = (tls_.get()->*row.issue)({row.certificate_name});
    if (!pair.ok()) abort();
    return std::make_unique<AuthorityServer>(*pair, "127.0.0.1");
  }
};

TEST_P(BadCertificateTest, TheBackendGetsNoCallAndTheOthersServe) {
  auto bad = BadServer();
  auto good = ServerFor({"localhost"});
  auto stub =
      StubFor(absl::StrCat("static:///", bad->AddressWithHost("localhost"), ",",
                           good->AddressWithHost("localhost")));
  for (int i = 0; i < 50; ++i) {
    const grpc::Status status = GetUser(*stub);
    ASSERT_TRUE(status.ok()) << i << ": " << status.error_message();
  }
  EXPECT_THAT(bad->authorities(), IsEmpty());
}

TEST_P(BadCertificateTest, AloneTheErrorNamesTheBackendAndSaysWhy) {
  auto bad = BadServer();
  auto stub =
      StubFor(absl::StrCat("static:///", bad->AddressWithHost("localhost")));
  const grpc::Status status = GetUser(*stub);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(),
              HasSubstr("multi_backend: no usable backend, the call was not "
                        "sent: "));
  EXPECT_THAT(status.error_message(),
              HasSubstr(absl::StrCat(bad->AddressWithHost("localhost"), "=",
                                     bad->AddressWithHost("127.0.0.1"))));
  EXPECT_THAT(status.error_message(), HasSubstr(GetParam().why));
  EXPECT_THAT(bad->authorities(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, BadCertificateTest,
    testing::Values(BadCertificate{"WrongName", &TlsCertificates::Issue,
                                   "other.example",
                                   "is not in peer certificate"},
                    BadCertificate{"Expired", &TlsCertificates::IssueExpired,
                                   "localhost", "certificate verify failed"},
                    BadCertificate{"ForeignAuthority",
                                   &TlsCertificates::IssueSelfSigned,
                                   "localhost", "certificate verify failed"}),
    [](const testing::TestParamInfo<BadCertificate>& info) {
      return std::string(info.param.name);
    });

}  // namespace
}  // namespace multi_backend
