#include "multi_backend/observability/admin/http/site.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/json_util.h"
#include "multi_backend/observability/admin/act.h"
#include "multi_backend/observability/admin/action.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/observability/admin/event_log.h"
#include "multi_backend/observability/admin/http/page_files.h"
#include "multi_backend/observability/admin/status_text.h"
#include "multi_backend/observability/metrics/metrics.h"
#include "multi_backend/observability/metrics/text_format.h"

namespace multi_backend {
namespace {

constexpr char kJson[] = "application/json";

// Zeros and empty lists are printed too, so that readers need no defaults.
std::string Json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
#if GOOGLE_PROTOBUF_VERSION < 5026000
  options.always_print_primitive_fields = true;
#else
  options.always_print_fields_with_no_presence = true;
#endif
  std::string json;
  // It fails only for messages that are no UTF-8, which ShownText() prevents.
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  return json;
}

HttpResponse Text(absl::string_view content_type, std::string body) {
  HttpResponse response;
  response.content_type = std::string(content_type);
  response.body = std::move(body);
  return response;
}

// A browser names text/html; curl and other tools name nothing or everything.
bool WantsHtml(const HttpRequest& request) {
  const absl::string_view format = request.Parameter("format");
  if (format == "html" || format == "text") return format == "html";
  return absl::StrContains(request.Header("accept"), "text/html");
}

}  // namespace

HttpResponse Site::Answer(const HttpRequest& request) const {
  HttpResponse response = CheckRequest(request, options_.rules);
  if (response.status == 200) response = Route(request);
  auto& headers = response.headers;
  headers.emplace_back("Content-Type", response.content_type);
  headers.emplace_back(
      "Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src "
      "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  headers.emplace_back("X-Content-Type-Options", "nosniff");
  headers.emplace_back("X-Frame-Options", "DENY");
  headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
  headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  headers.emplace_back("Referrer-Policy", "no-referrer");
  headers.emplace_back("Cache-Control", "no-store");
  headers.emplace_back("Vary", "Accept");
  return response;
}

HttpResponse Site::Route(const HttpRequest& request) const {
  const absl::string_view path = request.path();
  if (path == "/metrics" && options_.serve_metrics) {
    return Text(kPrometheusContentType,
                PrometheusText(options_.monitor->metrics()->Collect()));
  }
  if (!options_.serve_page) {
    return ErrorResponse(absl::NotFoundError(
        "there is nothing here; this server has /metrics only"));
  }
  if (path == "/") return Index(request);
  if (path == "/page.js") {
    return Text("text/javascript; charset=utf-8", std::string(kPageJs));
  }
  if (path == "/page.css") {
    return Text("text/css; charset=utf-8", std::string(kPageCss));
  }
  if (path == "/status.json") {
    HttpResponse response = Text(kJson, StatusJson());
    if (options_.rules.actions) {
      response.headers.emplace_back("X-CSRF-Token", options_.rules.csrf_token);
    }
    return response;
  }
  if (path == "/calls.json") {
    return Text(kJson, Json(options_.monitor->GetCalls({})));
  }
  if (path == "/config.json") {
    return Text(kJson, Json(options_.monitor->GetConfig({})));
  }
  if (path == "/events") {
    HttpResponse response = Text("text/event-stream", "");
    response.stream = true;
    return response;
  }
  if (absl::StartsWith(path, kActionsPath)) return RunAction(request);
  return ErrorResponse(absl::NotFoundError(
      "there is nothing here; try /, /status.json, /calls.json, /config.json, "
      "/events or /metrics"));
}

HttpResponse Site::Index(const HttpRequest& request) const {
  if (WantsHtml(request)) {
    return Text("text/html; charset=utf-8", std::string(kIndexHtml));
  }
  return Text("text/plain; charset=utf-8", StatusText(GetStatus()));
}

HttpResponse Site::RunAction(const HttpRequest& request) const {
  const auto action = ParseAction(
      absl::StripPrefix(request.path(), kActionsPath), request.body);
  if (!action.ok()) return ErrorResponse(action.status());
  const auto result =
      Act(*options_.monitor, *action, absl::StrCat(request.peer, " over HTTP"));
  if (!result.ok()) return ErrorResponse(result.status());
  return Text(kJson, absl::StrCat(Json(*result), "\n"));
}

admin::v1::Status Site::GetStatus() const {
  admin::v1::Status status = options_.monitor->GetStatus({});
  status.set_actions_enabled(options_.rules.actions);
  return status;
}

std::string Site::StatusJson() const { return Json(GetStatus()); }

std::string Site::StreamBeginning() { return "retry: 1000\n\n"; }

std::string Site::StreamStatus() const {
  return absl::StrCat("event: status\ndata: ", StatusJson(), "\n\n");
}

std::string Site::StreamEvents(uint64_t* newest) const {
  std::string text;
  for (const auto& event : options_.monitor->events().After(*newest)) {
    *newest = event->sequence();
    absl::StrAppend(&text, "event: event\nid: ", *newest,
                    "\ndata: ", Json(*event), "\n\n");
  }
  return text;
}

uint64_t Site::newest_event() const {
  return options_.monitor->events().newest();
}

}  // namespace multi_backend
