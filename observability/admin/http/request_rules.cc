#include "multi_backend/observability/admin/http/request_rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/json_util.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/observability/admin/shown_text.h"

namespace multi_backend {
namespace {

// Takes the same time wherever the texts differ.
bool SameSecret(absl::string_view given, absl::string_view secret) {
  unsigned char difference = given.size() == secret.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    difference |= given[i] ^ (secret.empty() ? 1 : secret[i % secret.size()]);
  }
  return difference == 0 && !secret.empty();
}

// "localhost:80" -> "localhost", "[::1]:80" -> "[::1]"; "" if it is malformed.
std::string HostName(absl::string_view host) {
  size_t end = host.find(':');
  if (absl::StartsWith(host, "[")) {
    end = host.find(']');
    if (end == absl::string_view::npos) return "";
    ++end;
  }
  const absl::string_view port =
      end < host.size() ? host.substr(end) : absl::string_view();
  if (!port.empty() &&
      (port[0] != ':' || port.size() < 2 || port.size() > 6 ||
       !std::all_of(port.begin() + 1, port.end(), absl::ascii_isdigit))) {
    return "";
  }
  return absl::AsciiStrToLower(host.substr(0, end));
}

// "Bearer TOKEN" is for tools; browsers ask for "Basic", of which only the
// password counts.
bool HasToken(absl::string_view authorization, absl::string_view token) {
  const size_t space = authorization.find(' ');
  if (space == absl::string_view::npos) return false;
  const absl::string_view scheme = authorization.substr(0, space);
  const absl::string_view credentials =
      absl::StripAsciiWhitespace(authorization.substr(space));
  if (absl::EqualsIgnoreCase(scheme, "bearer")) {
    return SameSecret(credentials, token);
  }
  std::string decoded;
  if (!absl::EqualsIgnoreCase(scheme, "basic") ||
      !absl::Base64Unescape(credentials, &decoded)) {
    return false;
  }
  const size_t colon = decoded.find(':');
  return colon != std::string::npos &&
         SameSecret(absl::string_view(decoded).substr(colon + 1), token);
}

// Every path of the page is plain, so nothing needs to be unescaped.
bool IsPlainPath(absl::string_view path) {
  if (path.empty() || path[0] != '/' || absl::StrContains(path, "//") ||
      absl::StrContains(path, "..")) {
    return false;
  }
  return std::all_of(path.begin(), path.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '/' || c == '.' || c == '_' ||
           c == '-';
  });
}

HttpResponse CheckAction(const HttpRequest& request,
                         const RequestRules& rules) {
  if (request.method != "POST") {
    HttpResponse response = ErrorResponse(
        405, absl::InvalidArgumentError("an action needs the method POST"));
    response.headers.emplace_back("Allow", "POST");
    return response;
  }
  if (!rules.actions) {
    return ErrorResponse(absl::PermissionDeniedError(
        "actions are off: the application turns them on with "
        "StatusOptions::enable_actions"));
  }
  if (!SameSecret(request.Header("x-csrf-token"), rules.csrf_token)) {
    return ErrorResponse(absl::PermissionDeniedError(
        "X-CSRF-Token is missing or wrong: GET /status.json returns it in the "
        "header of that name, until the server is started again"));
  }
  const absl::string_view type = request.Header("content-type");
  if (!absl::EqualsIgnoreCase(
          absl::StripAsciiWhitespace(type.substr(0, type.find(';'))),
          "application/json")) {
    return ErrorResponse(415,
                         absl::InvalidArgumentError(
                             "an action needs Content-Type: application/json"));
  }
  if (request.body.size() > kMaxActionBody) {
    return ErrorResponse(
        413, absl::InvalidArgumentError(absl::StrCat(
                 "the body has more than ", kMaxActionBody, " bytes")));
  }
  return {};
}

}  // namespace

absl::string_view HttpRequest::Header(absl::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? absl::string_view() : found->second;
}

absl::string_view HttpRequest::path() const {
  return absl::string_view(uri).substr(0, uri.find('?'));
}

absl::string_view HttpRequest::Parameter(absl::string_view name) const {
  const size_t query = uri.find('?');
  if (query == std::string::npos) return "";
  for (absl::string_view parameter :
       absl::StrSplit(absl::string_view(uri).substr(query + 1), '&')) {
    if (absl::ConsumePrefix(&parameter, name) &&
        absl::ConsumePrefix(&parameter, "=")) {
      return parameter;
    }
  }
  return "";
}

HttpResponse CheckRequest(const HttpRequest& request,
                          const RequestRules& rules) {
  const absl::string_view host = request.Header("host");
  const std::string name = HostName(host);
  if (name.empty() ||
      std::find(rules.allowed_hosts.begin(), rules.allowed_hosts.end(), name) ==
          rules.allowed_hosts.end()) {
    return ErrorResponse(
        421, absl::PermissionDeniedError(absl::StrCat(
                 "the host \"", ShownText(host, 100),
                 "\" is not allowed: use localhost or the server's address, or "
                 "add the name to StatusOptions::allowed_hosts")));
  }
  const absl::string_view origin = request.Header("origin");
  const absl::string_view site = request.Header("sec-fetch-site");
  if ((!origin.empty() &&
       !absl::EqualsIgnoreCase(
           origin, absl::StrCat(rules.tls ? "https://" : "http://", host))) ||
      site == "cross-site" ||
      (site == "same-site" && request.method == "POST")) {
    return ErrorResponse(absl::PermissionDeniedError(
        "requests of other sites are refused: open the page itself"));
  }
  if (!IsPlainPath(request.path())) {
    return ErrorResponse(400, absl::InvalidArgumentError("malformed path"));
  }
  if (!rules.token.empty() &&
      !HasToken(request.Header("authorization"), rules.token)) {
    HttpResponse response = ErrorResponse(absl::UnauthenticatedError(
        "send the token as \"Authorization: Bearer TOKEN\", or as the password "
        "in a browser; any user name will do"));
    response.headers.emplace_back("WWW-Authenticate",
                                  "Basic realm=\"multi_backend\"");
    return response;
  }
  if (absl::StartsWith(request.path(), kActionsPath)) {
    return CheckAction(request, rules);
  }
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse response = ErrorResponse(
        405, absl::InvalidArgumentError("only actions have another method "
                                        "than GET"));
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  return {};
}

HttpResponse ErrorResponse(int http_status, const absl::Status& status) {
  admin::v1::Error error;
  error.set_code(absl::StatusCodeToString(status.code()));
  error.set_message(ShownText(status.message()));
  HttpResponse response;
  response.status = http_status;
  response.content_type = "application/json";
  // It fails only for messages that are no UTF-8.
  (void)google::protobuf::util::MessageToJsonString(error, &response.body);
  response.body += "\n";
  return response;
}

HttpResponse ErrorResponse(const absl::Status& status) {
  int http_status = 500;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      http_status = 400;
      break;
    case absl::StatusCode::kUnauthenticated:
      http_status = 401;
      break;
    case absl::StatusCode::kPermissionDenied:
      http_status = 403;
      break;
    case absl::StatusCode::kNotFound:
      http_status = 404;
      break;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
      http_status = 503;
      break;
    default:
      break;
  }
  return ErrorResponse(http_status, status);
}

}  // namespace multi_backend
