#include "multi_backend/proto/config/parser/parser.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/proto/config/testing/config_table.h"

namespace multi_backend {
namespace {

using ::testing::StartsWith;

std::string RouteJson(absl::string_view fields) {
  return RoutingJson(absl::StrCat(R"("routes":[{)", fields, "}]"));
}

std::string BackendJson(absl::string_view address) {
  return PolicyJson(
      absl::StrCat(R"("backends":[{"address":")", address, "\"}]"));
}

std::string Repeated(absl::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) absl::StrAppend(&all, i ? "," : "", text);
  return all;
}

TEST(ConfigParserTest, ATextThatIsNoJsonSaysWhereAndWhy) {
  const std::string end =
      "line 1, column 1: expected a value, found the end of the text";
  ConfigTable table;
  table.AddText("empty", "", end);
  table.AddText("a word", "strategy", "line 1, column 1: expected a value");
  table.AddText("unclosed object", "{\"a\":1",
                "line 1, column 7: expected ',' or '}'");
  table.AddText(
      "no value", "{\"a\":",
      "line 1, column 6: expected a value, found the end of the text");
  table.AddText("no colon", "{\n  \"a\": 1,\n  \"b\" 2\n}",
                "line 3, column 7: expected ':'");
  table.AddText("comma at the end", "{\"a\":1,}",
                "line 1, column 8: expected a key in double quotes");
  table.AddText("comma at the end of a list", "{\"a\":[1,]}",
                "line 1, column 9: expected a value");
  table.AddText("bare key", "{a:1}",
                "line 1, column 2: expected a key in double quotes");
  table.AddText("single quotes", "{'a':1}",
                "line 1, column 2: expected a key in double quotes");
  table.AddText("comment", "{/* */}",
                "line 1, column 2: expected a key in double quotes");
  table.AddText("more after the end", "{} {}",
                "line 1, column 4: expected the end of the text");
  table.AddText("NUL after the end", std::string("{}\0", 3),
                "line 1, column 3: expected the end of the text");
  table.AddText("NUL in a string", std::string("{\"a\":\"x\0\"}", 10),
                "line 1, column 8: a control character in a string must be "
                "escaped");
  table.AddText("invalid UTF-8", "{\"a\":\"\xff\"}",
                "line 1, column 7: invalid UTF-8");
  table.AddText("duplicate key", "{\"a\":1,\"a\":2}",
                "line 1, column 8: duplicate key \"a\"");
  table.AddText("10,000 brackets", std::string(10000, '['),
                "line 1, column 25: nested deeper than 24 levels");
  table.AddText("1,000,000 objects", "{\"a\":" + std::string(1000000, '['),
                "line 1, column 29: nested deeper than 24 levels");
  table.Expect();
}

// protobuf finds these, and each of its releases says so in other words.
TEST(ConfigParserTest, WhatOnlyProtobufFindsIsNoJsonEither) {
  for (const char* json : {R"({"a":1,"\u0061":2})", R"({"a":1e999})"}) {
    const absl::Status status = ParseServiceConfig(json).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << json;
    EXPECT_THAT(std::string(status.message()),
                StartsWith("multi_backend config is not valid JSON: "));
  }
}

TEST(ConfigParserTest, TheOutermostValueIsAnObject) {
  for (const char* json : {"[]", "null", "1", "\"x\"", "true"}) {
    EXPECT_EQ(
        ParseServiceConfig(json).status(),
        absl::InvalidArgumentError("multi_backend config is not a JSON object"))
        << json;
    EXPECT_EQ(ParsePolicyConfig(json).status(),
              absl::InvalidArgumentError(
                  "errors validating multi_backend config: "
                  "[field:multi_backend error:is not an object]"))
        << json;
  }
}

TEST(ConfigParserTest, ATextOfMoreThanOneMebibyteIsRefused) {
  const std::string most = "{}" + std::string((1 << 20) - 2, ' ');
  EXPECT_TRUE(ParseServiceConfig(most).ok());
  EXPECT_EQ(ParseServiceConfig(most + " ").status(),
            absl::InvalidArgumentError(
                "multi_backend config is longer than 1048576 bytes"));
}

TEST(ConfigParserTest, ThePlacesInTheServiceConfigHaveTheirForm) {
  ConfigTable table;
  table.Add("the list is an object", R"({"loadBalancingConfig":{}})",
            "field:loadBalancingConfig error:is not an array");
  table.Add("an entry is a string",
            R"({"loadBalancingConfig":["round_robin"]})",
            "field:loadBalancingConfig[0] error:is not an object");
  table.Add("an entry is empty", R"({"loadBalancingConfig":[{}]})",
            "field:loadBalancingConfig[0] error:must have exactly one key");
  table.Add("an entry has two keys",
            R"({"loadBalancingConfig":[{"multi_backend":{},"rls":{}}]})",
            "field:loadBalancingConfig[0] error:must have exactly one key");
  table.Add(
      "two entries are for multi_backend",
      R"({"loadBalancingConfig":[{"multi_backend":{}},{"multi_backend":{}}]})",
      "field:loadBalancingConfig[1] error:is a second entry for multi_backend");
  table.Add("our entry is a list",
            R"({"loadBalancingConfig":[{"multi_backend":[]}]})",
            "field:multi_backend error:is not an object");
  table.Add("our entry is null",
            R"({"loadBalancingConfig":[{"multi_backend":null}]})",
            "field:multi_backend error:is not an object");
  table.Add("the routing is a list", R"({"multiBackend":[]})",
            "field:multiBackend error:is not an object");
  table.Expect();
}

TEST(ConfigParserTest, AFieldOfTheWrongTypeIsNamed) {
  ConfigTable table;
  table.Add("strategy is a number", PolicyJson(R"("strategy":1)"),
            "field:strategy error:is not a string");
  table.Add("strategy is unknown", PolicyJson(R"("strategy":"FASTEST")"),
            absl::StrCat("field:strategy error:\"FASTEST\" is not one of ",
                         StrategyNames()));
  table.Add("strategy is empty", PolicyJson(R"("strategy":"")"),
            absl::StrCat("field:strategy error:\"\" is not one of ",
                         StrategyNames()));
  table.Add(
      "strategy is long",
      PolicyJson(absl::StrCat(R"("strategy":")", std::string(100, 'X'), "\"")),
      absl::StrCat("field:strategy error:\"", std::string(40, 'X'),
                   "...\" is not one of ", StrategyNames()));
  table.Add("strategy is in lower case", PolicyJson(R"("strategy":"sticky")"),
            absl::StrCat("field:strategy error:\"sticky\" is not one of ",
                         StrategyNames()));
  table.Add("strategy has odd characters",
            PolicyJson(R"("strategy":"A\u0000\n")"),
            absl::StrCat("field:strategy error:\"A\\x00\\n\" is not one of ",
                         StrategyNames()));
  table.Add("roles is a list", PolicyJson(R"("roles":[])"),
            "field:roles error:is not an object");
  table.Add("a role is a string", PolicyJson(R"("roles":{"a":"STICKY"})"),
            "field:roles[\"a\"] error:is not an object");
  table.Add("a role is null", PolicyJson(R"("roles":{"a":null})"),
            "field:roles[\"a\"] error:is not an object");
  table.Add("a role's strategy",
            PolicyJson(R"("roles":{"a":{"strategy":"X"}})"),
            absl::StrCat("field:roles[\"a\"].strategy error:\"X\" is not one "
                         "of ",
                         StrategyNames()));
  table.Add("members is an object", PolicyJson(R"("members":{})"),
            "field:members error:is not an array");
  table.Add("a member is a number", PolicyJson(R"("members":[1])"),
            "field:members[0] error:is not an object");
  table.Add("a member's name is a number",
            PolicyJson(R"("members":[{"name":1}])"),
            "field:members[0].name error:is not a string");
  table.Add("labels is a list",
            PolicyJson(R"("members":[{"name":"a","select":{"labels":[]}}])"),
            "field:members[0].select.labels error:is not an object");
  table.Add(
      "a label is a number",
      PolicyJson(R"("members":[{"name":"a","select":{"labels":{"k":1}}}])"),
      "field:members[0].select.labels[\"k\"] error:is not a string");
  table.Add("backends is a string", PolicyJson(R"("backends":"a:1")"),
            "field:backends error:is not an array");
  table.Add("a backend is a string", PolicyJson(R"("backends":["a:1"])"),
            "field:backends[0] error:is not an object");
  table.Add("weight is a string",
            PolicyJson(R"("backends":[{"address":"a:1","weight":"5"}])"),
            "field:backends[0].weight error:is not a number");
  table.Add("weight is a fraction",
            PolicyJson(R"("backends":[{"address":"a:1","weight":0.5}])"),
            "field:backends[0].weight error:is not an integer");
  table.Add("weight is huge",
            PolicyJson(R"("backends":[{"address":"a:1","weight":1e300}])"),
            "field:backends[0].weight error:is too large");
  table.Add("failover is a boolean", PolicyJson(R"("failover":true)"),
            "field:failover error:is not an object");
  table.Add("maxRetries is a string",
            PolicyJson(R"("failover":{"maxRetries":"2"})"),
            "field:failover.maxRetries error:is not a number");
  table.Add("codes is a string",
            PolicyJson(R"("failover":{"retriableStatusCodes":"UNAVAILABLE"})"),
            "field:failover.retriableStatusCodes error:is not an array");
  table.Add("a code is a number",
            PolicyJson(R"("failover":{"retriableStatusCodes":[14]})"),
            "field:failover.retriableStatusCodes[0] error:is not a string");
  table.Add("a code is null",
            PolicyJson(R"("failover":{"retriableStatusCodes":[null]})"),
            "field:failover.retriableStatusCodes[0] error:is not a string");
  table.Add("perTryTimeout is a number",
            PolicyJson(R"("failover":{"perTryTimeout":0.5})"),
            "field:failover.perTryTimeout error:is not a string");
  table.Add("perTryTimeout has the wrong unit",
            PolicyJson(R"("failover":{"perTryTimeout":"500ms"})"),
            "field:failover.perTryTimeout error:\"500ms\" is not a duration "
            "like \"1.5s\"");
  table.Add("perTryTimeout is empty",
            PolicyJson(R"("failover":{"perTryTimeout":""})"),
            "field:failover.perTryTimeout error:\"\" is not a duration like "
            "\"1.5s\"");
  for (const char* odd : {"s", "-s", "-.5s", "1.s", ".5s", "+1s", "1e3s", " 1s",
                          "1s ", "1S", "1.0000000001s", "100000000000s"}) {
    table.Add(odd,
              PolicyJson(
                  absl::StrCat(R"("failover":{"perTryTimeout":")", odd, "\"}")),
              absl::StrCat("field:failover.perTryTimeout error:\"", odd,
                           "\" is not a duration like \"1.5s\""));
  }
  // These are durations, but out of bounds.
  for (const char* far : {"-0.5s", "-1s", "-0s", "0.000000001s",
                          "99999999999.999999999s", "00000003601s"}) {
    table.Add(far,
              PolicyJson(
                  absl::StrCat(R"("failover":{"perTryTimeout":")", far, "\"}")),
              "field:failover.perTryTimeout error:must be from 0.001s to "
              "3600s");
  }
  table.Add("ratio is a string",
            PolicyJson(R"("failover":{"budget":{"ratio":"NaN"}})"),
            "field:failover.budget.ratio error:is not a number");
  table.Add("routes is an object", RoutingJson(R"("routes":{})"),
            "field:routes error:is not an array");
  table.Add("match is a string", RouteJson(R"("match":"Get.*")"),
            "field:routes[0].match error:is not an object");
  table.Add("method is a list", RouteJson(R"("match":{"method":["Get"]})"),
            "field:routes[0].match.method error:is not a string");
  table.Add("retry is a boolean", RouteJson(R"("retry":false)"),
            "field:routes[0].retry error:is not a string");
  table.Add("retry is unknown", RouteJson(R"("retry":"ALWAYS")"),
            "field:routes[0].retry error:\"ALWAYS\" is not one of DEFAULT, "
            "NEVER");
  table.Add("stickyKey is a string", RoutingJson(R"("stickyKey":"x-user")"),
            "field:stickyKey error:is not an object");
  table.Add("header is a number", RoutingJson(R"("stickyKey":{"header":1})"),
            "field:stickyKey.header error:is not a string");
  table.Expect();
}

TEST(ConfigParserTest, ABalancerThatBreaksARuleIsNamed) {
  const std::string bad_name = "error:must be 1 to 64 of [A-Za-z0-9_.-]";
  ConfigTable table;
  table.Add("loadBound below 1",
            PolicyJson(R"("strategy":"STICKY","sticky":{"loadBound":0.99})"),
            "field:sticky.loadBound error:must be from 1 to 10");
  table.Add("loadBound above 10",
            PolicyJson(R"("strategy":"STICKY","sticky":{"loadBound":10.1})"),
            "field:sticky.loadBound error:must be from 1 to 10");
  table.Add("sticky with the default strategy", PolicyJson(R"("sticky":{})"),
            "field:sticky error:only for strategy STICKY");
  table.Add("primary with another strategy",
            PolicyJson(R"("strategy":"RANDOM","primary":{"holdDown":"1s"})"),
            "field:primary error:only for strategy PRIMARY");
  table.Add(
      "peakEwma with another strategy",
      PolicyJson(R"("roles":{"a":{"strategy":"WEIGHTED","peakEwma":{}}})"),
      "field:roles[\"a\"].peakEwma error:only for strategy PEAK_EWMA");
  table.Add("holdDown below zero",
            PolicyJson(R"("strategy":"PRIMARY","primary":{"holdDown":"-1s"})"),
            "field:primary.holdDown error:must be from 0s to 3600s");
  table.Add(
      "holdDown of a day",
      PolicyJson(R"("strategy":"PRIMARY","primary":{"holdDown":"86400s"})"),
      "field:primary.holdDown error:must be from 0s to 3600s");
  table.Add(
      "decayTime zero",
      PolicyJson(R"("strategy":"PEAK_EWMA","peakEwma":{"decayTime":"0s"})"),
      "field:peakEwma.decayTime error:must be from 0.001s to 3600s");
  table.Add("a role with an empty name", PolicyJson(R"("roles":{"":{}})"),
            "field:roles[\"\"] " + bad_name);
  table.Add("a role with a space", PolicyJson(R"("roles":{"a b":{}})"),
            "field:roles[\"a b\"] " + bad_name);
  table.Add("a role with odd characters", PolicyJson(R"("roles":{"é\n":{}})"),
            "field:roles[\"\\xc3\\xa9\\n\"] " + bad_name);
  table.Add(
      "a role with 65 characters",
      PolicyJson(absl::StrCat("\"roles\":{\"", std::string(65, 'r'), "\":{}}")),
      absl::StrCat("field:roles[\"", std::string(65, 'r'), "\"] ", bad_name));
  table.Add("a role with the name of a mode",
            PolicyJson(R"("roles":{"ANY":{}})"),
            "field:roles[\"ANY\"] error:FAIL and ANY cannot be names of roles");
  table.Add("a role with a name and a selector",
            PolicyJson(R"("roles":{"a":{"name":"a","select":{}}})"),
            "field:roles[\"a\"].name error:only for an entry of members; "
            "field:roles[\"a\"].select error:only for an entry of members");
  table.Add("a member without a name", PolicyJson(R"("members":[{}])"),
            "field:members[0].name error:is required");
  table.Add("a member with a bad name",
            PolicyJson(R"("members":[{"name":"a/b"}])"),
            "field:members[0].name " + bad_name);
  table.Add("members of one name",
            PolicyJson(R"("members":[{"name":"a"},{"name":"b"},{"name":"a"}])"),
            "field:members[2].name error:duplicate of members[0].name");
  table.Add("a selector with a bad role",
            PolicyJson(R"("members":[{"name":"a","select":{"role":"x y"}}])"),
            "field:members[0].select.role " + bad_name);
  table.Add(
      "a selector with a long zone",
      PolicyJson(absl::StrCat(R"("members":[{"name":"a","select":{"zone":")",
                              std::string(257, 'z'), "\"}}]")),
      "field:members[0].select.zone error:is longer than 256 bytes");
  table.Add(
      "a selector with a label without a name",
      PolicyJson(R"("members":[{"name":"a","select":{"labels":{"":"x"}}}])"),
      "field:members[0].select.labels[\"\"] error:a label needs a name");
  table.Add(
      "five levels of members",
      PolicyJson(R"("members":[{"name":"a","members":[{"name":"b","members":)"
                 R"([{"name":"c","members":[{"name":"d","members":[)"
                 R"({"name":"e"}]}]}]}]}])"),
      "field:members[0].members[0].members[0].members[0].members "
      "error:nested deeper than 4 levels");
  table.Expect();
}

TEST(ConfigParserTest, ABackendThatBreaksARuleIsNamed) {
  const std::string at = "field:backends[0].address error:";
  const std::string no_v6 = "text in brackets is not an IPv6 address";
  ConfigTable table;
  table.Add("no address", PolicyJson(R"("backends":[{}])"), at + "is required");
  table.Add("no port", BackendJson("host"),
            at + "port is missing, write host:port");
  table.Add("empty port", BackendJson("host:"),
            at + "port is missing, write host:port");
  table.Add("port 0", BackendJson("host:0"), at + "port must be 1..65535");
  table.Add("port 65536", BackendJson("host:65536"),
            at + "port must be 1..65535");
  table.Add("port with a sign", BackendJson("host:+80"),
            at + "port \"+80\" is not a number");
  table.Add("port by name", BackendJson("host:http"),
            at + "port \"http\" is not a number");
  table.Add("no host", BackendJson(":80"),
            at + "host is missing, write host:port");
  table.Add("bare IPv6", BackendJson("::1:80"),
            at + "IPv6 addresses need brackets: [::1]:80");
  table.Add("open bracket", BackendJson("[::1"),
            at + "\"[\" has no matching \"]\"");
  table.Add("IPv6 without a port", BackendJson("[::1]"),
            at + "port is missing, write [host]:port");
  table.Add("IPv6 with text after it", BackendJson("[::1]x:80"),
            at + "\"]\" must be followed by :port");
  table.Add("a name in brackets", BackendJson("[host]:80"), at + no_v6);
  table.Add("IPv6 with an empty zone", BackendJson("[fe80::1%]:80"),
            at + no_v6);
  table.Add("IPv6 with a NUL", BackendJson("[::1\\u0000]:80"), at + no_v6);
  table.Add("a path", BackendJson("host/x:80"),
            at + "host must not contain \"/\"");
  table.Add("an IPv4 address out of range", BackendJson("10.0.0.256:80"),
            at + "host is not an IPv4 address");
  table.Add("an empty label", BackendJson("a..b:80"),
            at + "host has an empty label");
  table.Add("a long label", BackendJson(std::string(64, 'a') + ":80"),
            at + "host has a label longer than 63 characters");
  table.Add("a long host", BackendJson(std::string(254, 'a') + ":80"),
            at + "host is longer than 253 characters");
  table.Add(
      "one address twice",
      PolicyJson(R"("backends":[{"address":"Host:1"},{"address":"host:1"}])"),
      "field:backends[1].address error:duplicate of backends[0].address");
  table.Add("weight below zero",
            PolicyJson(R"("backends":[{"address":"a:1","weight":-1}])"),
            "field:backends[0].weight error:must be from 0 to 1000000");
  table.Add("weight above a million",
            PolicyJson(R"("backends":[{"address":"a:1","weight":1000001}])"),
            "field:backends[0].weight error:must be from 0 to 1000000");
  table.Add(
      "priority of 33 bits",
      PolicyJson(R"("backends":[{"address":"a:1","priority":2147483648}])"),
      "field:backends[0].priority error:must be from -2147483648 to "
      "2147483647");
  table.Add("a bad role",
            PolicyJson(R"("backends":[{"address":"a:1","role":"a,b"}])"),
            "field:backends[0].role error:must be 1 to 64 of [A-Za-z0-9_.-]");
  table.Add("a reserved role",
            PolicyJson(R"("backends":[{"address":"a:1","role":"FAIL"}])"),
            "field:backends[0].role error:FAIL and ANY cannot be names of "
            "roles");
  table.Add(
      "10,001 backends",
      PolicyJson(absl::StrCat("\"backends\":[",
                              Repeated(R"({"address":"a:1"})", 10001), "]")),
      "field:backends error:has more than 10000 entries");
  table.Expect();
}

TEST(ConfigParserTest, AFailoverThatBreaksARuleIsNamed) {
  const auto failover = [](absl::string_view fields) {
    return PolicyJson(absl::StrCat("\"failover\":{", fields, "}"));
  };
  ConfigTable table;
  table.Add("maxRetries below zero", failover(R"("maxRetries":-1)"),
            "field:failover.maxRetries error:must be from 0 to 4");
  table.Add("maxRetries above four", failover(R"("maxRetries":5)"),
            "field:failover.maxRetries error:must be from 0 to 4");
  table.Add("no codes", failover(R"("retriableStatusCodes":[])"),
            "field:failover.retriableStatusCodes error:must not be empty; "
            "maxRetries 0 turns retries off");
  table.Add("an unknown code", failover(R"("retriableStatusCodes":["BUSY"])"),
            "field:failover.retriableStatusCodes[0] error:\"BUSY\" is no "
            "status code");
  table.Add("a code in lower case",
            failover(R"("retriableStatusCodes":["unavailable"])"),
            "field:failover.retriableStatusCodes[0] error:\"unavailable\" is "
            "no status code");
  table.Add("a long code",
            failover(absl::StrCat(R"("retriableStatusCodes":[")",
                                  std::string(100, 'X'), "\"]")),
            absl::StrCat("field:failover.retriableStatusCodes[0] error:\"",
                         std::string(40, 'X'), "...\" is no status code"));
  table.Add("OK", failover(R"("retriableStatusCodes":["UNAVAILABLE","OK"])"),
            "field:failover.retriableStatusCodes[1] error:OK is no failure");
  table.Add("one code twice",
            failover(R"("retriableStatusCodes":["ABORTED","ABORTED"])"),
            "field:failover.retriableStatusCodes[1] error:duplicate of "
            "failover.retriableStatusCodes[0]");
  table.Add("perTryTimeout zero", failover(R"("perTryTimeout":"0s")"),
            "field:failover.perTryTimeout error:must be from 0.001s to 3600s");
  table.Add("perTryTimeout above an hour",
            failover(R"("perTryTimeout":"3600.001s")"),
            "field:failover.perTryTimeout error:must be from 0.001s to 3600s");
  table.Add("maxConnectWait below zero", failover(R"("maxConnectWait":"-1s")"),
            "field:failover.maxConnectWait error:must be from 0s to 3600s");
  table.Add("maxConnectWait above an hour",
            failover(R"("maxConnectWait":"3600.001s")"),
            "field:failover.maxConnectWait error:must be from 0s to 3600s");
  table.Add("ratio above one", failover(R"("budget":{"ratio":1.01})"),
            "field:failover.budget.ratio error:must be from 0 to 1");
  table.Add("ratio below zero", failover(R"("budget":{"ratio":-0.1})"),
            "field:failover.budget.ratio error:must be from 0 to 1");
  table.Add("minRetriesPerSecond above its bound",
            failover(R"("budget":{"minRetriesPerSecond":10001})"),
            "field:failover.budget.minRetriesPerSecond error:must be from 0 to "
            "10000");
  for (const char* size : {"-1", "0", "1023", "1073741825"}) {
    table.Add(absl::StrCat("retryBuffer ", size),
              failover(absl::StrCat("\"retryBuffer\":", size)),
              "field:failover.retryBuffer error:must be from 1024 to "
              "1073741824");
  }
  table.Expect();
}

TEST(ConfigParserTest, ARoutingThatBreaksARuleIsNamed) {
  ConfigTable table;
  table.Add("open parenthesis", RouteJson(R"("match":{"method":"(Get|List"})"),
            "field:routes[0].match.method error:missing ): (Get|List");
  table.Add("nothing to repeat", RouteJson(R"("match":{"service":"*"})"),
            "field:routes[0].match.service error:no argument for repetition "
            "operator: *");
  table.Add("a look-ahead", RouteJson(R"re("match":{"method":"(?=Get)"})re"),
            "field:routes[0].match.method error:invalid perl operator: (?=");
  table.Add("a backreference", RouteJson(R"("match":{"method":"(a)\\1"})"),
            "field:routes[0].match.method error:invalid escape sequence: \\1");
  table.Add("too many repetitions",
            RouteJson(R"("match":{"method":"((a{100}){100}){100}"})"),
            "field:routes[0].match.method error:invalid repetition size: "
            "{100}");
  table.Add("a pattern that compiles to too much",
            RouteJson(R"("match":{"method":"\\pL{100}"})"),
            "field:routes[0].match.method error:pattern too large - compile "
            "failed");
  table.Add("a long pattern",
            RouteJson(absl::StrCat(R"("match":{"method":")",
                                   std::string(1001, '('), "\"}")),
            "field:routes[0].match.method error:is longer than 1000 bytes");
  table.Add("a bad role", RouteJson(R"("role":"a b")"),
            "field:routes[0].role error:must be 1 to 64 of [A-Za-z0-9_.-]");
  table.Add("a reserved role", RouteJson(R"("role":"ANY")"),
            "field:routes[0].role error:FAIL and ANY cannot be names of roles");
  table.Add("whenUnavailable without a role",
            RouteJson(R"("whenUnavailable":"ANY")"),
            "field:routes[0].whenUnavailable error:only for a route with a "
            "role");
  table.Add("whenUnavailable with its own role",
            RouteJson(R"("role":"a","whenUnavailable":"a")"),
            "field:routes[0].whenUnavailable error:is the route's own role");
  table.Add("whenUnavailable with a bad name",
            RouteJson(R"("role":"a","whenUnavailable":"a or b")"),
            "field:routes[0].whenUnavailable error:must be FAIL, ANY or the "
            "name of a role");
  table.Add(
      "1,001 routes",
      RoutingJson(absl::StrCat("\"routes\":[", Repeated("{}", 1001), "]")),
      "field:routes error:has more than 1000 entries");
  table.Add("an empty sticky key", RoutingJson(R"("stickyKey":{})"),
            "field:stickyKey error:needs header or requestField");
  table.Add("two sticky keys",
            RoutingJson(R"("stickyKey":{"header":"a","requestField":"b"})"),
            "field:stickyKey error:has both header and requestField");
  const std::string no_key = "error:must be a metadata key of [a-z0-9_.-]";
  for (const char* header :
       {"X-User", ":path", "a b", "a\\n", "\\u0000", "é"}) {
    table.Add(
        header,
        RoutingJson(absl::StrCat(R"("stickyKey":{"header":")", header, "\"}")),
        "field:stickyKey.header " + no_key);
  }
  table.Add("a header of gRPC",
            RoutingJson(R"("stickyKey":{"header":"grpc-x"})"),
            "field:stickyKey.header error:keys that begin with grpc- are "
            "reserved");
  table.Add("a binary header",
            RoutingJson(R"("stickyKey":{"header":"id-bin"})"),
            "field:stickyKey.header error:a binary key (-bin) cannot be used");
  table.Add("several things about one header",
            RoutingJson(R"("stickyKey":{"header":"grpc-id-bin"})"),
            "field:stickyKey.header errors:[keys that begin with grpc- are "
            "reserved; a binary key (-bin) cannot be used]");
  for (const char* field :
       {".", "a.", ".a", "a..b", "1a", "a-b", "a[0]", " "}) {
    table.Add(
        field,
        RoutingJson(
            absl::StrCat(R"("stickyKey":{"requestField":")", field, "\"}")),
        "field:stickyKey.requestField error:must be field names joined by "
        "dots");
  }
  table.Add("17 field names",
            RoutingJson(R"("stickyKey":{"requestField":)"
                        R"("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"})"),
            "field:stickyKey.requestField error:has more than 16 names");
  table.Expect();
}

TEST(ConfigParserTest, AllErrorsOfBothPartsComeAtOnceByPath) {
  ConfigTable table;
  table.Add(
      "shapes and rules",
      R"({"multiBackend":{"routes":[{"match":{"method":"("}},{"role":7}],
                          "stickyKey":{}},
          "loadBalancingConfig":[{"multi_backend":{
             "strategy":"X",
             "members":[{"name":"a"},{"strategy":"RANDOM"}],
             "failover":{"maxRetries":9,"perTryTimeout":"soon"}}}]})",
      absl::StrCat(
          "field:failover.maxRetries error:must be from 0 to 4; "
          "field:failover.perTryTimeout error:\"soon\" is not a duration like "
          "\"1.5s\"; "
          "field:members[1].name error:is required; "
          "field:routes[0].match.method error:missing ): (; "
          "field:routes[1].role error:is not a string; "
          "field:stickyKey error:needs header or requestField; "
          "field:strategy error:\"X\" is not one of ",
          StrategyNames()));
  table.Expect();
}

TEST(ConfigParserTest, AnUnreadableFieldGivesNoSecondError) {
  ConfigTable table;
  table.Add("options of an unreadable strategy",
            PolicyJson(R"("strategy":7,"sticky":{"loadBound":2},"primary":{})"),
            "field:strategy error:is not a string");
  table.Add(
      "options of an unknown strategy",
      PolicyJson(R"("members":[{"name":"a","strategy":"X","sticky":{}}])"),
      absl::StrCat("field:members[0].strategy error:\"X\" is not one of ",
                   StrategyNames()));
  table.Add("what an unreadable backend lacks",
            PolicyJson(R"("backends":[7,7])"),
            "field:backends[0] error:is not an object; "
            "field:backends[1] error:is not an object");
  table.Add("whenUnavailable of an unreadable role",
            RouteJson(R"("role":7,"whenUnavailable":"ANY")"),
            "field:routes[0].role error:is not a string");
  table.Add("codes that cannot be read",
            PolicyJson(R"("failover":{"retriableStatusCodes":{}})"),
            "field:failover.retriableStatusCodes error:is not an array");
  table.Add("the others keep their index",
            PolicyJson(R"("members":[7,{"name":"a b"}])"),
            "field:members[0] error:is not an object; "
            "field:members[1].name error:must be 1 to 64 of [A-Za-z0-9_.-]");
  table.Expect();
}

TEST(ConfigParserTest, AtMostAHundredFieldsAreNamed) {
  const auto parsed = ParseServiceConfig(
      PolicyJson(absl::StrCat("\"backends\":[", Repeated("{}", 1000), "]")));
  const std::string message(parsed.status().message());
  EXPECT_TRUE(absl::EndsWith(message, "; and 900 more fields]")) << message;
  EXPECT_LT(message.size(), 6000u);
}

TEST(ConfigParserTest, NothingGivenIsTheDefaults) {
  for (const char* json :
       {"{}", " \n{\t} ", R"({"loadBalancingConfig":[]})",
        R"({"loadBalancingConfig":null,"multiBackend":null})",
        R"({"loadBalancingConfig":[{"round_robin":{}}]})",
        R"({"loadBalancingConfig":[{"multi_backend":{}}],"multiBackend":{}})",
        R"({"loadBalancingPolicy":"multi_backend","methodConfig":[{}]})"}) {
    const auto parsed = ParseServiceConfig(json, {true});
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->config, Config()) << json;
    EXPECT_TRUE(parsed->warnings.empty()) << json;
  }
}

TEST(ConfigParserTest, NullIsTheDefaultOfAField) {
  const auto parsed = ParseServiceConfig(
      R"({"loadBalancingConfig":[{"multi_backend":{
            "strategy":null,"sticky":null,"roles":null,"members":null,
            "backends":null,"health":null,"pool":null,"backlog":null,
            "maxRequestsPerBackend":null,"maxRequestMetadata":null,
            "failover":{"maxRetries":null,"budget":null,"retryBuffer":null,
            "retriableStatusCodes":null,"perTryTimeout":null}}}],
          "multiBackend":{"routes":null,"stickyKey":null}})",
      {true});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->config, Config());
}

// The example of the project's documentation.
TEST(ConfigParserTest, TheDocumentedExampleIsRead) {
  const auto parsed = ParseServiceConfig(R"(
{ "loadBalancingConfig": [ { "multi_backend": {
    "strategy": "STICKY",
    "roles":   { "replica": { "strategy": "LEAST_BUSY" } },
    "members": [ { "name": "eu", "select": {"zone": "eu"}, "strategy": "LEAST_BUSY" }, { "name": "us", "select": {"zone": "us"} } ],
    "backends": [ { "address": "10.0.0.1:50051", "weight": 3000, "role": "primary" } ],
    "health":  { "active": { "interval": "5s", "timeout": "2s", "unhealthyAfter": 3, "healthyAfter": 2, "service": "" },
                 "passive": { "unhealthyAfter": 3, "downRetryAfter": "1s", "maxDownRetryAfter": "30s", "overloadedFor": "3s" } },
    "failover": { "maxRetries": 2, "retriableStatusCodes": ["UNAVAILABLE"], "perTryTimeout": "0.5s",
                  "budget": { "ratio": 0.2, "minRetriesPerSecond": 10 } },
    "pool":    { "min": 1, "max": 10, "idleTimeout": "30s", "maxStreamsPerConnection": 100 },
    "backlog": { "limit": 1000, "timeout": "5s", "overloadTimeout": "1s" } } } ],
  "multiBackend": {
    "routes": [ { "match": { "method": "(Create|Update|Delete).*" }, "role": "primary" },
                { "match": { "service": "users\\..*", "method": "(Find|List|Get).*" }, "role": "replica", "whenUnavailable": "ANY" } ],
    "stickyKey": { "header": "x-user-id" } } })",
                                         {true});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(FormatWarnings(parsed->warnings), "");

  Config want;
  want.policy.root.strategy = StrategyKind::kSticky;
  want.policy.roles["replica"].strategy = StrategyKind::kLeastBusy;
  BalancerConfig member;
  member.name = "eu";
  member.select.zone = "eu";
  member.strategy = StrategyKind::kLeastBusy;
  want.policy.root.members.push_back(member);
  member.name = "us";
  member.select.zone = "us";
  member.strategy = StrategyKind::kRoundRobin;
  want.policy.root.members.push_back(member);
  BackendConfig backend;
  backend.address = "10.0.0.1:50051";
  backend.weight = 3000;
  backend.role = "primary";
  want.policy.backends = {backend};
  want.policy.failover.per_try_timeout = absl::Milliseconds(500);
  // The example gives these fields their defaults.
  want.policy.health.active.emplace();
  want.policy.health.passive.emplace();
  want.policy.pool.max = 10;
  want.policy.root.backlog.emplace();
  RouteConfig writes;
  writes.method = "(Create|Update|Delete).*";
  writes.role = "primary";
  RouteConfig reads;
  reads.service = "users\\..*";
  reads.method = "(Find|List|Get).*";
  reads.role = "replica";
  reads.when_unavailable = WhenUnavailable::kAny;
  want.routing.routes = {writes, reads};
  want.routing.sticky_key.emplace();
  want.routing.sticky_key->header = "x-user-id";
  EXPECT_EQ(parsed->config, want);
}

TEST(ConfigParserTest, EveryFieldArrivesWhereItBelongs) {
  const auto parsed = ParsePolicyConfig(R"({
      "strategy": "PRIMARY", "primary": {"holdDown": "1.5s"},
      "members": [{"name": "m", "strategy": "PEAK_EWMA",
                   "peakEwma": {"decayTime": "0.25s"},
                   "select": {"role": "", "zone": "z", "labels": {"k": "v"}},
                   "members": [{"name": "n", "strategy": "STICKY",
                                "sticky": {"loadBound": 1.25}}]}],
      "backends": [{"address": "[::1]:1", "weight": 0, "role": "", "zone": "",
                    "priority": -3, "labels": {"a": ""}},
                   {"address": "host.example.:65535"}],
      "failover": {"maxRetries": 0, "perTryTimeout": "3600s",
                   "maxConnectWait": "0s",
                   "retriableStatusCodes": ["RESOURCE_EXHAUSTED", "ABORTED"],
                   "budget": {"ratio": 0, "minRetriesPerSecond": 0.5},
                   "retryBuffer": 4194304},
      "maxRequestMetadata": 8192})",
                                        {true});
  ASSERT_TRUE(parsed.ok()) << parsed.status();

  PolicyConfig want;
  want.root.strategy = StrategyKind::kPrimary;
  want.root.hold_down = absl::Milliseconds(1500);
  BalancerConfig& member = want.root.members.emplace_back();
  member.name = "m";
  member.strategy = StrategyKind::kPeakEwma;
  member.ewma_decay = absl::Milliseconds(250);
  member.select.role = "";
  member.select.zone = "z";
  member.select.labels = {{"k", "v"}};
  BalancerConfig& inner = member.members.emplace_back();
  inner.name = "n";
  inner.strategy = StrategyKind::kSticky;
  inner.load_bound = 1.25;
  BackendConfig& drained = want.backends.emplace_back();
  drained.address = "[::1]:1";
  drained.weight = 0;
  drained.role = "";
  drained.zone = "";
  drained.priority = -3;
  drained.labels = {{"a", ""}};
  want.backends.emplace_back().address = "host.example.:65535";
  want.failover.max_retries = 0;
  want.failover.per_try_timeout = absl::Hours(1);
  want.failover.max_connect_wait = absl::ZeroDuration();
  want.failover.retriable_status_codes = {absl::StatusCode::kResourceExhausted,
                                          absl::StatusCode::kAborted};
  want.failover.budget_ratio = 0;
  want.failover.min_retries_per_second = 0.5;
  want.failover.retry_buffer = 4 << 20;
  want.max_request_metadata = 8192;
  EXPECT_EQ(*parsed, want);
}

TEST(ConfigParserTest, EveryFieldOfARouteArrives) {
  const auto parsed = ParseServiceConfig(RoutingJson(R"(
      "routes": [{"match": {"method": "A", "service": "s.B"}, "role": "x",
                  "whenUnavailable": "y", "retry": "NEVER"},
                 {"role": "x", "whenUnavailable": "FAIL", "retry": "DEFAULT"},
                 {}],
      "stickyKey": {"requestField": "user.id_2"})"),
                                         {true});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  RouteConfig full;
  full.method = "A";
  full.service = "s.B";
  full.role = "x";
  full.when_unavailable = WhenUnavailable::kRole;
  full.fallback_role = "y";
  full.retry = RetryMode::kNever;
  RouteConfig role_only;
  role_only.role = "x";
  EXPECT_EQ(parsed->config.routing.routes,
            (std::vector<RouteConfig>{full, role_only, RouteConfig()}));
  EXPECT_EQ(parsed->config.routing.sticky_key->request_field, "user.id_2");
}

TEST(ConfigParserTest, EveryStrategyAndStatusCodeIsReadByItsName) {
  for (const StrategyRow& row : kStrategies) {
    const auto policy =
        ParsePolicyConfig(absl::StrCat(R"({"strategy":")", row.name, "\"}"));
    ASSERT_TRUE(policy.ok()) << policy.status();
    EXPECT_EQ(policy->root.strategy, row.kind);
  }
  for (int i = 1; i <= 16; ++i) {
    const auto code = static_cast<absl::StatusCode>(i);
    const auto policy = ParsePolicyConfig(
        absl::StrCat(R"({"failover":{"retriableStatusCodes":[")",
                     absl::StatusCodeToString(code), "\"]}}"));
    ASSERT_TRUE(policy.ok()) << policy.status();
    EXPECT_EQ(policy->failover.retriable_status_codes,
              std::vector<absl::StatusCode>{code});
  }
}

TEST(ConfigParserTest, OptionsAreForTheStrategiesWhoseRowNamesThem) {
  ConfigTable refused;
  for (const StrategyRow& owner : kStrategies) {
    if (owner.options.empty()) continue;
    for (const StrategyRow& row : kStrategies) {
      const std::string json = PolicyJson(absl::StrCat(
          R"("strategy":")", row.name, R"(",")", owner.options, R"(":{})"));
      if (row.options == owner.options) {
        EXPECT_EQ(ParseServiceConfig(json, {true}).status(), absl::OkStatus());
        continue;
      }
      refused.Add(
          absl::StrCat(owner.options, " with ", row.name), json,
          absl::StrCat("field:", owner.options, " error:only for strategy ",
                       StrategiesWithOptions(owner.options)));
    }
  }
  refused.Expect();
}

TEST(ConfigParserTest, TheBoundsThemselvesAreLegal) {
  for (const std::string& json :
       {PolicyJson(R"("strategy":"STICKY","sticky":{"loadBound":1})"),
        PolicyJson(R"("strategy":"STICKY","sticky":{"loadBound":10})"),
        PolicyJson(R"("strategy":"PRIMARY","primary":{"holdDown":"0s"})"),
        PolicyJson(
            R"("strategy":"PEAK_EWMA","peakEwma":{"decayTime":"0.001s"})"),
        PolicyJson(R"("failover":{"maxRetries":4,"perTryTimeout":"0.001s"})"),
        PolicyJson(R"("failover":{"maxRetries":4.0})"),
        PolicyJson(R"("failover":{"budget":{"ratio":1,
                  "minRetriesPerSecond":10000}})"),
        PolicyJson(R"("failover":{"retryBuffer":1024},
                  "maxRequestMetadata":1024)"),
        PolicyJson(R"("failover":{"retryBuffer":1073741824},
                  "maxRequestMetadata":16777216)"),
        PolicyJson(R"("backends":[{"address":"a:1","weight":1000000,
                  "priority":-2147483648}])"),
        PolicyJson(R"("members":[{"name":"a","members":[{"name":"a","members":
                  [{"name":"a","members":[{"name":"a"}]}]}]}])"),
        RouteJson(absl::StrCat(R"("match":{"method":")", std::string(1000, 'a'),
                               "\"}")),
        BackendJson("[fe80::1%eth0]:80"),
        RoutingJson(absl::StrCat("\"routes\":[", Repeated("{}", 1000), "]"))}) {
    EXPECT_EQ(ParseServiceConfig(json, {true}).status(), absl::OkStatus())
        << json.substr(0, 100);
  }
}

TEST(ConfigParserTest, TenThousandBackendsFit) {
  std::string backends;
  for (int i = 0; i < 10000; ++i) {
    absl::StrAppend(&backends, i ? "," : "", R"({"address":"10.0.)", i / 250,
                    ".", i % 250, R"(:50051","weight":1000,"role":"replica"})");
  }
  const auto parsed = ParseServiceConfig(
      PolicyJson(absl::StrCat("\"backends\":[", backends, "]")));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->config.policy.backends.size(), 10000u);
}

// Every prefix of a valid text, and every text with one byte changed, is either
// read or refused with a message.
TEST(ConfigParserTest, ADamagedTextIsReadOrRefused) {
  const std::string json =
      R"({"loadBalancingConfig":[{"multi_backend":{"strategy":"STICKY",)"
      R"("sticky":{"loadBound":1.25},"roles":{"a":{}},"backends":[)"
      R"({"address":"[::1]:80","labels":{"k":"v\u00e9"}}],"failover":)"
      R"({"perTryTimeout":"0.5s"}}}],"multiBackend":{"routes":[{"match":)"
      R"({"method":"^(A|B[x]).*$"},"role":"a","retry":"NEVER"}]}})";
  ASSERT_EQ(ParseServiceConfig(json, {true}).status(), absl::OkStatus());
  for (size_t size = 0; size < json.size(); ++size) {
    EXPECT_FALSE(ParseServiceConfig(json.substr(0, size)).ok()) << size;
  }
  const std::string bytes("\0\n\"\\{}[]:,0e(*|\xff", 17);
  for (size_t at = 0; at < json.size(); ++at) {
    for (char byte : bytes) {
      std::string damaged = json;
      damaged[at] = byte;
      const auto parsed = ParseServiceConfig(damaged, {true});
      EXPECT_NE(parsed.status().code(), absl::StatusCode::kInternal)
          << damaged << parsed.status();
    }
  }
}

TEST(ConfigParserTest, WarningsAreFormattedLikeErrors) {
  EXPECT_EQ(FormatWarnings({}), "");
  EXPECT_EQ(FormatWarnings({{"a", "x"}, {"b[0]", "y"}}),
            "field:a warning:x; field:b[0] warning:y");
}

}  // namespace
}  // namespace multi_backend
