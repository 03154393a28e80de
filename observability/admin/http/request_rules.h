// What a request to the status page must obey before anything looks at it.
//
// The page is for a person at a browser and for tools, so the rules keep out
// what reaches it through that browser: pages of other sites (Origin), names
// that were bound again to this address (Host), and forms (CSRF token).  They
// also ask for the token, where there is one.
//
// Pure.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_REQUEST_RULES_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_REQUEST_RULES_H_

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

struct HttpRequest {
  // By name in lower case.  A header that came twice has both values, joined
  // by ",".
  using Headers = std::map<std::string, std::string, std::less<>>;

  // One header; "" if it is absent.  `name` in lower case.
  absl::string_view Header(absl::string_view name) const;
  // The part of `uri` before "?".
  absl::string_view path() const;
  // One parameter after "?"; "" if it is absent.  Nothing is unescaped.
  absl::string_view Parameter(absl::string_view name) const;

  std::string method;  // "GET", …, in capitals.
  std::string uri;     // As the client sent it.
  Headers headers;
  std::string body;
  std::string peer;  // Who asks, for events: "127.0.0.1:40312".
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  // The body is the stream of events.
  bool stream = false;
};

struct RequestRules {
  // Names and addresses without port, in lower case; IPv6 in brackets.
  std::vector<std::string> allowed_hosts;
  bool tls = false;
  std::string token;       // "" = none is needed.
  std::string csrf_token;  // For actions.
  bool actions = false;
};

// What the paths of actions begin with.
constexpr absl::string_view kActionsPath = "/actions/";

// The longest body that an action may have.
constexpr size_t kMaxActionBody = 4096;

// Returns a response with the reason if the request breaks a rule, else one
// with the status 200.
HttpResponse CheckRequest(const HttpRequest& request,
                          const RequestRules& rules);

// An admin.v1.Error as JSON.  `status` must not be OK.
HttpResponse ErrorResponse(int http_status, const absl::Status& status);
HttpResponse ErrorResponse(const absl::Status& status);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_REQUEST_RULES_H_
