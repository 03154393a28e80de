#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/dns/address_source.h"
#include "multi_backend/resolver/dns/records.h"
#include "multi_backend/resolver/dns/service_source.h"
#include "multi_backend/resolver/dns/text_source.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

// Answers from a table.  A name that is not in the table does not exist.
class FakeDns {
 public:
  void SetAddresses(const std::string& host, DnsType type,
                    const std::vector<std::string>& ips, int ttl_seconds) {
    DnsAnswer answer;
    answer.ttl = absl::Seconds(ttl_seconds);
    for (const std::string& ip : ips) {
      answer.addresses.push_back({host, ip, answer.ttl});
    }
    Set({host, type}, std::move(answer));
  }
  void Set(const DnsQuestion& question, DnsResult result) {
    results_.insert_or_assign(Key(question), std::move(result));
  }

  absl::StatusOr<DnsResolution> Resolve(DnsSource& source) {
    asked.clear();
    return source.Resolve([this](const std::vector<DnsQuestion>& questions) {
      std::vector<DnsResult> results;
      for (const DnsQuestion& question : questions) {
        asked.push_back(Key(question));
        const auto found = results_.find(Key(question));
        results.push_back(found == results_.end()
                              ? DnsResult(absl::NotFoundError("not there"))
                              : found->second);
      }
      return results;
    });
  }

  // The questions of the last Resolve(), such as "A host".
  std::vector<std::string> asked;

 private:
  static std::string Key(const DnsQuestion& question) {
    return absl::StrCat(DnsTypeName(question.type), " ", question.name);
  }
  std::map<std::string, DnsResult> results_;
};

const absl::Status kTimeout = absl::UnavailableError("timeout");

std::unique_ptr<DnsSource> AddressSource() {
  auto source = DnsAddressSource::Make("users.example:80", EndpointPolicy());
  EXPECT_TRUE(source.ok()) << source.status();
  return *std::move(source);
}

TEST(DnsAddressSourceTest, GivesBothFamiliesSortedWithTheSmallestTtl) {
  FakeDns dns;
  const auto source = AddressSource();
  dns.SetAddresses("users.example", DnsType::kAaaa, {"2001:db8::1"}, 20);
  dns.SetAddresses("users.example", DnsType::kA, {"10.0.0.2", "10.0.0.1"}, 30);
  const auto resolution = dns.Resolve(*source);
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  EXPECT_EQ(
      resolution->admitted.endpoints,
      (EndpointList{Endpoint::Of("10.0.0.1", 80), Endpoint::Of("10.0.0.2", 80),
                    Endpoint::Of("2001:db8::1", 80)}));
  EXPECT_EQ(resolution->ttl, absl::Seconds(20));
  EXPECT_TRUE(resolution->error.ok());
}

TEST(DnsAddressSourceTest, AFamilyThatCannotBeLearnedStays) {
  FakeDns dns;
  const auto source = AddressSource();
  dns.SetAddresses("users.example", DnsType::kA, {"10.0.0.1"}, 30);
  dns.SetAddresses("users.example", DnsType::kAaaa, {"2001:db8::1"}, 30);
  ASSERT_TRUE(dns.Resolve(*source).ok());
  dns.SetAddresses("users.example", DnsType::kA, {"10.0.0.2"}, 30);
  dns.Set({"users.example", DnsType::kAaaa}, kTimeout);
  for (int round = 0; round < 2; ++round) {
    const auto resolution = dns.Resolve(*source);
    ASSERT_TRUE(resolution.ok()) << resolution.status();
    EXPECT_EQ(resolution->admitted.endpoints,
              (EndpointList{Endpoint::Of("10.0.0.2", 80),
                            Endpoint::Of("2001:db8::1", 80)}));
    EXPECT_EQ(resolution->error,
              absl::UnavailableError("AAAA users.example: timeout"));
  }
  dns.Set({"users.example", DnsType::kAaaa}, absl::NotFoundError("gone"));
  const auto resolution = dns.Resolve(*source);
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  EXPECT_EQ(resolution->admitted.endpoints,
            (EndpointList{Endpoint::Of("10.0.0.2", 80)}));
}

TEST(DnsAddressSourceTest, TellsNothingThereFromNothingLearned) {
  FakeDns dns;
  const auto source = AddressSource();
  EXPECT_EQ(dns.Resolve(*source).status(),
            absl::NotFoundError("users.example has no A or AAAA record"));
  dns.Set({"users.example", DnsType::kAaaa}, kTimeout);
  EXPECT_EQ(dns.Resolve(*source).status(),
            absl::UnavailableError("AAAA users.example: timeout"));
  dns.Set({"users.example", DnsType::kA}, kTimeout);
  EXPECT_EQ(dns.Resolve(*source).status(),
            absl::UnavailableError("A users.example: timeout"));
}

TEST(DnsAddressSourceTest, RefusesAddressesThatMustNotBeDialled) {
  FakeDns dns;
  const auto source = AddressSource();
  dns.SetAddresses("users.example", DnsType::kA,
                   {"10.0.0.1", "169.254.169.254", "0.0.0.0"}, 30);
  const auto resolution = dns.Resolve(*source);
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  EXPECT_EQ(resolution->admitted.endpoints,
            (EndpointList{Endpoint::Of("10.0.0.1", 80)}));
  EXPECT_EQ(resolution->admitted.refused.count, 2u);
}

constexpr char kService[] = "_grpc._tcp.users.example";

std::unique_ptr<DnsSource> ServiceSource() {
  auto source = DnsServiceSource::Make(kService, EndpointPolicy());
  EXPECT_TRUE(source.ok()) << source.status();
  return *std::move(source);
}

DnsAnswer Services(const std::vector<DnsService>& services, int ttl_seconds) {
  DnsAnswer answer;
  answer.services = services;
  answer.ttl = absl::Seconds(ttl_seconds);
  return answer;
}

Endpoint Weighted(absl::string_view ip, uint16_t port, uint32_t weight,
                  int32_t priority) {
  Endpoint endpoint = Endpoint::Of(ip, port).WithWeight(weight);
  endpoint.priority = priority;
  return endpoint;
}

TEST(DnsServiceSourceTest, GivesPortWeightAndPriorityOfEachTarget) {
  FakeDns dns;
  const auto source = ServiceSource();
  dns.Set({kService, DnsType::kSrv}, Services({{20, 0, 2, "b.example"},
                                               {10, 100, 1, "a.example"},
                                               {10, 65535, 3, "b.example"}},
                                              60));
  dns.SetAddresses("a.example", DnsType::kA, {"10.0.0.1"}, 40);
  dns.SetAddresses("b.example", DnsType::kA, {"10.0.0.3", "10.0.0.2"}, 50);
  const auto resolution = dns.Resolve(*source);
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  EXPECT_EQ(resolution->admitted.endpoints,
            (EndpointList{Weighted("10.0.0.1", 1, 1000, 10),
                          Weighted("10.0.0.2", 3, 655350, 10),
                          Weighted("10.0.0.3", 3, 655350, 10),
                          Weighted("10.0.0.2", 2, 1, 20),
                          Weighted("10.0.0.3", 2, 1, 20)}));
  EXPECT_EQ(resolution->ttl, absl::Seconds(40));
  EXPECT_EQ(dns.asked.size(), 5u) << "each target once in each family";
}

TEST(DnsServiceSourceTest, WeightZeroIsTheSmallestShareNotNone) {
  EXPECT_EQ(WeightOfService(0), 1u);
  for (uint32_t weight = 1; weight <= 65535; ++weight) {
    EXPECT_GT(WeightOfService(static_cast<uint16_t>(weight)),
              WeightOfService(static_cast<uint16_t>(weight - 1)));
  }
  EXPECT_LE(WeightOfService(65535), 1000000u);
}

TEST(DnsServiceSourceTest, TakesAddressesFromTheAdditionalSection) {
  FakeDns dns;
  const auto source = ServiceSource();
  DnsAnswer answer =
      Services({{1, 100, 1, "a.example"}, {1, 100, 1, "b.example"}}, 60);
  answer.additional = {{"a.example", "10.0.0.1", absl::Seconds(7)},
                       {"a.example", "2001:db8::1", absl::Seconds(8)},
                       {"other.example", "10.9.9.9", absl::Seconds(1)}};
  dns.Set({kService, DnsType::kSrv}, answer);
  dns.SetAddresses("b.example", DnsType::kA, {"10.0.0.2"}, 50);
  const auto resolution = dns.Resolve(*source);
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  EXPECT_EQ(resolution->admitted.endpoints,
            (EndpointList{Weighted("10.0.0.1", 1, 1000, 1),
                          Weighted("2001:db8::1", 1, 1000, 1),
                          Weighted("10.0.0.2", 1, 1000, 1)}));
  EXPECT_EQ(resolution->ttl, absl::Seconds(7));
  EXPECT_EQ(dns.asked,
            (std::vector<std::string>{absl::StrCat("SRV ", kService),
                                      "A b.example", "AAAA b.example"}));
}

// Servers leave out what does not fit, and rotate what they leave out.
TEST(DnsServiceSourceTest, AsksForTheFamilyThatTheAdditionalSectionLacks) {
  FakeDns dns;
  const auto source = ServiceSource();
  dns.SetAddresses("a.example", DnsType::kA, {"10.0.0.1"}, 50);
  dns.SetAddresses("a.example", DnsType::kAaaa, {"2001:db8::1"}, 50);
  const EndpointList both = {Weighted("10.0.0.1", 1, 1000, 1),
                             Weighted("2001:db8::1", 1, 1000, 1)};
  for (const DnsAddress& added :
       {DnsAddress{"a.example", "10.0.0.1", absl::Seconds(50)},
        DnsAddress{"a.example", "2001:db8::1", absl::Seconds(50)}}) {
    DnsAnswer answer = Services({{1, 100, 1, "a.example"}}, 60);
    answer.additional = {added};
    dns.Set({kService, DnsType::kSrv}, answer);
    const auto resolution = dns.Resolve(*source);
    ASSERT_TRUE(resolution.ok()) << resolution.status();
    EXPECT_EQ(resolution->admitted.endpoints, both) << added.ip;
    EXPECT_EQ(dns.asked.size(), 2u);
  }
  // What was added is remembered as what was asked for.
  dns.Set({kService, DnsType::kSrv}, Services({{1, 100, 1, "a.example"}}, 60));
  dns.Set({"a.example", DnsType::kA}, kTimeout);
  dns.Set({"a.example", DnsType::kAaaa}, kTimeout);
  EXPECT_EQ(dns.Resolve(*source)->admitted.endpoints, both);
}

TEST(DnsServiceSourceTest, ATargetThatCannotBeLearnedKeepsItsAddresses) {
  FakeDns dns;
  const auto source = ServiceSource();
  dns.Set({kService, DnsType::kSrv},
          Services({{1, 100, 1, "a.example"}, {1, 100, 1, "b.example"}}, 60));
  dns.SetAddresses("a.example", DnsType::kA, {"10.0.0.1"}, 50);
  dns.SetAddresses("b.example", DnsType::kA, {"10.0.0.2"}, 50);
  const EndpointList both = {Weighted("10.0.0.1", 1, 1000, 1),
                             Weighted("10.0.0.2", 1, 1000, 1)};
  ASSERT_EQ(dns.Resolve(*source)->admitted.endpoints, both);
  dns.Set({"a.example", DnsType::kA}, kTimeout);
  const auto resolution = dns.Resolve(*source);
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  EXPECT_EQ(resolution->admitted.endpoints, both);
  EXPECT_EQ(resolution->error, absl::UnavailableError("A a.example: timeout"));
}

TEST(DnsServiceSourceTest, DropsAndShowsTargetsWithoutAddress) {
  FakeDns dns;
  const auto source = ServiceSource();
  dns.Set({kService, DnsType::kSrv}, Services({{1, 100, 1, "a.example"},
                                               {1, 100, 0, "a.example"},
                                               {1, 100, 1, "b.example"},
                                               {1, 100, 1, "b b.example"},
                                               {1, 100, 1, "10.0.0.1"},
                                               {1, 100, 1, ""}},
                                              60));
  dns.SetAddresses("a.example", DnsType::kA, {"10.0.0.1"}, 50);
  const auto resolution = dns.Resolve(*source);
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  EXPECT_EQ(resolution->admitted.endpoints,
            (EndpointList{Weighted("10.0.0.1", 1, 1000, 1)}));
  EXPECT_EQ(resolution->admitted.refused.ToString(),
            "4 refused: target 10.0.0.1: not a host name; target a.example: "
            "address \"10.0.0.1:0\": port must be 1..65535; target b "
            "b.example: not a host name; target b.example: no address is "
            "known");
}

TEST(DnsServiceSourceTest, TellsNothingThereFromNothingLearned) {
  FakeDns dns;
  const auto source = ServiceSource();
  EXPECT_EQ(dns.Resolve(*source).status(),
            absl::NotFoundError("SRV _grpc._tcp.users.example: not there"));
  dns.Set({kService, DnsType::kSrv}, Services({{0, 0, 0, ""}}, 60));
  EXPECT_EQ(dns.Resolve(*source).status(),
            absl::NotFoundError("SRV _grpc._tcp.users.example: the service is "
                                "not available"));
  dns.Set({kService, DnsType::kSrv}, kTimeout);
  EXPECT_EQ(dns.Resolve(*source).status(),
            absl::UnavailableError("SRV _grpc._tcp.users.example: timeout"));
  dns.Set({kService, DnsType::kSrv}, Services({{1, 1, 1, "a.example"}}, 60));
  dns.Set({"a.example", DnsType::kA}, kTimeout);
  EXPECT_EQ(dns.Resolve(*source).status(),
            absl::UnavailableError("A a.example: timeout"));
}

TEST(DnsServiceSourceTest, AnAllowListMayNameTargets) {
  EndpointPolicy::Options options;
  options.allow = {"prod.example"};
  auto source =
      DnsServiceSource::Make(kService, *EndpointPolicy::Make(options));
  FakeDns dns;
  dns.Set({kService, DnsType::kSrv}, Services({{1, 100, 1, "a.prod.example"},
                                               {1, 100, 1, "a.evil.example"}},
                                              60));
  dns.SetAddresses("a.prod.example", DnsType::kA, {"10.0.0.1"}, 50);
  dns.SetAddresses("a.evil.example", DnsType::kA, {"10.0.0.2"}, 50);
  const auto resolution = dns.Resolve(**source);
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  EXPECT_EQ(resolution->admitted.endpoints,
            (EndpointList{Weighted("10.0.0.1", 1, 1000, 1)}));
}

DnsAnswer Texts(const std::vector<std::string>& texts) {
  DnsAnswer answer;
  answer.texts = texts;
  answer.ttl = absl::Seconds(9);
  return answer;
}

TEST(DnsTextSourceTest, ReadsRecordsAndDropsWhatItCannotRead) {
  auto source = DnsTextSource::Make("users.example", EndpointPolicy());
  ASSERT_TRUE(source.ok()) << source.status();
  FakeDns dns;
  dns.Set({"users.example", DnsType::kTxt},
          Texts({"b.example:1 role=replica", "v=spf1 -all",
                 "a.example:1 weight=7", "169.254.169.254:80"}));
  const auto resolution = dns.Resolve(**source);
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  EXPECT_EQ(resolution->admitted.endpoints,
            (EndpointList{Endpoint::Of("a.example", 1).WithWeight(7),
                          Endpoint::Of("b.example", 1).WithRole("replica")}));
  EXPECT_EQ(resolution->admitted.refused.ToString(),
            "2 refused: record \"169.254.169.254:80\" 169.254.169.254:80: "
            "link-local address; record \"v=spf1 -all\": address \"v=spf1\": "
            "port is missing, write host:port");
  EXPECT_EQ(resolution->ttl, absl::Seconds(9));
}

TEST(DnsTextSourceTest, TheApplicationMayReadRecordsItself) {
  auto source = DnsTextSource::Make(
      "users.example", EndpointPolicy(),
      [](absl::string_view record) -> absl::StatusOr<Endpoint> {
        if (record == "x") return absl::InvalidArgumentError("not x");
        return Endpoint::Of(record, record == "z" ? 0 : 7);
      });
  ASSERT_TRUE(source.ok()) << source.status();
  FakeDns dns;
  dns.Set({"users.example", DnsType::kTxt}, Texts({"y", "x", "z"}));
  const auto resolution = dns.Resolve(**source);
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  EXPECT_EQ(resolution->admitted.endpoints, EndpointList{Endpoint::Of("y", 7)});
  EXPECT_EQ(resolution->admitted.refused.count, 2u);
}

TEST(DnsSourceTest, RefusesTargetsThatAreNoNames) {
  for (const std::string name :
       {"", "10.0.0.1", "::1", "a b", "a..b", "users.example:80", "a/b"}) {
    EXPECT_FALSE(DnsServiceSource::Make(name, EndpointPolicy()).ok()) << name;
    EXPECT_FALSE(DnsTextSource::Make(name, EndpointPolicy()).ok()) << name;
  }
  for (const std::string address :
       {"", "users.example", "users.example:0", "10.0.0.1:80", "[::1]:80"}) {
    EXPECT_FALSE(DnsAddressSource::Make(address, EndpointPolicy()).ok())
        << address;
  }
}

}  // namespace
}  // namespace multi_backend
