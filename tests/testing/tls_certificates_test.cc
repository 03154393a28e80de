#include "multi_backend/tests/testing/tls_certificates.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/tests/testing/backend_fleet.h"

namespace multi_backend {
namespace {

using ::examples::users::v1::GetUserRequest;
using ::examples::users::v1::UserReply;
using ::examples::users::v1::Users;

using Issuer = absl::StatusOr<TlsCertificates::Pair> (TlsCertificates::*)(
    const std::vector<std::string>&);

struct Row {
  const char* name;
  Issuer issue;
  std::vector<std::string> names;
  const char* authority;  // The name that the client expects.
  bool accepted;
};

class TlsCertificatesTest : public testing::TestWithParam<Row> {};

// A stock gRPC client decides whether a certificate is good.
TEST_P(TlsCertificatesTest, StockClientAcceptsOnlyTheRightOne) {
  const Row& row = GetParam();
  auto tls = TlsCertificates::Create();
  ASSERT_TRUE(tls.ok()) << tls.status();
  const auto pair = (tls->get()->*row.issue)(row.names);
  ASSERT_TRUE(pair.ok()) << pair.status();
  auto fleet = BackendFleet::Start(
      {{"a",
        "",
        {"--tls-key", pair->key_file, "--tls-cert", pair->cert_file}}});
  ASSERT_TRUE(fleet.ok()) << fleet.status();

  grpc::SslCredentialsOptions options;
  options.pem_root_certs = (*tls)->ca_pem();
  grpc::ChannelArguments args;
  args.SetString(GRPC_ARG_DEFAULT_AUTHORITY, row.authority);
  auto stub = Users::NewStub(grpc::CreateCustomChannel(
      (*fleet)->Ipv4Target(), grpc::SslCredentials(options), args));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kServerProcessTimeout));
  UserReply reply;
  const grpc::Status status = stub->GetUser(&context, GetUserRequest(), &reply);
  EXPECT_EQ(status.error_code(),
            row.accepted ? grpc::StatusCode::OK : grpc::StatusCode::UNAVAILABLE)
      << status.error_message();
  EXPECT_EQ((*fleet)->TotalCalls(), row.accepted ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, TlsCertificatesTest,
                         testing::Values(Row{"DnsName",
                                             &TlsCertificates::Issue,
                                             {"a.example"},
                                             "a.example",
                                             true},
                                         Row{"SecondName",
                                             &TlsCertificates::Issue,
                                             {"a.example", "b.example"},
                                             "b.example",
                                             true},
                                         Row{"IpAddress",
                                             &TlsCertificates::Issue,
                                             {"127.0.0.1"},
                                             "127.0.0.1",
                                             true},
                                         Row{"OtherName",
                                             &TlsCertificates::Issue,
                                             {"a.example"},
                                             "b.example",
                                             false},
                                         Row{"Expired",
                                             &TlsCertificates::IssueExpired,
                                             {"a.example"},
                                             "a.example",
                                             false},
                                         Row{"SelfSigned",
                                             &TlsCertificates::IssueSelfSigned,
                                             {"a.example"},
                                             "a.example",
                                             false}),
                         [](const testing::TestParamInfo<Row>& info) {
                           return std::string(info.param.name);
                         });

TEST(TlsCertificatesErrorTest, NamesTheCommandThatFailed) {
  auto tls = TlsCertificates::Create();
  ASSERT_TRUE(tls.ok()) << tls.status();
  EXPECT_EQ((*tls)->Issue({}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(
      std::string((*tls)->Issue({"a.example,BAD:x"}).status().message()),
      testing::HasSubstr("openssl ca"));
}

}  // namespace
}  // namespace multi_backend
