#include "multi_backend/health/probes/curl/probe.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/health/probes/callback_gate.h"
#include "multi_backend/health/probes/curl/thread.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

// Of the head and the body of an answer; after so much the status counts.
constexpr size_t kMaxAnswerBytes = size_t{64} * 1024;
constexpr long kHttpOk = 200;

// What one backend is asked.
struct Question {
  std::string url;
  std::string host;  // "Host: …".
  // "::address:port": where to connect, whatever the URL says.  "" = as it
  // says.
  std::string connect_to;
  absl::optional<HttpsProbeOptions> tls;
};

// libcurl's own sockets are not close-on-exec.
curl_socket_t OpenSocket(void* /*arg*/, curlsocktype /*purpose*/,
                         curl_sockaddr* address) {
  return socket(address->family, address->socktype | SOCK_CLOEXEC,
                address->protocol);
}

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

class Transfer final : public CurlThread::Transfer {
 public:
  Transfer(const Question& question, absl::Duration timeout, Probe::Done done,
           std::shared_ptr<CallbackGate> gate);

  CURL* handle() override { return easy_.get(); }
  void OnFinished(CURLcode code) override;

 private:
  static size_t DropBytes(char* data, size_t size, size_t count, void* self);
  void SetTls(const HttpsProbeOptions& tls);
  ProbeResult Judge(CURLcode code) const;

  const absl::Duration timeout_;
  Probe::Done done_;
  const std::shared_ptr<CallbackGate> gate_;
  size_t bytes_ = 0;
  char error_[CURL_ERROR_SIZE] = "";
  std::unique_ptr<curl_slist, ListDeleter> headers_;
  std::unique_ptr<curl_slist, ListDeleter> connect_to_;
  // Last: it uses the others until it ends.
  const std::unique_ptr<CURL, EasyDeleter> easy_{curl_easy_init()};
};

Transfer::Transfer(const Question& question, absl::Duration timeout,
                   Probe::Done done, std::shared_ptr<CallbackGate> gate)
    : timeout_(timeout), done_(std::move(done)), gate_(std::move(gate)) {
  CURL* const easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_URL, question.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
                   question.tls.has_value() ? "https" : "http");
  if (question.tls.has_value()) SetTls(*question.tls);
  if (!question.connect_to.empty()) {
    connect_to_.reset(curl_slist_append(nullptr, question.connect_to.c_str()));
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_.get());
  }
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // A transfer that ends while a thread resolves its name does not wait for
  // that thread, which would keep all other probes waiting.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  // 0 would be no limit.
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                   std::max<long>(1, absl::ToInt64Milliseconds(timeout)));
  headers_.reset(curl_slist_append(nullptr, question.host.c_str()));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "multi_backend-probe");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::DropBytes);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::DropBytes);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
}

void Transfer::SetTls(const HttpsProbeOptions& tls) {
  CURL* const easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, tls.verify_peer ? 1L : 0L);
  // 2 = the name must match; libcurl has no weaker check.
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls.verify_host ? 2L : 0L);
  if (!tls.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, tls.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
}

// Another number than that of the bytes given ends the transfer.
size_t Transfer::DropBytes(char* /*data*/, size_t size, size_t count,
                           void* self) {
  size_t& bytes = static_cast<Transfer*>(self)->bytes_;
  bytes += size * count;
  return bytes > kMaxAnswerBytes ? 0 : size * count;
}

ProbeResult Transfer::Judge(CURLcode code) const {
  const bool cut = code == CURLE_WRITE_ERROR && bytes_ > kMaxAnswerBytes;
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return {false,
            absl::StrCat("no answer in ", absl::FormatDuration(timeout_))};
  }
  if (code != CURLE_OK && !cut) {
    return {false, error_[0] != '\0' ? error_ : curl_easy_strerror(code)};
  }
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  return {status == kHttpOk, absl::StrCat("HTTP status ", status)};
}

void Transfer::OnFinished(CURLcode code) {
  const Probe::Done done = std::move(done_);
  gate_->Run([&] { done(Judge(code)); });
}

class HttpProbe final : public Probe {
 public:
  explicit HttpProbe(Question question)
      : question_(std::move(question)),
        thread_(CurlThread::Shared()),
        gate_(std::make_shared<CallbackGate>()) {}

  ~HttpProbe() override {
    if (transfer_ != nullptr) thread_->Drop(transfer_);
    gate_->Close();
  }

  void Start(absl::Duration timeout, Done done) override {
    transfer_ =
        std::make_shared<Transfer>(question_, timeout, std::move(done), gate_);
    thread_->Start(transfer_);
  }

  ProbeIdentity identity() const override {
    const auto& tls = question_.tls;
    return {absl::StrCat(question_.url, "\n", question_.host, "\n",
                         question_.connect_to, "\n",
                         tls.has_value() ? tls->ca_file : "", "\n",
                         tls.has_value() && tls->verify_peer ? 1 : 0,
                         tls.has_value() && tls->verify_host ? 1 : 0),
            nullptr};
  }

 private:
  const Question question_;
  const std::shared_ptr<CurlThread> thread_;
  const std::shared_ptr<CallbackGate> gate_;
  std::shared_ptr<Transfer> transfer_;  // The newest.
};

// The host and port of a URL.
std::string InUrl(const Endpoint& endpoint) {
  // A scope's % is written %25 in URLs (RFC 6874).
  return absl::StrReplaceAll(endpoint.address(), {{"%", "%25"}});
}

class HttpProbeFactory final : public ProbeFactory {
 public:
  HttpProbeFactory(const ActiveHealthConfig& config,
                   absl::optional<HttpsProbeOptions> tls)
      : config_(config), tls_(std::move(tls)) {}

  std::unique_ptr<Probe> Make(const Endpoint& endpoint,
                              absl::string_view address) const override {
    // One that is no address gives a URL that libcurl refuses.
    Endpoint asked =
        Endpoint::Parse(address).value_or(Endpoint::Of("", endpoint.port));
    Endpoint named = endpoint;
    if (config_.port.has_value()) asked.port = *config_.port;
    named.port = asked.port;
    Question question;
    question.host = absl::StrCat("Host: ", named.address());
    question.tls = tls_;
    const absl::string_view slash =
        absl::StartsWith(config_.path, "/") ? "" : "/";
    if (!tls_.has_value() || asked.host.empty()) {
      question.url = absl::StrCat("http://", InUrl(asked), slash, config_.path);
    } else {
      // The host of the URL is the name that the certificate must have.
      question.connect_to = absl::StrCat("::", asked.address());
      if (!tls_->server_name.empty()) named.host = tls_->server_name;
      question.url =
          absl::StrCat("https://", InUrl(named), slash, config_.path);
    }
    return std::make_unique<HttpProbe>(std::move(question));
  }

 private:
  const ActiveHealthConfig config_;
  const absl::optional<HttpsProbeOptions> tls_;
};

}  // namespace

std::unique_ptr<ProbeFactory> MakeHttpProbeFactory(
    const ActiveHealthConfig& config) {
  return std::make_unique<HttpProbeFactory>(config, absl::nullopt);
}

std::unique_ptr<ProbeFactory> MakeHttpsProbeFactory(
    const ActiveHealthConfig& config, HttpsProbeOptions options) {
  return std::make_unique<HttpProbeFactory>(config, std::move(options));
}

}  // namespace multi_backend
