#include "multi_backend/resolver/dns/records.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

// Record types and classes of RFC 1035 and later RFCs.
constexpr uint16_t kA = 1, kCname = 5, kTxt = 16, kAaaa = 28, kSrv = 33,
                   kOpt = 41, kIn = 1, kChaos = 3;

std::string U16(uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
std::string U32(uint32_t value) {
  return U16(static_cast<uint16_t>(value >> 16)) +
         U16(static_cast<uint16_t>(value));
}
std::string Name(absl::string_view name) {
  std::string wire;
  for (absl::string_view label : absl::StrSplit(name, '.', absl::SkipEmpty())) {
    wire += static_cast<char>(label.size());
    wire += std::string(label);
  }
  return wire + std::string(1, '\0');
}
// A pointer to the name in the question, which begins after the header.
const char kToQuestion[] = "\xc0\x0c";

std::string Record(const std::string& owner, uint16_t type, uint32_t ttl,
                   const std::string& data, uint16_t record_class = kIn) {
  return owner + U16(type) + U16(record_class) + U32(ttl) +
         U16(static_cast<uint16_t>(data.size())) + data;
}
std::string Srv(uint16_t priority, uint16_t weight, uint16_t port,
                const std::string& target) {
  return U16(priority) + U16(weight) + U16(port) + target;
}

std::string Packet(const std::vector<std::string>& answer,
                   const std::vector<std::string>& additional = {}) {
  std::string packet = U16(7) + U16(0x8180) + U16(1) +
                       U16(static_cast<uint16_t>(answer.size())) + U16(0) +
                       U16(static_cast<uint16_t>(additional.size())) +
                       Name("q.example") + U16(kA) + U16(kIn);
  for (const std::string& record : answer) packet += record;
  for (const std::string& record : additional) packet += record;
  return packet;
}

DnsResult Parse(const std::string& packet) {
  // A buffer of exact size, so that the address sanitizer sees its end.
  const std::vector<unsigned char> bytes(packet.begin(), packet.end());
  return ParseDnsAnswer(bytes.data(), bytes.size());
}

TEST(DnsRecordsTest, ReadsEveryTypeAndTheSmallestTtl) {
  const auto answer = Parse(Packet(
      {Record(kToQuestion, kCname, 30, Name("C.Example")),
       Record(Name("C.Example"), kA, 60, "\x0a\x01\x02\x03"),
       Record(Name("c.example"), kAaaa, 50,
              std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16)),
       Record(kToQuestion, kSrv, 40, Srv(1, 2, 50051, Name("T.Example"))),
       Record(kToQuestion, kSrv, 40, Srv(0, 0, 0, Name(""))),
       Record(kToQuestion, kTxt, 20,
              std::string("\x03"
                          "a:1") +
                  "\x02 w" + std::string(1, '\0')),
       Record(kToQuestion, 99, 25, "whatever")},
      {Record(Name("T.example"), kA, 5, "\x0a\x01\x02\x04"),
       Record(Name(""), kOpt, 0, "", 1232)}));
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->addresses.size(), 2u);
  EXPECT_EQ(answer->addresses[0].owner, "c.example");
  EXPECT_EQ(answer->addresses[0].ip, "10.1.2.3");
  EXPECT_EQ(answer->addresses[0].ttl, absl::Seconds(60));
  EXPECT_EQ(answer->addresses[1].ip, "2001:db8::1");
  ASSERT_EQ(answer->services.size(), 2u);
  EXPECT_EQ(answer->services[0].priority, 1);
  EXPECT_EQ(answer->services[0].weight, 2);
  EXPECT_EQ(answer->services[0].port, 50051);
  EXPECT_EQ(answer->services[0].target, "t.example");
  EXPECT_EQ(answer->services[1].target, "");
  EXPECT_EQ(answer->texts, std::vector<std::string>{"a:1 w"});
  ASSERT_EQ(answer->additional.size(), 1u);
  EXPECT_EQ(answer->additional[0].owner, "t.example");
  EXPECT_EQ(answer->additional[0].ttl, absl::Seconds(5));
  EXPECT_EQ(answer->ttl, absl::Seconds(20)) << "not of the additional section";
}

TEST(DnsRecordsTest, ATtlWithTheHighestBitIsZero) {
  struct Row {
    uint32_t ttl;
    absl::Duration read;
  };
  for (const Row& row :
       std::vector<Row>{{0, absl::ZeroDuration()},
                        {1, absl::Seconds(1)},
                        {0x7fffffff, absl::Seconds(0x7fffffff)},
                        {0x80000000, absl::ZeroDuration()},
                        {0xffffffff, absl::ZeroDuration()}}) {
    const auto answer =
        Parse(Packet({Record(kToQuestion, kA, row.ttl, "\x7f\x01\x01\x01")}));
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->ttl, row.read);
  }
}

TEST(DnsRecordsTest, OtherClassesAreLeftOut) {
  const auto answer =
      Parse(Packet({Record(kToQuestion, kA, 1, "\x7f\x01\x01\x01", kChaos)}));
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer->addresses.empty());
  EXPECT_EQ(answer->ttl, absl::InfiniteDuration());
}

TEST(DnsRecordsTest, MalformedRecordsAreErrors) {
  struct Row {
    std::string name;
    std::string packet;
  };
  const std::vector<Row> rows = {
      {"nothing", ""},
      {"half a header", "\x01\x02\x03"},
      {"short A", Packet({Record(kToQuestion, kA, 1, "\x7f\x01\x01")})},
      {"long A", Packet({Record(kToQuestion, kA, 1, "\x7f\x01\x01\x01\x01")})},
      {"short AAAA",
       Packet({Record(kToQuestion, kAaaa, 1, "\x7f\x01\x01\x01")})},
      {"short A beside the answer",
       Packet({}, {Record(kToQuestion, kA, 1, "\x7f")})},
      {"SRV without target",
       Packet({Record(kToQuestion, kSrv, 1, Srv(1, 1, 1, ""))})},
      {"SRV with more",
       Packet({Record(kToQuestion, kSrv, 1, Srv(1, 1, 1, Name("a") + "x"))})},
      {"SRV target that points at itself",
       Packet({Record(kToQuestion, kSrv, 1, Srv(1, 1, 1, "\xc0\x2d"))})},
      {"SRV target that points out",
       Packet({Record(kToQuestion, kSrv, 1, Srv(1, 1, 1, "\xff\xff"))})},
      {"TXT string longer than its record",
       Packet({Record(kToQuestion, kTxt, 1, "\x05 abc")})},
      {"record count too large", Packet({}).replace(6, 2, U16(1))},
      {"bytes after the end", Packet({}) + "x"},
      {"too long", std::string(70000, '\0')},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Parse(row.packet).status().code(),
              absl::StatusCode::kInvalidArgument)
        << row.name;
  }
}

// Shortened and damaged packets are read or refused, and never read beyond
// their end, which the address sanitizer would report.  The seed is fixed, so
// the test cannot fail by chance.
TEST(DnsRecordsTest, AnyBytesMayComeIn) {
  const std::string good =
      Packet({Record(kToQuestion, kCname, 30, Name("c.example")),
              Record(Name("c.example"), kA, 60, "\x0a\x01\x02\x03"),
              Record(kToQuestion, kSrv, 40, Srv(1, 2, 3, Name("t.example"))),
              Record(kToQuestion, kTxt, 20,
                     "\x03"
                     "a:1")},
             {Record(Name("t.example"), kA, 5, "\x0a\x01\x02\x04")});
  ASSERT_TRUE(Parse(good).ok());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(Parse(good.substr(0, size)).ok()) << size;
  }
  std::minstd_rand random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = good;
    for (int i = 0; i < 3; ++i) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    (void)Parse(damaged);
  }
}

}  // namespace
}  // namespace multi_backend
