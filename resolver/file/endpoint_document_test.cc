#include "multi_backend/resolver/file/endpoint_document.h"

#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/tests/testing/endpoint_document_oracle.h"

namespace multi_backend {
namespace {

void ExpectReadAsProtobufDoes(const std::string& json) {
  const auto ours = ParseEndpointDocument(json, EndpointPolicy());
  const auto theirs = ReadEndpointsByProtobuf(json, EndpointPolicy());
  ASSERT_EQ(ours.status().code(), theirs.status().code())
      << ours.status() << " but " << theirs.status();
  if (!ours.ok()) return;
  EXPECT_EQ(ours->endpoints, theirs->endpoints);
  EXPECT_EQ(ours->refused.count, theirs->refused.count);
  EXPECT_EQ(ours->refused.shown, theirs->refused.shown);
}

TEST(EndpointDocumentTest, ReadsEveryField) {
  const auto parsed = ParseEndpointDocument(R"({ "endpoints": [
      { "address": "10.0.0.1:50051" },
      { "address": "users.example:1", "weight": 2000, "role": "replica",
        "priority": -3, "zone": "eu", "labels": {"version": "7", "a": ""},
        "certificate": "ignored", "size": 2e3333333333333333, "authority": "evil.example" },
      { "address": "[2001:db8::1]:1", "weight": 0, "role": null } ],
      "unknown": {"x": [1]} })",
                                            EndpointPolicy());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  Endpoint second =
      Endpoint::Of("users.example", 1).WithWeight(2000).WithRole("replica");
  second.priority = -3;
  second.zone = "eu";
  second.labels = {{"version", "7"}, {"a", ""}};
  EXPECT_EQ(parsed->endpoints,
            (EndpointList{Endpoint::Of("10.0.0.1", 50051), second,
                          Endpoint::Of("2001:db8::1", 1).WithWeight(0)}));
  EXPECT_EQ(parsed->refused.count, 0u);
}

TEST(EndpointDocumentTest, EmptyIsAnAnswer) {
  for (const std::string text :
       {"{}", R"({"endpoints":[]})", " {\n} ", R"({"endpoints":null})"}) {
    const auto parsed = ParseEndpointDocument(text, EndpointPolicy());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_TRUE(parsed->endpoints.empty());
  }
}

TEST(EndpointDocumentTest, LeavesOutSingleEndpointsThatAreRefused) {
  struct Row {
    std::string endpoint;
    std::string refusal;
  };
  const std::vector<Row> rows = {
      {R"({})", R"(endpoints[1]: address "": empty, write host:port)"},
      {R"({"address": "a"})",
       R"(endpoints[1]: address "a": port is missing, write host:port)"},
      {R"({"address": "a:0"})",
       R"(endpoints[1]: address "a:0": port must be 1..65535)"},
      {R"({"address": "169.254.169.254:80"})",
       "endpoints[1] 169.254.169.254:80: link-local address"},
      {R"({"address": "OK:1"})", "endpoints[1] OK:1: the same address again"},
      {R"({"address": "a:1", "weight": -1})",
       "endpoints[1].weight: must be 0..1000000"},
      {R"({"address": "a:1", "weight": 1000001})",
       "endpoints[1] a:1: weight must be 0..1000000"},
      {R"({"address": "a:1", "weight": 9223372036854775807})",
       "endpoints[1].weight: must be 0..1000000"},
      {R"({"address": "a:1", "priority": 2147483648})",
       "endpoints[1].priority: must be a 32 bit integer"},
      {R"({"address": "a:1", "role": "a b"})",
       "endpoints[1] a:1: role is not a role name"},
      {R"({"address": "a:1", "labels": {"": "x"}})",
       "endpoints[1] a:1: a label has no name"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.endpoint);
    const auto parsed = ParseEndpointDocument(
        absl::StrCat(R"({"endpoints": [{"address": "ok:1"}, )", row.endpoint,
                     "]}"),
        EndpointPolicy());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->endpoints, EndpointList{Endpoint::Of("ok", 1)});
    EXPECT_EQ(parsed->refused.ToString(), "1 refused: " + row.refusal);
  }
}

TEST(EndpointDocumentTest, SaysWhereADocumentIsBroken) {
  struct Row {
    std::string text;
    std::string message;
  };
  const std::vector<Row> rows = {
      {"", "line 1, column 1: expected a value"},
      {"{\n  \"endpoints\" [] }", "line 2, column 15: expected ':'"},
      {R"({"endpoints": [{"address": "a:1")", "line 1, column 33: expected"},
      {R"({"endpoints": []} x)", "line 1, column 19: expected the end"},
      {R"({"endpoints": [{"address": "a:1"}, {"weight": "x"}]})",
       "endpoints[1].weight"},
      {R"({"endpoints": [{"address": "a:1"}, {"weight": 1.5}]})",
       "endpoints[1].weight"},
      {R"({"endpoints": [{"labels": {"a": {}}}]})", "does not fit the schema"},
      {R"({"endpoints": [7]})", "endpoints[0]"},
      {R"({"endpoints": [{"weight": 2e3333333333333333}]})",
       "does not fit the schema"},
      {R"({"endpoints": [{"address": "a:1"}, {"": 7}]})",
       "endpoints[1]: must be an object whose members have names"},
      {R"({"": [], "endpoints": []})",
       "must be an object whose members have names"},
      {R"([])", "does not fit the schema"},
      {R"(7)", "does not fit the schema"},
      {R"("x")", "does not fit the schema"},
  };
  for (const Row& row : rows) {
    const auto parsed = ParseEndpointDocument(row.text, EndpointPolicy());
    ASSERT_FALSE(parsed.ok()) << row.text;
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(parsed.status().message()).find(row.message),
              std::string::npos)
        << row.text << " gave " << parsed.status();
    EXPECT_EQ(parsed.status().message().find('\n'), absl::string_view::npos);
  }
}

TEST(EndpointDocumentTest, ReadsEachFormAsProtobufDoes) {
  if (!kProtobufIsTheOracle) GTEST_SKIP() << "the oracle is protobuf 3.21";
  for (const std::string entry :
       {R"({"address":"a:1"})",
        R"({ "address" : "a:1" , "weight" : 0 })",
        R"({"address":"[::1]:1","weight":2000,"role":"r","priority":-7})",
        R"({"address":"a:1","zone":"é","labels":{}})",
        R"({"address":"a:1","labels":{"":"x","b":"","c":"7"}})",
        R"({"address":"a:1","weight":9223372036854775807})",
        R"({"address":"a:1","weight":9223372036854775808})",
        R"({"address":"a:1","priority":-2147483649})",
        R"({"address":"a:1","priority":-0})",
        R"({"address":7})",
        R"({"address":"a:1","weight":"5"})",
        R"({"address":"a:1","weight":5e0})",
        R"({"address":"a:1","weight":null})",
        R"({"address":"a:1","labels":[]})",
        R"({"address":"a:1","labels":{"a":1}})",
        R"({})",
        R"([])",
        R"(null)",
        R"({"address":"a\u003a1"})",
        R"({"address":"a:1","Role":"r"})",
        R"({"address":"a:1","weight":5.0,"priority":-1.0e1})",
        R"({"address":"a:1","weight":5.5})",
        R"({"address":"a:1","weight":"5e0"})",
        R"({"address":"a:1","weight":"5.0"})",
        R"({"address":"a:1","weight":"05"})",
        R"({"address":"a:1","weight":"+5"})",
        R"({"address":"a:1","weight":" 5"})",
        R"({"address":"a:1","weight":"5 "})",
        R"({"address":"a:1","weight":"-0"})",
        R"({"address":"a:1","weight":"x"})",
        R"({"address":"a:1","weight":"0x5"})",
        R"({"address":"a:1","weight":""})",
        R"({"address":"a:1","weight":"\"5\""})",
        R"({"address":"a:1","weight":true})",
        R"({"address":"a:1","weight":[5]})",
        R"({"address":"a:1","weight":{}})",
        R"({"address":"a:1","weight":1e18})",
        R"({"address":"a:1","weight":9.3e18})",
        R"({"address":"a:1","weight":9223372036854775808.0})",
        R"({"address":"a:1","weight":-9223372036854775808})",
        R"({"address":"a:1","weight":-9223372036854775809})",
        R"({"address":"a:1","weight":-9223372036854775808.0})",
        R"({"address":"a:1","weight":1e-400})",
        R"({"address":"a:1","weight":1e400})",
        R"({"address":"a:1","zone":["x"]})",
        R"({"address":"a:1","zone":true})",
        R"({"address":"a:1","zone":null})",
        R"({"address":["a:1"]})",
        R"({"address":"a:1","labels":null})",
        R"({"address":"a:1","labels":"x"})",
        R"({"address":"a:1","labels":{"a":null}})",
        R"({"address":"a:1","labels":{"a":null}})",
        R"({"address":"a:1","labels":{"a":true}})",
        R"({"address":"a:1","labels":{"a":["x"]}})",
        R"({"address":"a:1","labels":{"a":"x","\u0061":"y"}})",
        R"({"address":"a:1","zone":"x","\u007aone":"y"})",
        R"({"address":"a:1","labels":{"a":"x"},"\u006cabels":{"b":"y"}})",
        R"({"address":"a:1","zone":"\ud83d\ude00\/\t"})",
        R"({"address":"a:1","unknown":{"weight":"x"}})",
        R"({"address":"a:1","unknown":[{"a":[]}]})",
        R"(7)",
        R"("a:1")",
        R"(true)"}) {
    SCOPED_TRACE(entry);
    ExpectReadAsProtobufDoes(absl::StrCat("{\"endpoints\":[", entry, ",", entry,
                                          ",{\"address\":\"z:1\"}]}"));
  }
  for (const std::string document :
       {R"({})", R"([])", R"(7)", R"("x")", R"(null)", R"({"endpoints":7})",
        R"({"endpoints":null})", R"({"endpoints":{}})",
        R"({"endpoints":{"address":"a:1"}})", R"({"endpoints":[[]]})",
        R"({"endpoints":[[{"address":"a:1"}],null,[{"address":"b"}]]})",
        R"({"endpoints":"x"})", R"({"Endpoints":7})",
        R"({"endpoints":[],"endpoint":[{"weight":"x"}]})",
        R"({"endpoints":[{"address":"a:1"}],
            "\u0065ndpoints":[{"address":"b:1"}]})"}) {
    SCOPED_TRACE(document);
    ExpectReadAsProtobufDoes(document);
  }
}

TEST(EndpointDocumentTest, EveryProperPrefixIsBroken) {
  const std::string text =
      R"({"endpoints": [{"address": "a:1", "weight": 10}, )"
      R"({"address": "b:12"}]})";
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(
        ParseEndpointDocument(text.substr(0, size), EndpointPolicy()).ok())
        << text.substr(0, size);
  }
  EXPECT_TRUE(ParseEndpointDocument(text, EndpointPolicy()).ok());
}

TEST(EndpointDocumentTest, RefusesADocumentThatIsTooLarge) {
  const std::string padding(1 << 20, ' ');
  EXPECT_TRUE(
      ParseEndpointDocument("{}" + padding.substr(2), EndpointPolicy()).ok());
  EXPECT_EQ(ParseEndpointDocument("{}" + padding, EndpointPolicy()).status(),
            absl::ResourceExhaustedError(
                "1048578 bytes, at most 1048576 are allowed"));
}

std::string DocumentOf(int count) {
  std::string text = R"({"endpoints": [)";
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ",\n", R"({"address": "10.0.)",
                    i / 256, ".", i % 256, R"(:50051", "weight": )", i,
                    R"(, "role": "replica", "zone": "eu"})");
  }
  return text + "]}";
}

TEST(EndpointDocumentTest, ReadsTenThousandEndpointsInAHundredMilliseconds) {
  const std::string text = DocumentOf(10000);
  absl::Duration best = absl::InfiniteDuration();
  for (int round = 0; round < 5; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const auto parsed = ParseEndpointDocument(text, EndpointPolicy());
    best = std::min(best,
                    absl::FromChrono(std::chrono::steady_clock::now() - start));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->endpoints.size(), 10000u);
  }
  RecordProperty("best", absl::FormatDuration(best));
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
  EXPECT_LE(best, absl::Milliseconds(100));
#endif
}

TEST(EndpointDocumentTest, RefusesMoreEndpointsThanAllowed) {
  EXPECT_EQ(ParseEndpointDocument(DocumentOf(10001), EndpointPolicy()).status(),
            absl::ResourceExhaustedError(
                "10001 endpoints, at most 10000 are allowed"));
}

}  // namespace
}  // namespace multi_backend
