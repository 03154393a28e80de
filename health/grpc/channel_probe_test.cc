#include "multi_backend/health/grpc/channel_probe.h"

#include <gmock/gmock.h>
#include <grpc/grpc_security.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/health/probes/curl/registration.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/port/core.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/tests/testing/probe_answer.h"
#include "multi_backend/tests/testing/tls_certificates.h"

namespace multi_backend {
namespace {

using ::testing::StartsWith;

using CredentialsPtr = grpc_core::RefCountedPtr<grpc_channel_credentials>;

// Far above what anything here needs.
constexpr absl::Duration kLong = absl::Seconds(30);

struct SeenCall {
  std::string method;
  std::string authority;
  std::multimap<std::string, std::string> metadata;
};

// Answers every method with HealthCheckResponse{SERVING}.
class RecordingService final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    SeenCall seen{context->method(), context->host(), {}};
    for (const auto& entry : context->client_metadata()) {
      seen.metadata.emplace(
          std::string(entry.first.data(), entry.first.size()),
          std::string(entry.second.data(), entry.second.size()));
    }
    {
      std::lock_guard<std::mutex> lock(mu_);
      seen_.push_back(std::move(seen));
    }
    return new Reactor;
  }

  std::vector<SeenCall> seen() {
    std::lock_guard<std::mutex> lock(mu_);
    return seen_;
  }

 private:
  class Reactor final : public grpc::ServerGenericBidiReactor {
   public:
    Reactor() { StartRead(&request_); }
    void OnReadDone(bool ok) override {
      if (!ok) return Finish(grpc::Status::CANCELLED);
      StartWriteAndFinish(&response_, {}, grpc::Status::OK);
    }
    void OnDone() override { delete this; }

   private:
    grpc::ByteBuffer request_;
    const grpc::Slice serving_{std::string("\x08\x01")};
    const grpc::ByteBuffer response_{&serving_, 1};
  };

  std::mutex mu_;
  std::vector<SeenCall> seen_;
};

class RecordingServer {
 public:
  explicit RecordingServer(const std::string& address = "127.0.0.1:0",
                           std::shared_ptr<grpc::ServerCredentials> creds =
                               grpc::InsecureServerCredentials()) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, creds, &port_);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~RecordingServer() { server_->Shutdown(std::chrono::system_clock::now()); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  std::vector<SeenCall> seen() { return service_.seen(); }

 private:
  int port_ = 0;
  RecordingService service_;
  std::unique_ptr<grpc::Server> server_;
};

std::string ReadFile(const std::string& path) {
  std::ostringstream contents;
  contents << std::ifstream(path).rdbuf();
  return contents.str();
}

// Does not use SetObject().  That would put a second copy of core's table for
// this type into the program, and libgrpc would then try to initialise the copy
// where it is constant.
grpc_core::ChannelArgs ArgsWith(CredentialsPtr creds) {
  grpc_arg arg = grpc_channel_credentials_to_arg(creds.get());
  const grpc_channel_args args = {1, &arg};
  return grpc_core::ChannelArgs::FromC(&args);
}

grpc_core::ChannelArgs InsecureArgs() {
  return ArgsWith(CredentialsPtr(grpc_insecure_credentials_create()));
}

std::unique_ptr<Probe> ProbeOf(const grpc_core::ChannelArgs& args,
                               const std::string& address,
                               const ActiveHealthConfig& config = {},
                               absl::string_view authority = "users.example") {
  return MakeChannelProbe(args, config, Endpoint::Of("users.example", 80),
                          address, authority);
}

// Whether one probe can do for both.
bool Same(const std::unique_ptr<Probe>& a, const std::unique_ptr<Probe>& b) {
  EXPECT_FALSE(a->identity().text.empty());
  return a->identity().text == b->identity().text &&
         a->identity().credentials == b->identity().credentials;
}

TEST(ChannelProbeTest, ProbesThatAskTheSameHaveEqualIdentities) {
  const std::string address = "127.0.0.1:80";
  const auto probe = ProbeOf(InsecureArgs(), address);
  EXPECT_TRUE(Same(probe, ProbeOf(InsecureArgs(), address)));
  EXPECT_TRUE(
      Same(probe,
           ProbeOf(InsecureArgs().Set(GRPC_ARG_KEEPALIVE_TIME_MS, 7), address)))
      << "an argument that probes do not use";
  EXPECT_FALSE(Same(probe, ProbeOf(InsecureArgs(), "127.0.0.1:81")));
  EXPECT_FALSE(Same(probe, ProbeOf(InsecureArgs(), address, {}, "b.example")));
  ActiveHealthConfig config;
  config.service = "users";
  EXPECT_FALSE(Same(probe, ProbeOf(InsecureArgs(), address, config)));
  EXPECT_FALSE(Same(
      probe, ProbeOf(InsecureArgs().Set(GRPC_ARG_MAX_METADATA_SIZE, 1 << 20),
                     address)));
  config = {};
  config.probe = ProbeKind::kTcp;
  EXPECT_FALSE(Same(probe, ProbeOf(InsecureArgs(), address, config)));
  EXPECT_TRUE(Same(ProbeOf(InsecureArgs(), address, config),
                   ProbeOf(InsecureArgs(), address, config)));

  const auto ssl = [] {
    return CredentialsPtr(
        grpc_ssl_credentials_create(nullptr, nullptr, nullptr, nullptr));
  };
  const CredentialsPtr one = ssl();
  const auto secure = ProbeOf(ArgsWith(one), address);
  EXPECT_FALSE(Same(probe, secure));
  EXPECT_TRUE(Same(secure, ProbeOf(ArgsWith(one), address)));
  EXPECT_FALSE(Same(secure, ProbeOf(ArgsWith(ssl()), address)))
      << "core cannot compare the contents either";
}

TEST(ChannelProbeTest, UsesTheChannelsCredentialsButNotThoseOfItsCalls) {
  auto tls = TlsCertificates::Create();
  ASSERT_TRUE(tls.ok());
  auto pair = (*tls)->Issue({"users.example"});
  ASSERT_TRUE(pair.ok());
  grpc::SslServerCredentialsOptions ssl;
  ssl.pem_key_cert_pairs.push_back(
      {ReadFile(pair->key_file), ReadFile(pair->cert_file)});
  RecordingServer server("127.0.0.1:0", grpc::SslServerCredentials(ssl));

  grpc_channel_credentials* channel_creds = grpc_ssl_credentials_create(
      (*tls)->ca_pem().c_str(), nullptr, nullptr, nullptr);
  grpc_call_credentials* call_creds =
      grpc_access_token_credentials_create("secret", nullptr);
  const grpc_core::ChannelArgs args =
      ArgsWith(CredentialsPtr(grpc_composite_channel_credentials_create(
          channel_creds, call_creds, nullptr)));
  grpc_channel_credentials_release(channel_creds);
  grpc_call_credentials_release(call_creds);

  const ProbeResult result = AskOnce(*ProbeOf(args, server.address()));
  EXPECT_TRUE(result.healthy) << result.detail;
  const std::vector<SeenCall> seen = server.seen();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].method, "/grpc.health.v1.Health/Check");
  EXPECT_EQ(seen[0].authority, "users.example");
  EXPECT_EQ(seen[0].metadata.count("authorization"), 0u);

  EXPECT_FALSE(
      AskOnce(*ProbeOf(args, server.address(), {}, "other.example")).healthy);
  EXPECT_EQ(server.seen().size(), 1u) << "not under a name it does not have";
}

TEST(ChannelProbeTest, NothingElseOfTheChannelMatters) {
  RecordingServer server;
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  const ProbeResult result =
      AskOnce(*ProbeOf(InsecureArgs()
                           .Set(GRPC_ARG_LB_POLICY_NAME, "no_such_policy")
                           .Set(GRPC_ARG_SERVICE_CONFIG, "{ this is not JSON")
                           .Set(GRPC_ARG_DEFAULT_AUTHORITY, "channel.example")
                           .Set(GRPC_ARG_MINIMAL_STACK, 1)
                           .Set("multi_backend.anything", 1),
                       server.address()));
  unsetenv("http_proxy");
  EXPECT_TRUE(result.healthy) << result.detail;
  ASSERT_EQ(server.seen().size(), 1u);
  EXPECT_EQ(server.seen()[0].authority, "users.example");
}

TEST(ChannelProbeTest, TheApplicationsUserAgentIsKept) {
  RecordingServer server;
  EXPECT_TRUE(
      AskOnce(*ProbeOf(InsecureArgs().Set(GRPC_ARG_PRIMARY_USER_AGENT_STRING,
                                          "acme/1 grpc-c++/1.51.1"),
                       server.address()))
          .healthy);
  EXPECT_THAT(server.seen()[0].metadata.find("user-agent")->second,
              StartsWith("acme/1 "));
}

TEST(ChannelProbeTest, UnixSocketsWork) {
  // A test's own directory may be too long for a socket's path.
  char directory[] = "/tmp/mb_probe_XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string address = absl::StrCat("unix:", directory, "/probe");
  RecordingServer server(address);
  const ProbeResult result = AskOnce(*ProbeOf(InsecureArgs(), address));
  EXPECT_TRUE(result.healthy) << result.detail;
  std::filesystem::remove_all(directory);
}

TEST(ChannelProbeTest, OtherKindsComeFromTheConfiguration) {
  RecordingServer server;
  ActiveHealthConfig config;
  config.probe = ProbeKind::kTcp;
  // This works even without credentials, because a TCP probe uses none.
  EXPECT_TRUE(
      AskOnce(*ProbeOf(grpc_core::ChannelArgs(), server.address(), config))
          .healthy);
  // A gRPC server does not speak HTTP/1.1.
  config.probe = ProbeKind::kHttp;
  EXPECT_EQ(ProbeOf(grpc_core::ChannelArgs(), server.address(), config),
            nullptr)
      << "it is not registered yet";
  ASSERT_TRUE(RegisterHttpProbe().ok());
  EXPECT_FALSE(
      AskOnce(*ProbeOf(grpc_core::ChannelArgs(), server.address(), config))
          .healthy);
  EXPECT_EQ(ProbeOf(grpc_core::ChannelArgs(), "unix:/run/a.sock", config),
            nullptr);
}

TEST(ChannelProbeTest, WithoutCredentialsThereIsNoGrpcProbe) {
  EXPECT_EQ(ProbeOf(grpc_core::ChannelArgs(), "127.0.0.1:1"), nullptr);
}

// Makes and destroys the probe as an LB policy does, inside core's execution
// context.  The cancelled call may need that context's locks.
TEST(ChannelProbeTest, MayBeMadeAndDestroyedInACallbackOfCores) {
  RecordingServer server;
  for (int round = 0; round < 50; ++round) {
    grpc_core::ExecCtx exec_ctx;
    auto probe = ProbeOf(InsecureArgs(), server.address());
    bool destroyed = false;
    probe->Start(kLong, [&](ProbeResult) { EXPECT_FALSE(destroyed); });
    probe.reset();
    destroyed = true;
  }
}

}  // namespace
}  // namespace multi_backend
