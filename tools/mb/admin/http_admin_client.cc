#include <curl/curl.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "multi_backend/observability/admin/asked_for.h"
#include "multi_backend/tools/mb/admin/admin_client.h"
#include "multi_backend/tools/mb/admin/messages.h"

namespace multi_backend {
namespace mb {
namespace {

constexpr long kTimeoutMillis = 10'000;
constexpr size_t kMaxAnswerBytes = 16 << 20;
constexpr absl::string_view kTokenHeader = "x-csrf-token:";

struct Headers {
  curl_slist* list = nullptr;
  ~Headers() { curl_slist_free_all(list); }
  void Add(const std::string& header) {
    list = curl_slist_append(list, header.c_str());
  }
};

// What one request takes and gives.
struct Exchange {
  std::string body;
  std::string csrf_token;
  // Takes the body, if set; false ends the request.
  std::function<bool(absl::string_view)> on_piece;
  bool ended_by_us = false;
};

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const absl::string_view piece(data, size * count);
  if (exchange.on_piece != nullptr) {
    if (exchange.on_piece(piece)) return piece.size();
    exchange.ended_by_us = true;
    return 0;
  }
  if (exchange.body.size() + piece.size() > kMaxAnswerBytes) return 0;
  absl::StrAppend(&exchange.body, piece);
  return piece.size();
}

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  const absl::string_view line(data, size * count);
  if (absl::StartsWithIgnoreCase(line, kTokenHeader)) {
    static_cast<Exchange*>(user)->csrf_token = std::string(
        absl::StripAsciiWhitespace(line.substr(kTokenHeader.size())));
  }
  return line.size();
}

absl::StatusCode CodeOf(long http_status) {
  switch (http_status) {
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

class HttpAdminClient final : public AdminClient {
 public:
  explicit HttpAdminClient(AdminAddress address)
      : address_(std::move(address)),
        base_(absl::StripSuffix(address_.address, "/")) {}

  absl::StatusOr<admin::v1::Status> GetStatus(
      const std::string& target) override {
    Exchange exchange;
    admin::v1::Status status;
    const absl::Status read = Get("/status.json", exchange, &status);
    if (!read.ok()) return read;
    csrf_token_ = exchange.csrf_token;
    KeepTarget(target, &status);
    return status;
  }

  absl::StatusOr<admin::v1::Calls> GetCalls(
      const admin::v1::GetCallsRequest& request) override {
    Exchange exchange;
    admin::v1::Calls calls;
    const absl::Status read = Get("/calls.json", exchange, &calls);
    if (!read.ok()) return read;
    KeepAskedCalls(request, &calls);
    return calls;
  }

  absl::Status WatchEvents(
      const admin::v1::WatchEventsRequest& request,
      const std::function<void(const admin::v1::Event&)>& on_event) override {
    uint64_t last = UINT64_MAX;  // The event after which to end.
    if (request.kept_only()) {
      const auto status = GetStatus("");
      if (!status.ok()) return status.status();
      last = status->newest_event();
      if (last == 0 || last == request.after()) return absl::OkStatus();
    }
    bool ended = false;
    EventStreamReader reader([&](const admin::v1::Event& event) {
      ended = ended || event.sequence() >= last;
      if (event.sequence() > last) return;
      if (IsAskedFor(event, request)) on_event(event);
    });
    Exchange exchange;
    absl::Status status;
    exchange.on_piece = [&](absl::string_view piece) {
      status = reader.Add(piece);
      return status.ok() && !ended;
    };
    Headers headers;
    headers.Add(absl::StrCat("Last-Event-ID: ", request.after()));
    const absl::Status done =
        Perform("/events", nullptr, headers, !request.kept_only(), exchange);
    if (!status.ok()) return Named(status);
    return done;
  }

  absl::StatusOr<admin::v1::ActionResult> Act(const Action& action) override {
    const auto status = GetStatus("");  // For the token.
    if (!status.ok()) return status.status();
    if (!status->actions_enabled()) {
      return Named(absl::PermissionDeniedError(
          "actions are off; the application turns them on with "
          "StatusOptions::enable_actions"));
    }
    Headers headers;
    headers.Add(absl::StrCat("X-CSRF-Token: ", csrf_token_));
    headers.Add("Content-Type: application/json");
    Exchange exchange;
    const std::string body = ActionJson(action);
    const absl::Status done =
        Perform(absl::StrCat("/actions/", ActionName(action.kind)), &body,
                headers, /*endless=*/false, exchange);
    if (!done.ok()) return done;
    admin::v1::ActionResult result;
    const absl::Status read = FromJson(exchange.body, &result);
    if (!read.ok()) return Named(read);
    return result;
  }

 private:
  absl::Status Get(const std::string& path, Exchange& exchange,
                   google::protobuf::Message* message) {
    Headers headers;
    const absl::Status done =
        Perform(path, nullptr, headers, /*endless=*/false, exchange);
    if (!done.ok()) return done;
    return Named(FromJson(exchange.body, message));
  }

  absl::Status Perform(const std::string& path, const std::string* post,
                       Headers& headers, bool endless, Exchange& exchange) {
    const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(),
                                                      curl_easy_cleanup);
    if (curl == nullptr) return absl::InternalError("cannot start libcurl");
    CURL* const handle = curl.get();
    const std::string url = base_ + path;
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    // A proxy of the environment is not meant for an operator's question.
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, kTimeoutMillis);
    if (!endless) {
      curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, kTimeoutMillis);
    }
    curl_blob ca = {};
    if (!address_.ca_pem.empty()) {
      ca = {const_cast<char*>(address_.ca_pem.data()), address_.ca_pem.size(),
            CURL_BLOB_NOCOPY};
      curl_easy_setopt(handle, CURLOPT_CAINFO_BLOB, &ca);
    }
    if (!address_.token.empty()) {
      headers.Add(absl::StrCat("Authorization: Bearer ", address_.token));
    }
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.list);
    if (post != nullptr) {
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE,
                       static_cast<long>(post->size()));
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, post->data());
    }
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, OnBody);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, OnHeader);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
    const CURLcode code = curl_easy_perform(handle);
    if (code != CURLE_OK && !exchange.ended_by_us) {
      return Named(absl::UnavailableError(curl_easy_strerror(code)));
    }
    long http_status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &http_status);
    if (http_status == 200) return absl::OkStatus();
    admin::v1::Error error;
    const bool said =
        FromJson(exchange.body, &error).ok() && !error.message().empty();
    return Named(absl::Status(
        CodeOf(http_status),
        said ? error.message() : absl::StrCat("HTTP status ", http_status)));
  }

  absl::Status Named(const absl::Status& status) const {
    if (status.ok()) return status;
    return absl::Status(status.code(),
                        absl::StrCat(base_, ": ", status.message()));
  }

  const AdminAddress address_;
  const std::string base_;
  std::string csrf_token_;
};

}  // namespace

std::unique_ptr<AdminClient> MakeHttpAdminClient(const AdminAddress& address) {
  return std::make_unique<HttpAdminClient>(address);
}

}  // namespace mb
}  // namespace multi_backend
