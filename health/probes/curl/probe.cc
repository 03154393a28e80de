#include "multi_backend/health/probes/curl/probe.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
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
};

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
  ProbeResult Judge(CURLcode code) const;

  const absl::Duration timeout_;
  Probe::Done done_;
  const std::shared_ptr<CallbackGate> gate_;
  size_t bytes_ = 0;
  char error_[CURL_ERROR_SIZE] = "";
  std::unique_ptr<curl_slist, ListDeleter> headers_;
  // Last: it uses the others until it ends.
  const std::unique_ptr<CURL, EasyDeleter> easy_{curl_easy_init()};
};

Transfer::Transfer(const Question& question, absl::Duration timeout,
                   Probe::Done done, std::shared_ptr<CallbackGate> gate)
    : timeout_(timeout), done_(std::move(done)), gate_(std::move(gate)) {
  CURL* const easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_URL, question.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
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

 private:
  const Question question_;
  const std::shared_ptr<CurlThread> thread_;
  const std::shared_ptr<CallbackGate> gate_;
  std::shared_ptr<Transfer> transfer_;  // The newest.
};

class HttpProbeFactory final : public ProbeFactory {
 public:
  explicit HttpProbeFactory(const ActiveHealthConfig& config)
      : config_(config) {}

  std::unique_ptr<Probe> Make(const Endpoint& endpoint,
                              absl::string_view address) const override {
    // One that is no address gives a URL that libcurl refuses.
    Endpoint asked =
        Endpoint::Parse(address).value_or(Endpoint::Of("", endpoint.port));
    Endpoint named = endpoint;
    if (config_.port.has_value()) asked.port = *config_.port;
    named.port = asked.port;
    // A scope's % is written %25 in URLs (RFC 6874).
    return std::make_unique<HttpProbe>(Question{
        absl::StrCat(
            "http://", absl::StrReplaceAll(asked.address(), {{"%", "%25"}}),
            absl::StartsWith(config_.path, "/") ? "" : "/", config_.path),
        absl::StrCat("Host: ", named.address())});
  }

 private:
  const ActiveHealthConfig config_;
};

}  // namespace

std::unique_ptr<ProbeFactory> MakeHttpProbeFactory(
    const ActiveHealthConfig& config) {
  return std::make_unique<HttpProbeFactory>(config);
}

}  // namespace multi_backend
