// Tests of CheckRequest() and Site.
#include "multi_backend/observability/admin/http/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "google/protobuf/util/json_util.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/observability/testing/fixed_channel.h"

namespace multi_backend {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

RequestRules Rules() {
  RequestRules rules;
  rules.allowed_hosts = {"localhost", "127.0.0.1", "[::1]", "status.example"};
  rules.csrf_token = "csrf";
  rules.actions = true;
  return rules;
}

HttpRequest Get(const std::string& uri) {
  HttpRequest request;
  request.method = "GET";
  request.uri = uri;
  request.headers["host"] = "localhost:8080";
  return request;
}

HttpRequest Post(const std::string& uri, const std::string& body) {
  HttpRequest request = Get(uri);
  request.method = "POST";
  request.body = body;
  request.headers["content-type"] = "application/json";
  request.headers["x-csrf-token"] = "csrf";
  request.headers["origin"] = "http://localhost:8080";
  request.peer = "127.0.0.1:9";
  return request;
}

std::string Header(const HttpResponse& response, const std::string& name) {
  for (const auto& header : response.headers) {
    if (header.first == name) return header.second;
  }
  return "";
}

TEST(RequestRulesTest, HostsOfOthersAreRefused) {
  for (const char* const host :
       {"localhost", "localhost:1", "LOCALHOST:80", "127.0.0.1:8080",
        "[::1]:80", "status.example"}) {
    HttpRequest request = Get("/");
    request.headers["host"] = host;
    EXPECT_EQ(CheckRequest(request, Rules()).status, 200) << host;
  }
  for (const char* const host :
       {"", "evil.example", "localhost.evil.example", "evil.example:8080",
        "localhost:", "localhost:x", "localhost:123456", "[::1", "[::1]x",
        "localhost,evil.example", "127.0.0.1.evil.example", "0.0.0.0",
        "user@localhost"}) {
    HttpRequest request = Get("/");
    request.headers["host"] = host;
    const HttpResponse response = CheckRequest(request, Rules());
    EXPECT_EQ(response.status, 421) << host;
    EXPECT_THAT(response.body, HasSubstr("allowed_hosts"));
  }
  HttpRequest none = Get("/");
  none.headers.erase("host");
  EXPECT_EQ(CheckRequest(none, Rules()).status, 421);
}

TEST(RequestRulesTest, PagesOfOtherSitesAreRefused) {
  for (const char* const origin :
       {"http://evil.example", "null", "https://localhost:8080",
        "http://localhost:8081", "http://localhost"}) {
    HttpRequest request = Get("/status.json");
    request.headers["origin"] = origin;
    EXPECT_EQ(CheckRequest(request, Rules()).status, 403) << origin;
    request = Post("/actions/drain", "{}");
    request.headers["origin"] = origin;
    EXPECT_EQ(CheckRequest(request, Rules()).status, 403) << origin;
  }
  HttpRequest request = Get("/");
  request.headers["sec-fetch-site"] = "cross-site";
  EXPECT_EQ(CheckRequest(request, Rules()).status, 403);
  request.headers["sec-fetch-site"] = "same-origin";
  EXPECT_EQ(CheckRequest(request, Rules()).status, 200);
}

TEST(RequestRulesTest, PathTricksAreRefused) {
  for (const char* const uri :
       {"", "http://localhost/", "//", "/../etc/passwd", "/%2e%2e/etc/passwd",
        "/status.json%00", "/page.js/../status.json", "/\\status.json", "/a b",
        "*", "/status.json;x", "/%73tatus.json"}) {
    EXPECT_EQ(CheckRequest(Get(uri), Rules()).status, 400) << uri;
  }
}

TEST(RequestRulesTest, TheTokenIsAskedFor) {
  RequestRules rules = Rules();
  rules.token = "0123456789abcdef";
  for (const char* const authorization :
       {"", "Bearer", "Bearer ", "Bearer 0123456789abcde",
        "Bearer 0123456789abcdeg", "Bearer 0123456789abcdef0", "Basic",
        "Basic MDEyMzQ1Njc4OWFiY2RlZg==" /* no colon */, "Basic !!!!",
        "Digest 0123456789abcdef"}) {
    HttpRequest request = Get("/metrics");
    request.headers["authorization"] = authorization;
    const HttpResponse response = CheckRequest(request, rules);
    EXPECT_EQ(response.status, 401) << authorization;
    EXPECT_THAT(Header(response, "WWW-Authenticate"), HasSubstr("Basic"));
    EXPECT_THAT(response.body, Not(HasSubstr("0123456789abcdef")));
  }
  for (const char* const authorization :
       {"Bearer 0123456789abcdef", "bearer 0123456789abcdef",
        "Basic YWRtaW46MDEyMzQ1Njc4OWFiY2RlZg==" /* admin:… */}) {
    HttpRequest request = Get("/metrics");
    request.headers["authorization"] = authorization;
    EXPECT_EQ(CheckRequest(request, rules).status, 200) << authorization;
  }
}

TEST(RequestRulesTest, ActionsNeedPostAndTheCsrfToken) {
  EXPECT_EQ(CheckRequest(Post("/actions/drain", "{}"), Rules()).status, 200);
  const HttpResponse get = CheckRequest(Get("/actions/drain"), Rules());
  EXPECT_EQ(get.status, 405);
  EXPECT_EQ(Header(get, "Allow"), "POST");
  for (const char* const token : {"", "csrg", "csr", "csrff"}) {
    HttpRequest request = Post("/actions/drain", "{}");
    request.headers["x-csrf-token"] = token;
    EXPECT_EQ(CheckRequest(request, Rules()).status, 403) << token;
  }
  HttpRequest form = Post("/actions/drain", "backend=a");
  form.headers["content-type"] = "application/x-www-form-urlencoded";
  EXPECT_EQ(CheckRequest(form, Rules()).status, 415);
  EXPECT_EQ(
      CheckRequest(Post("/actions/drain", std::string(4097, ' ')), Rules())
          .status,
      413);
  RequestRules off = Rules();
  off.actions = false;
  const HttpResponse refused = CheckRequest(Post("/actions/drain", "{}"), off);
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("enable_actions"));
}

TEST(RequestRulesTest, OnlyActionsChangeAnything) {
  for (const char* const method :
       {"POST", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    HttpRequest request = Get("/status.json");
    request.method = method;
    EXPECT_EQ(CheckRequest(request, Rules()).status, 405) << method;
  }
}

class SiteTest : public ::testing::Test {
 protected:
  SiteTest()
      : pool_(BackendPool::Create()),
        lease_(pool_->Acquire("1.1.1.1:1", "a:1")) {
    ChannelStatus status;
    status.target = "static:///a:1";
    status.config_json = "{}";
    status.backends.resize(1);
    status.backends[0].name = "<script>a</script>:1";
    status.backends[0].state = "ALIVE";
    source_ = std::make_shared<FixedChannel>(status, pool_);
    options_.monitor = Monitor::Create();
    options_.monitor->OnChannel(source_);
    options_.rules = Rules();
  }

  const std::shared_ptr<BackendPool> pool_;
  const std::unique_ptr<BackendPool::Lease> lease_;
  std::shared_ptr<FixedChannel> source_;
  SiteOptions options_;
};

TEST_F(SiteTest, EveryAnswerHasTheHeadersThatBindABrowser) {
  const Site site(options_);
  for (const HttpRequest& request :
       {Get("/"), Get("/page.js"), Get("/nothing"), Get("/status.json"),
        Get("/../x"), Get("/events"), Get("/actions/drain")}) {
    const HttpResponse response = site.Answer(request);
    EXPECT_THAT(
        Header(response, "Content-Security-Policy"),
        AllOf(HasSubstr("default-src 'none'"),
              HasSubstr("frame-ancestors 'none'"), Not(HasSubstr("unsafe"))))
        << request.uri;
    EXPECT_EQ(Header(response, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(Header(response, "X-Frame-Options"), "DENY");
    EXPECT_EQ(Header(response, "Cache-Control"), "no-store");
    EXPECT_EQ(Header(response, "Access-Control-Allow-Origin"), "");
  }
}

TEST_F(SiteTest, BrowsersGetHtmlAndOthersText) {
  const Site site(options_);
  HttpRequest request = Get("/");
  request.headers["accept"] = "*/*";  // As curl.
  EXPECT_THAT(site.Answer(request).body, HasSubstr("multi_backend 0."));
  request.headers["accept"] = "text/html,application/xhtml+xml,*/*;q=0.8";
  EXPECT_THAT(site.Answer(request).body, HasSubstr("<!DOCTYPE html>"));
  request.uri = "/?format=text";
  EXPECT_EQ(site.Answer(request).content_type, "text/plain; charset=utf-8");
  request.headers.erase("accept");
  request.uri = "/?format=html";
  EXPECT_EQ(site.Answer(request).content_type, "text/html; charset=utf-8");
}

TEST_F(SiteTest, ThePageHasNoInlineScriptAndNoOutsideResource) {
  const Site site(options_);
  const std::string html = site.Answer(Get("/?format=html")).body;
  EXPECT_THAT(html, Not(HasSubstr("://")));
  EXPECT_THAT(html, Not(HasSubstr("style=")));
  EXPECT_THAT(html, Not(HasSubstr("<script>")));
  const std::string script = site.Answer(Get("/page.js")).body;
  for (const char* const unsafe :
       {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
        "eval("}) {
    EXPECT_THAT(script, Not(HasSubstr(unsafe)));
  }
}

TEST_F(SiteTest, TheJsonIsThatOfTheMessages) {
  const Site site(options_);
  const HttpResponse response = site.Answer(Get("/status.json"));
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(Header(response, "X-CSRF-Token"), "csrf");
  EXPECT_THAT(response.body, Not(HasSubstr("csrf")));
  admin::v1::Status status;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(response.body, &status).ok());
  EXPECT_TRUE(status.actions_enabled());
  EXPECT_EQ(status.channels(0).backends(0).name(), "<script>a</script>:1");
  // Not even a browser that takes it for HTML finds a tag.
  EXPECT_THAT(response.body, Not(HasSubstr("<script")));
  admin::v1::Config config;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                  site.Answer(Get("/config.json")).body, &config)
                  .ok());
  EXPECT_EQ(config.channels(0).service_config_json(), "{}");
  admin::v1::Calls calls;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(
                  site.Answer(Get("/calls.json")).body, &calls)
                  .ok());
}

TEST_F(SiteTest, WithoutActionsThereIsNoCsrfToken) {
  options_.rules.actions = false;
  const Site site(options_);
  EXPECT_EQ(Header(site.Answer(Get("/status.json")), "X-CSRF-Token"), "");
}

TEST_F(SiteTest, AnActionIsCarriedOutAndIsAnEvent) {
  const Site site(options_);
  const HttpResponse response =
      site.Answer(Post("/actions/markUnhealthy", R"({"backend": "a:1"})"));
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr("a:1 marked unhealthy"));
  EXPECT_EQ(pool_->GetAllBackends()[0].state, BackendState::kDown);
  uint64_t newest = 0;
  const std::string events = site.StreamEvents(&newest);
  EXPECT_EQ(newest, 1);
  EXPECT_THAT(events,
              AllOf(HasSubstr("id: 1\n"), HasSubstr("127.0.0.1:9 over HTTP")));
  EXPECT_EQ(site.StreamEvents(&newest), "");
  const HttpResponse unknown = site.Answer(Post("/actions/explode", "{}"));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(site.Answer(Post("/actions/markHealthy", "{")).status, 400);
}

TEST_F(SiteTest, PageAndMetricsAreSwitchedOffApart) {
  const HttpResponse metrics = Site(options_).Answer(Get("/metrics"));
  EXPECT_EQ(metrics.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(metrics.body, HasSubstr("multi_backend_build_info{"));
  options_.serve_page = false;
  const Site only_metrics(options_);
  EXPECT_EQ(only_metrics.Answer(Get("/metrics")).status, 200);
  for (const char* const path :
       {"/", "/status.json", "/calls.json", "/config.json", "/events"}) {
    EXPECT_EQ(only_metrics.Answer(Get(path)).status, 404) << path;
  }
  EXPECT_EQ(only_metrics.Answer(Post("/actions/drain", "{}")).status, 404);
  options_.serve_metrics = false;
  options_.serve_page = true;
  EXPECT_EQ(Site(options_).Answer(Get("/metrics")).status, 404);
}

}  // namespace
}  // namespace multi_backend
