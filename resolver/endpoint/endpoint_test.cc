#include "multi_backend/resolver/endpoint/endpoint.h"

#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

std::string Repeated(absl::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) absl::StrAppend(&result, text);
  return result;
}

TEST(EndpointTest, ParsesEveryKindOfAddress) {
  const std::string longest = Repeated("abcdefghi.", 25) + "abc";
  ASSERT_EQ(longest.size(), 253u);
  struct Row {
    std::string text;
    std::string host;
    uint16_t port;
    bool is_ip;
  };
  const std::vector<Row> rows = {
      {"a:1", "a", 1, false},
      {"users.example:50051", "users.example", 50051, false},
      {"Users.Example:80", "Users.Example", 80, false},
      {"absolute.example.:80", "absolute.example.", 80, false},
      {"my_service-1:65535", "my_service-1", 65535, false},
      {"1a:80", "1a", 80, false},
      {"10.0.0.1:50051", "10.0.0.1", 50051, true},
      {"255.255.255.255:1", "255.255.255.255", 1, true},
      {"[::]:1", "::", 1, true},
      {"[::1]:50051", "::1", 50051, true},
      {"[2001:db8::A]:443", "2001:db8::A", 443, true},
      {"[::ffff:10.0.0.1]:443", "::ffff:10.0.0.1", 443, true},
      {"[fe80::1%eth0]:50051", "fe80::1%eth0", 50051, true},
      {"a:00080", "a", 80, false},
      {longest + ":65535", longest, 65535, false},
      {Repeated("a", 63) + ":80", Repeated("a", 63), 80, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const auto endpoint = Endpoint::Parse(row.text);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    EXPECT_EQ(*endpoint, Endpoint::Of(row.host, row.port));
    EXPECT_EQ(endpoint->is_ip(), row.is_ip);
    const auto again = Endpoint::Parse(endpoint->address());
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, *endpoint);
  }
}

TEST(EndpointTest, SaysWhatIsWrongWithAnAddress) {
  const std::string long_host = Repeated("abcdefghi.", 25) + "abcd";
  const std::string huge = Repeated("x", 100000) + ":1";
  struct Row {
    std::string text;
    std::string message;
  };
  const std::vector<Row> rows = {
      {"", R"(address "": empty, write host:port)"},
      {":", R"(address ":": host is missing, write host:port)"},
      {":80", R"(address ":80": host is missing, write host:port)"},
      {"a", R"(address "a": port is missing, write host:port)"},
      {"a:", R"(address "a:": port is missing, write host:port)"},
      {"10.0.0.1", R"(address "10.0.0.1": port is missing, write host:port)"},
      {"a:0", R"(address "a:0": port must be 1..65535)"},
      {"a:00", R"(address "a:00": port must be 1..65535)"},
      {"a:65536", R"(address "a:65536": port must be 1..65535)"},
      {"a:99999", R"(address "a:99999": port must be 1..65535)"},
      {"a:18446744073709551617",
       R"(address "a:18446744073709551617": port must be 1..65535)"},
      {"a:-1", R"(address "a:-1": port must be 1..65535)"},
      {"a:+1", R"(address "a:+1": port "+1" is not a number)"},
      {"a:http", R"(address "a:http": port "http" is not a number)"},
      {"a:80/x", R"(address "a:80/x": port "80/x" is not a number)"},
      {"a:8 0", R"(address "a:8 0": port "8 0" is not a number)"},
      {"a: 80", R"(address "a: 80": port " 80" is not a number)"},
      {"a:80 ", R"(address "a:80 ": port "80 " is not a number)"},
      {"a:0x50", R"(address "a:0x50": port "0x50" is not a number)"},
      {"a:80.", R"(address "a:80.": port "80." is not a number)"},
      {"a:\n", R"(address "a:\n": port "\n" is not a number)"},
      {" a:80", R"(address " a:80": host must not contain " ")"},
      {"a b:80", R"(address "a b:80": host must not contain " ")"},
      {"a/b:80", R"(address "a/b:80": host must not contain "/")"},
      {"a,b:80", R"(address "a,b:80": host must not contain ",")"},
      {"a@b:80", R"(address "a@b:80": host must not contain "@")"},
      {"a\n:80", R"(address "a\n:80": host must not contain "\n")"},
      {std::string("a\0:80", 5),
       R"(address "a\x00:80": host must not contain "\x00")"},
      {"\xc3\xa4:80", R"(address "\xc3\xa4:80": host must not contain "\xc3")"},
      {"http://a:80", R"(address "http://a:80": more than one ":")"},
      {"a:1:2", R"(address "a:1:2": more than one ":")"},
      {"a::1", R"(address "a::1": IPv6 addresses need brackets and a port: )"
               R"([a::1]:port)"},
      {"::1:1\n", R"(address "::1:1\n": more than one ":")"},
      {"g::1", R"(address "g::1": more than one ":")"},
      {".:80", R"(address ".:80": host is not an IPv4 address)"},
      {"..a:80", R"(address "..a:80": host has an empty label)"},
      {"a..b:80", R"(address "a..b:80": host has an empty label)"},
      {".a:80", R"(address ".a:80": host has an empty label)"},
      {"a..:80", R"(address "a..:80": host has an empty label)"},
      {Repeated("a", 64) + ":80",
       absl::StrCat("address \"", Repeated("a", 64),
                    ":80\": host has a label longer than 63 characters")},
      {"256.0.0.1:80",
       R"(address "256.0.0.1:80": host is not an IPv4 address)"},
      {"10.1:80", R"(address "10.1:80": host is not an IPv4 address)"},
      {"123:80", R"(address "123:80": host is not an IPv4 address)"},
      {"1.2.3.4.5:80",
       R"(address "1.2.3.4.5:80": host is not an IPv4 address)"},
      {"01.2.3.4:80", R"(address "01.2.3.4:80": host is not an IPv4 address)"},
      {"::1:50", R"(address "::1:50": IPv6 addresses need brackets: [::1]:50)"},
      {"2001:db8::a:50051", R"(address "2001:db8::a:50051": )"
                            R"(IPv6 addresses need brackets: )"
                            R"([2001:db8::a]:50051)"},
      {"::", R"(address "::": IPv6 addresses need brackets and a port: )"
             R"([::]:port)"},
      {"1:2:3:4:5:6:7:8", R"(address "1:2:3:4:5:6:7:8": IPv6 addresses need )"
                          R"(brackets and a port: [1:2:3:4:5:6:7:8]:port)"},
      {"[::1]", R"(address "[::1]": port is missing, write [host]:port)"},
      {"[::1]:", R"(address "[::1]:": port is missing, write host:port)"},
      {"[::1]50", R"(address "[::1]50": "]" must be followed by :port)"},
      {"[::1]:0", R"(address "[::1]:0": port must be 1..65535)"},
      {"[::1]:70000", R"(address "[::1]:70000": port must be 1..65535)"},
      {"[::1]:1:2", R"(address "[::1]:1:2": port "1:2" is not a number)"},
      {"[::1:50", R"(address "[::1:50": "[" has no matching "]")"},
      {"[", R"(address "[": "[" has no matching "]")"},
      {"[]:80", R"(address "[]:80": text in brackets is not an IPv6 address)"},
      {"[a]:80",
       R"(address "[a]:80": text in brackets is not an IPv6 address)"},
      {"[10.0.0.1]:80",
       R"(address "[10.0.0.1]:80": text in brackets is not an IPv6 address)"},
      {"[::g]:80",
       R"(address "[::g]:80": text in brackets is not an IPv6 address)"},
      {std::string("[::1\0x]:80", 10),
       R"(address "[::1\x00x]:80": text in brackets is not an IPv6 address)"},
      {"[fe80::1%]:80",
       R"(address "[fe80::1%]:80": text in brackets is not an IPv6 address)"},
      {"[fe80::1%a/b]:80", R"(address "[fe80::1%a/b]:80": text in brackets is )"
                           R"(not an IPv6 address)"},
      {long_host + ":80",
       absl::StrCat("address \"", long_host,
                    ":80\": host is longer than 253 characters")},
      {huge, absl::StrCat("address \"", Repeated("x", 261),
                          "...\": host is longer than 253 characters")},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text.substr(0, 300));
    const auto endpoint = Endpoint::Parse(row.text);
    ASSERT_FALSE(endpoint.ok());
    EXPECT_EQ(endpoint.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(endpoint.status().message(), row.message);
  }
}

TEST(EndpointTest, EveryPortIsReadExactly) {
  for (int port = 0; port <= 70000; ++port) {
    const auto endpoint = Endpoint::Parse(absl::StrCat("a:", port));
    ASSERT_EQ(endpoint.ok(), port >= 1 && port <= 65535) << port;
    if (endpoint.ok()) {
      ASSERT_EQ(endpoint->port, port);
    }
  }
}

TEST(EndpointTest, EveryByteIsAllowedInAHostOrRefused) {
  const std::string allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
  for (int c = 0; c < 256; ++c) {
    const std::string host = {'a', static_cast<char>(c), 'b'};
    const bool ok = allowed.find(static_cast<char>(c)) != std::string::npos;
    EXPECT_EQ(Endpoint::Parse(host + ":80").ok(), ok) << c;
  }
}

TEST(EndpointTest, KeyIsOneSpellingForAllWaysToWriteAPlace) {
  struct Row {
    std::string host;
    std::string key;
  };
  const std::vector<Row> rows = {
      {"Users.Example", "users.example:7"},
      {"10.0.0.1", "10.0.0.1:7"},
      {"::1", "[::1]:7"},
      {"0:0:0:0:0:0:0:1", "[::1]:7"},
      {"2001:DB8:0::A", "[2001:db8::a]:7"},
      {"FE80::0:1%eth0", "[fe80::1%eth0]:7"},
      {"::ffff:10.0.0.1", "10.0.0.1:7"},
      {"::FFFF:0a00:1", "10.0.0.1:7"},
      {"0:0:0:0:0:ffff:10.0.0.1", "10.0.0.1:7"},
      {"::10.0.0.1", "[::10.0.0.1]:7"},
      {"::ffff:0:10.0.0.1", "[::ffff:0:a00:1]:7"},
      {"no:address", "[no:address]:7"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Endpoint::Of(row.host, 7).key(), row.key);
  }
}

TEST(EndpointTest, EqualityCoversEveryField) {
  const Endpoint base = Endpoint::Of("a", 1);
  EXPECT_EQ(base.weight, 1000u);
  std::vector<Endpoint> others(7, base);
  others[0].host = "b";
  others[1].port = 2;
  others[2] = base.WithWeight(1);
  others[3] = base.WithRole("primary");
  others[4].priority = 1;
  others[5].zone = "eu";
  others[6].labels["k"] = "v";
  EXPECT_EQ(base, Endpoint::Of("a", 1));
  for (const Endpoint& other : others) {
    EXPECT_NE(base, other);
    EXPECT_FALSE(base == other);
    EXPECT_EQ(other, other);
  }
}

TEST(EndpointTest, WithChangesOneFieldOfACopy) {
  Endpoint base = Endpoint::Of("a", 1);
  base.zone = "eu";
  EXPECT_EQ(base.WithWeight(0).weight, 0u);
  EXPECT_EQ(base.WithWeight(0).WithWeight(1000), base);
  EXPECT_EQ(base.WithRole("replica").role, "replica");
  EXPECT_EQ(base.WithRole("replica").WithRole(""), base);
}

TEST(EndpointTest, PrintsWhatIsNotDefault) {
  std::ostringstream text;
  Endpoint endpoint = Endpoint::Of("::1", 1);
  text << endpoint;
  endpoint = endpoint.WithWeight(0).WithRole("primary");
  endpoint.priority = -1;
  endpoint.zone = "eu";
  endpoint.labels = {{"k", "v"}};
  text << "; " << endpoint;
  EXPECT_EQ(text.str(),
            "[::1]:1; [::1]:1 weight=0 role=primary priority=-1 zone=eu k=v");
}

TEST(CheckEndpointsTest, NamesTheFirstBadEndpoint) {
  struct Row {
    std::string name;
    EndpointList list;
    std::string message;  // "" = accepted.
  };
  const Endpoint a = Endpoint::Of("a", 1);
  const std::vector<Row> rows = {
      {"none", {}, ""},
      {"same host, other port", {a, Endpoint::Of("a", 2)}, ""},
      {"twice",
       {a, Endpoint::Of("b", 1), a},
       R"(endpoint 3: address "a:1" is a duplicate of endpoint 1)"},
      {"twice with other attributes",
       {a, a.WithRole("r").WithWeight(1)},
       R"(endpoint 2: address "a:1" is a duplicate of endpoint 1)"},
      {"twice in another case",
       {a, Endpoint::Of("A", 1)},
       R"(endpoint 2: address "A:1" is a duplicate of endpoint 1)"},
      {"twice in another spelling",
       {Endpoint::Of("::1", 1), Endpoint::Of("0::1", 1)},
       R"(endpoint 2: address "[0::1]:1" is a duplicate of endpoint 1)"},
      {"port 0",
       {a, Endpoint::Of("b", 0)},
       R"(endpoint 2: address "b:0": port must be 1..65535)"},
      {"empty host",
       {Endpoint()},
       R"(endpoint 1: address ":0": host is missing, write host:port)"},
      {"brackets in the host",
       {Endpoint::Of("[::1]", 1)},
       R"(endpoint 1: address "[[::1]]:1": text in brackets is not an IPv6 )"
       R"(address)"},
      {"a port in the host",
       {Endpoint::Of("b:1", 2)},
       R"(endpoint 1: address "[b:1]:2": text in brackets is not an IPv6 )"
       R"(address)"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const absl::Status status = CheckEndpoints(row.list);
    EXPECT_EQ(status.ok(), row.message.empty());
    EXPECT_EQ(status.message(), row.message);
  }
}

TEST(NameEndpointsTest, NamesAtMostFive) {
  EndpointList list;
  EXPECT_EQ(NameEndpoints(list), "");
  list.push_back(Endpoint::Of("::1", 1));
  EXPECT_EQ(NameEndpoints(list), "[::1]:1");
  for (int i = 2; i <= 5; ++i) list.push_back(Endpoint::Of("a", i));
  EXPECT_EQ(NameEndpoints(list), "[::1]:1,a:2,a:3,a:4,a:5");
  list.push_back(Endpoint::Of("a", 6));
  EXPECT_EQ(NameEndpoints(list), "[::1]:1,a:2,a:3,a:4,a:5 and 1 more");
}

}  // namespace
}  // namespace multi_backend
