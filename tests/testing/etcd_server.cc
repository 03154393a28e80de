#include "multi_backend/tests/testing/etcd_server.h"

#include <arpa/inet.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "multi_backend/resolver/etcd/target.h"
#include "multi_backend/tests/testing/etcd_admin.pb.h"

namespace multi_backend {
namespace {

constexpr char kServer[] = "/usr/bin/etcd";
constexpr std::chrono::seconds kPatience(20);

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Returns the head and the body of a page from a plaintext HTTP server.
std::string HttpGet(int port, const std::string& path) {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval timeout = {kPatience.count(), 0};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  const sockaddr_in address = Loopback(port);
  std::string page;
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0) {
    const std::string request = absl::StrCat("GET ", path, " HTTP/1.0\r\n\r\n");
    (void)!write(connection, request.data(), request.size());
    char buffer[4096];
    ssize_t size;
    while ((size = read(connection, buffer, sizeof(buffer))) > 0) {
      page.append(buffer, size);
    }
  }
  close(connection);
  return page;
}

absl::Status ToStatus(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

}  // namespace

constexpr char EtcdServer::kHowToInstall[];

bool EtcdServer::Installed() {
  return access(kServer, X_OK) == 0 && StoreProcess::CanLaunch();
}

absl::StatusOr<std::unique_ptr<EtcdServer>> EtcdServer::Start(Options options) {
  absl::Status status;
  for (int attempt = 0; attempt < StoreProcess::kAttempts; ++attempt) {
    auto process = StoreProcess::Make("etcd");
    if (!process.ok()) return process.status();
    std::unique_ptr<EtcdServer> server(
        new EtcdServer(options, *std::move(process)));
    status = server->Launch();
    if (status.ok()) return server;
  }
  return status;
}

absl::Status EtcdServer::Launch() {
  const bool tls = !options_.cert_file.empty();
  const std::string url = absl::StrCat(tls ? "https://" : "http://", address());
  const std::string peer_url = "http://127.0.0.1:0";  // There is no peer.
  std::vector<std::string> command = {
      kServer,
      "--name=test",
      absl::StrCat("--data-dir=", process_->directory(), "/data"),
      "--listen-client-urls=" + url,
      "--advertise-client-urls=" + url,
      "--listen-peer-urls=" + peer_url,
      "--initial-advertise-peer-urls=" + peer_url,
      "--initial-cluster=test=" + peer_url,
      "--log-level=error",
      "--heartbeat-interval=20",
      "--election-timeout=200",
      "--max-txn-ops=20000",
      "--max-request-bytes=16000000",
      "--grpc-keepalive-min-time=100ms"};
  if (tls) {
    command.push_back("--cert-file=" + options_.cert_file);
    command.push_back("--key-file=" + options_.key_file);
  }
  const absl::Status launched = process_->Launch(std::move(command));
  if (!launched.ok()) return launched;
  const absl::Status status = AwaitServing();
  if (status.ok()) return status;
  Kill();
  return absl::UnavailableError(absl::StrCat(
      "etcd does not start: ", status.message(), "; ", process_->log()));
}

absl::Status EtcdServer::AwaitServing() {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = options_.ca_pem;
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName("pick_first");
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  absl::Status status = absl::DeadlineExceededError("no answer");
  while (std::chrono::steady_clock::now() < end) {
    // Each attempt uses a new channel, because gRPC would wait long before it
    // connects an old one again.
    args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(
        "dns:///" + address(),
        options_.cert_file.empty() ? grpc::InsecureChannelCredentials()
                                   : grpc::SslCredentials(tls),
        args);
    status = Range("/").status();
    // With users, the server refuses the call as soon as it serves.
    if (status.ok() || absl::IsInvalidArgument(status)) {
      return absl::OkStatus();
    }
    if (process_->HasEnded()) break;
    poll(nullptr, 0, 10);
  }
  return status;
}

template <typename Request, typename Response>
absl::Status EtcdServer::Call(const std::string& method, const Request& request,
                              Response& response) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  if (!token_.empty()) context.AddMetadata("token", token_);
  grpc::CompletionQueue queue;
  grpc::TemplatedGenericStub<Request, Response> stub(channel_);
  auto call = stub.PrepareUnaryCall(&context, "/etcdserverpb." + method,
                                    request, &queue);
  call->StartCall();
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag;
  bool ok;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return ToStatus(status);
}

absl::StatusOr<etcd::RangeResponse> EtcdServer::Range(
    const std::string& prefix) {
  etcd::RangeRequest request;
  request.set_key(prefix);
  request.set_range_end(EndOfPrefix(prefix));
  request.set_keys_only(true);
  etcd::RangeResponse response;
  const absl::Status status = Call("KV/Range", request, response);
  if (!status.ok()) return status;
  return response;
}

absl::Status EtcdServer::Put(const std::string& key, const std::string& value) {
  return PutAll({{key, value}});
}

absl::Status EtcdServer::PutAll(
    const std::map<std::string, std::string>& entries) {
  etcd::TxnRequest request;
  for (const auto& entry : entries) {
    auto* const put = request.add_success()->mutable_request_put();
    put->set_key(entry.first);
    put->set_value(entry.second);
  }
  etcd::TxnResponse response;
  return Call("KV/Txn", request, response);
}

absl::Status EtcdServer::DeletePrefix(const std::string& prefix) {
  etcd::DeleteRangeRequest request;
  request.set_key(prefix);
  request.set_range_end(EndOfPrefix(prefix));
  etcd::DeleteRangeResponse response;
  return Call("KV/DeleteRange", request, response);
}

absl::StatusOr<std::vector<std::string>> EtcdServer::KeysOf(
    const std::string& prefix) {
  const auto range = Range(prefix);
  if (!range.ok()) return range.status();
  std::vector<std::string> keys;
  for (const auto& entry : range->kvs()) keys.push_back(entry.key());
  return keys;
}

absl::Status EtcdServer::Compact() {
  const auto range = Range("/");
  if (!range.ok()) return range.status();
  etcd::CompactionRequest request;
  request.set_revision(range->header().revision());
  request.set_physical(true);
  etcd::CompactionResponse response;
  return Call("KV/Compact", request, response);
}

absl::Status EtcdServer::EnableUsers(const std::string& password) {
  const struct {
    const char* method;
    std::string name;
    std::string value;
  } steps[] = {{"Auth/UserAdd", "root", password},
               {"Auth/UserAdd", "guest", password},
               {"Auth/RoleAdd", "root", ""},
               {"Auth/UserGrantRole", "root", "root"},
               {"Auth/AuthEnable", "", ""}};
  for (const auto& step : steps) {
    etcd_admin::EtcdAuthRequest request;
    request.set_name(step.name);
    request.set_value(step.value);
    etcd_admin::EtcdAuthResponse response;
    const absl::Status status = Call(step.method, request, response);
    if (!status.ok()) return status;
  }
  etcd::AuthenticateRequest request;
  request.set_name("root");
  request.set_password(password);
  etcd::AuthenticateResponse response;
  const absl::Status status = Call("Auth/Authenticate", request, response);
  token_ = response.token();
  return status;
}

absl::StatusOr<int> EtcdServer::Watches() const {
  const std::string page = HttpGet(process_->port(), "/metrics");
  for (absl::string_view line : absl::StrSplit(page, '\n')) {
    int watches = 0;
    if (absl::ConsumePrefix(&line, "etcd_debugging_mvcc_watcher_total ") &&
        absl::SimpleAtoi(line, &watches)) {
      return watches;
    }
  }
  return absl::NotFoundError(absl::StrCat("no such metric in: ", page));
}

absl::Status EtcdServer::Restart() {
  Kill();
  return Launch();
}

absl::Status EtcdServer::Wipe() {
  Kill();
  (void)!system(
      absl::StrCat("rm -rf ", process_->directory(), "/data").c_str());
  token_.clear();  // The users are gone too.
  return Launch();
}

}  // namespace multi_backend
