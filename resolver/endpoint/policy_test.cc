#include "multi_backend/resolver/endpoint/policy.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/endpoint/ip_address.h"

namespace multi_backend {
namespace {

EndpointPolicy PolicyWith(std::vector<std::string> allow,
                          std::vector<std::string> deny) {
  EndpointPolicy::Options options;
  options.allow = std::move(allow);
  options.deny = std::move(deny);
  auto policy = EndpointPolicy::Make(options);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *std::move(policy);
}

TEST(EndpointPolicyTest, RefusesHostsThatMustNotBeDialled) {
  struct Row {
    std::string host;
    std::string reason;
  };
  const std::vector<Row> rows = {
      {"users.example", ""},
      {"localhost", ""},
      {"127.0.0.1", ""},
      {"10.0.0.1", ""},
      {"169.253.255.255", ""},
      {"169.255.0.0", ""},
      {"223.255.255.255", ""},
      {"240.0.0.1", ""},
      {"255.255.255.254", ""},
      {"1.0.0.0", ""},
      {"::1", ""},
      {"2001:db8::1", ""},
      {"fd00::1", ""},
      {"fec0::1", ""},
      {"::ffff:10.0.0.1", ""},
      {"64:ff9b::10.0.0.1", ""},
      {"64:ff9b:1::169.254.0.1", ""},
      {"1a", ""},
      {"0x7g", ""},
      {"a.0xfg", ""},
      {"169.254.169.254", "link-local address"},
      {"169.254.0.0", "link-local address"},
      {"::ffff:169.254.169.254", "link-local address"},
      {"::ffff:a9fe:a9fe", "link-local address"},
      {"::169.254.169.254", "link-local address"},
      {"64:ff9b::169.254.169.254", "link-local address"},
      {"fe80::1", "link-local address"},
      {"febf::1", "link-local address"},
      {"fe80::1%eth0", "link-local address"},
      {"224.0.0.1", "multicast address"},
      {"239.255.255.255", "multicast address"},
      {"ff02::1", "multicast address"},
      {"ff0e::1", "multicast address"},
      {"0.0.0.0", "unspecified address"},
      {"0.1.2.3", "unspecified address"},
      {"::", "unspecified address"},
      {"::ffff:0.0.0.0", "unspecified address"},
      {"255.255.255.255", "broadcast address"},
      {"0xa9fea9fe", "host name ends in a number"},
      {"0xA9.0xFE.0xA9.0xFE", "host name ends in a number"},
      {"a.0x", "host name ends in a number"},
      {"users.1", "host name ends in a number"},
      {"users.1.", "host name ends in a number"},
      {"169.254.43518",
       "address \"169.254.43518:80\": host is not an IPv4 address"},
      {"", "address \":80\": host is missing, write host:port"},
      {"a b", "address \"a b:80\": host must not contain \" \""},
      {"2001:db8::1%eth0", ""},
      {"2001:db8::1%",
       "address \"[2001:db8::1%]:80\": text in brackets is not an IPv6 "
       "address"},
      {"2001:db8::1%a b",
       "address \"[2001:db8::1%a b]:80\": text in brackets is not an IPv6 "
       "address"},
      // A target is percent-decoded, which would give 169.254.169.254.
      {"::ffff:16%39.254.169.25%34",
       "address \"[::ffff:16%39.254.169.25%34]:80\": text in brackets is not "
       "an IPv6 address"},
  };
  const EndpointPolicy policy;
  for (const Row& row : rows) {
    EXPECT_EQ(policy.ReasonToRefuse(Endpoint::Of(row.host, 80)), row.reason)
        << row.host;
  }
}

TEST(EndpointPolicyTest, RefusesPortZero) {
  EXPECT_EQ(EndpointPolicy().ReasonToRefuse(Endpoint::Of("a", 0)),
            "address \"a:0\": port must be 1..65535");
}

TEST(EndpointPolicyTest, RefusesAttributesBeyondTheirBounds) {
  struct Row {
    std::string name;
    Endpoint endpoint;
    std::string reason;
  };
  const auto with = [](void (*set)(Endpoint&)) {
    Endpoint endpoint = Endpoint::Of("a", 1);
    set(endpoint);
    return endpoint;
  };
  const std::vector<Row> rows = {
      {"drained", with([](Endpoint& e) { e.weight = 0; }), ""},
      {"largest weight", with([](Endpoint& e) { e.weight = 1000000; }), ""},
      {"larger weight", with([](Endpoint& e) { e.weight = 1000001; }),
       "weight must be 0..1000000"},
      {"role", with([](Endpoint& e) { e.role = "primary"; }), ""},
      {"odd role", with([](Endpoint& e) { e.role = "pri mary"; }),
       "role is not a role name"},
      {"role that means something else",
       with([](Endpoint& e) { e.role = "ANY"; }), "role is not a role name"},
      {"longest zone", with([](Endpoint& e) { e.zone.assign(256, 'z'); }), ""},
      {"longer zone", with([](Endpoint& e) { e.zone.assign(257, 'z'); }),
       "zone is longer than 256 bytes"},
      {"most labels", with([](Endpoint& e) {
         for (int i = 0; i < 64; ++i) e.labels[absl::StrCat(i)] = "";
       }),
       ""},
      {"more labels", with([](Endpoint& e) {
         for (int i = 0; i < 65; ++i) e.labels[absl::StrCat(i)] = "";
       }),
       "more than 64 labels"},
      {"nameless label", with([](Endpoint& e) { e.labels[""] = "x"; }),
       "a label has no name"},
      {"longest label", with([](Endpoint& e) {
         e.labels[std::string(256, 'n')] = std::string(256, 'v');
       }),
       ""},
      {"longer label name",
       with([](Endpoint& e) { e.labels[std::string(257, 'n')] = ""; }),
       "a label's name or value is longer than 256 bytes"},
      {"longer label value",
       with([](Endpoint& e) { e.labels["n"] = std::string(257, 'v'); }),
       "a label's name or value is longer than 256 bytes"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(EndpointPolicy().ReasonToRefuse(row.endpoint), row.reason)
        << row.name;
  }
}

TEST(EndpointPolicyTest, ListsDecideByNetworkAndNameSuffix) {
  const std::string denied = "host is on the deny list";
  const std::string not_allowed = "host is not on the allow list";
  struct Row {
    std::vector<std::string> allow;
    std::vector<std::string> deny;
    std::string host;
    std::string reason;
  };
  const std::vector<Row> rows = {
      {{"10.0.0.0/8"}, {}, "10.255.0.1", ""},
      {{"10.0.0.0/8"}, {}, "11.0.0.1", not_allowed},
      {{"10.0.0.0/8"}, {}, "::ffff:10.0.0.1", ""},
      {{"10.0.0.0/8"}, {}, "a10.example", not_allowed},
      {{"10.0.0.0/9"}, {}, "10.127.255.255", ""},
      {{"10.0.0.0/9"}, {}, "10.128.0.0", not_allowed},
      {{"10.1.2.3"}, {}, "10.1.2.3", ""},
      {{"10.1.2.3"}, {}, "10.1.2.4", not_allowed},
      {{"0.0.0.0/0"}, {}, "8.8.8.8", ""},
      {{"0.0.0.0/0"}, {}, "2001:db8::1", not_allowed},
      {{"::/0"}, {}, "8.8.8.8", not_allowed},
      {{"::ffff:10.0.0.0/104"}, {}, "10.9.9.9", ""},
      {{"::ffff:10.0.0.0/104"}, {}, "11.9.9.9", not_allowed},
      {{"2001:db8::/33"}, {}, "2001:db8:7fff::1", ""},
      {{"2001:db8::/33"}, {}, "2001:db8:8000::1", not_allowed},
      {{"prod.example"}, {}, "prod.example", ""},
      {{"prod.example"}, {}, "A.PROD.Example.", ""},
      {{".prod.example"}, {}, "a.b.prod.example", ""},
      {{"*.prod.example"}, {}, "a.prod.example", ""},
      {{"prod.example"}, {}, "notprod.example", not_allowed},
      {{"prod.example"}, {}, "prod.example.evil", not_allowed},
      {{"10.0.0.0/8", "example"}, {}, "a.example", ""},
      {{}, {"10.0.0.0/8"}, "10.0.0.1", denied},
      {{}, {"10.0.0.0/8"}, "::ffff:10.0.0.1", denied},
      {{}, {"10.0.0.0/8"}, "12.0.0.1", ""},
      {{}, {"evil.example"}, "a.evil.example", denied},
      {{"example"}, {"evil.example"}, "a.evil.example", denied},
      {{"example"}, {"evil.example"}, "a.good.example", ""},
      {{"169.254.0.0/16"}, {}, "169.254.1.1", "link-local address"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.host);
    EXPECT_EQ(PolicyWith(row.allow, row.deny)
                  .ReasonToRefuse(Endpoint::Of(row.host, 80)),
              row.reason);
  }
}

TEST(EndpointPolicyTest, ListsLookAtADiscoveredNameAndAtItsAddress) {
  const Endpoint endpoint = Endpoint::Of("10.0.0.1", 80);
  const std::string name = "a.prod.example";
  EXPECT_EQ(PolicyWith({"prod.example"}, {}).ReasonToRefuse(endpoint, name),
            "");
  EXPECT_EQ(PolicyWith({"10.0.0.0/8"}, {}).ReasonToRefuse(endpoint, name), "");
  EXPECT_EQ(PolicyWith({"11.0.0.0/8"}, {}).ReasonToRefuse(endpoint, name),
            "host is not on the allow list");
  EXPECT_EQ(PolicyWith({}, {"prod.example"}).ReasonToRefuse(endpoint, name),
            "host is on the deny list");
  EXPECT_EQ(PolicyWith({"prod.example"}, {"10.0.0.0/8"})
                .ReasonToRefuse(endpoint, name),
            "host is on the deny list");
}

TEST(EndpointPolicyTest, SaysWhichRuleIsBad) {
  struct Row {
    std::string rule;
    std::string message;
  };
  const std::vector<Row> rows = {
      {"", "neither an IP address, a network, nor a host name"},
      {"a b", "neither an IP address, a network, nor a host name"},
      {"10.0.0", "neither an IP address, a network, nor a host name"},
      {"a.example/8", "no IP address before \"/\""},
      {"10.0.0.0/", "no prefix length after \"/\""},
      {"10.0.0.0/x", "no prefix length after \"/\""},
      {"10.0.0.0/-1", "no prefix length after \"/\""},
      {"10.0.0.0/33", "prefix length must be 0..32"},
      {"2001:db8::/129", "prefix length must be 0..128"},
      {"::ffff:10.0.0.0/95", "prefix length must be 96..128"},
  };
  for (const Row& row : rows) {
    EndpointPolicy::Options options;
    options.deny = {"10.0.0.0/8", row.rule};
    EXPECT_EQ(EndpointPolicy::Make(options).status(),
              absl::InvalidArgumentError(absl::StrCat(
                  "deny[1]: host rule \"", row.rule, "\": ", row.message)));
  }
}

TEST(EndpointAdmissionTest, DropsCountsAndShowsWhatIsRefused) {
  const EndpointPolicy policy;
  EndpointAdmission admission(policy);
  admission.Offer(Endpoint::Of("a", 1), "endpoints[0]");
  admission.Offer(Endpoint::Of("169.254.169.254", 80), "endpoints[1]");
  admission.Refuse("endpoints[2]", "no address");
  admission.Offer(Endpoint::Of("A", 1), "endpoints[3]");
  admission.Offer(Endpoint::Of("b", 0), "endpoints[4]");
  admission.Offer(Endpoint::Of("b", 1), "endpoints[5]");
  const auto admitted = std::move(admission).Finish();
  ASSERT_TRUE(admitted.ok());
  EXPECT_EQ(admitted->endpoints,
            (EndpointList{Endpoint::Of("a", 1), Endpoint::Of("b", 1)}));
  EXPECT_EQ(admitted->refused.ToString(),
            "4 refused: endpoints[1] 169.254.169.254:80: link-local address; "
            "endpoints[2]: no address; endpoints[3] A:1: the same address "
            "again; endpoints[4]: address \"b:0\": port must be 1..65535");
}

TEST(EndpointAdmissionTest, OneHostInTwoFamiliesIsOnePlace) {
  const EndpointPolicy policy;
  EndpointAdmission admission(policy);
  admission.Offer(Endpoint::Of("::ffff:127.0.0.1", 1), "endpoints[0]");
  admission.Offer(Endpoint::Of("127.0.0.1", 1), "endpoints[1]");
  admission.Offer(Endpoint::Of("127.0.0.1", 2), "endpoints[2]");
  const auto admitted = std::move(admission).Finish();
  ASSERT_TRUE(admitted.ok());
  EXPECT_EQ(admitted->endpoints.size(), 2u);
  EXPECT_EQ(admitted->refused.ToString(),
            "1 refused: endpoints[1] 127.0.0.1:1: the same address again");
}

TEST(EndpointAdmissionTest, AListMayNotInventMoreRolesThanTheLimit) {
  EndpointPolicy::Options options;
  options.limits.max_roles = 2;
  const auto policy = EndpointPolicy::Make(options);
  EndpointAdmission admission(*policy);
  uint16_t port = 0;
  for (const char* role : {"a", "", "b", "c", "a"}) {
    admission.Offer(Endpoint::Of("host", ++port).WithRole(role), "e");
  }
  admission.Offer(Endpoint::Of("169.254.169.254", 9).WithRole("d"), "e");
  const auto admitted = std::move(admission).Finish();
  ASSERT_TRUE(admitted.ok());
  EXPECT_EQ(admitted->endpoints.size(), 4u);
  EXPECT_EQ(admitted->refused.ToString(),
            "2 refused: e host:4: role \"c\" is one too many: the list has 2 "
            "roles already; e 169.254.169.254:9: link-local address");
}

TEST(EndpointAdmissionTest, KeepsOnlyTheFirstTexts) {
  const EndpointPolicy policy;
  EndpointAdmission admission(policy);
  for (int i = 0; i < 8; ++i) admission.Refuse(absl::StrCat("e", i), "x");
  const auto admitted = std::move(admission).Finish();
  ASSERT_TRUE(admitted.ok());
  EXPECT_EQ(admitted->refused.shown.size(), 5u);
  EXPECT_EQ(admitted->refused.ToString(),
            "8 refused: e0: x; e1: x; e2: x; e3: x; e4: x and 3 more");
  EXPECT_EQ(Refusals().ToString(), "");
}

TEST(EndpointAdmissionTest, RefusesAListThatIsTooLongAsAWhole) {
  EndpointPolicy::Options options;
  options.limits.max_endpoints = 3;
  const auto policy = EndpointPolicy::Make(options);
  for (int refused : {0, 2}) {
    EndpointAdmission enough(*policy);
    EndpointAdmission too_many(*policy);
    for (int i = 0; i < 4; ++i) {
      for (EndpointAdmission* admission : {&enough, &too_many}) {
        if (admission == &enough && i == 3) continue;
        if (i < refused) {
          admission->Refuse("e", "x");
        } else {
          admission->Offer(Endpoint::Of("a", i + 1), "e");
        }
      }
    }
    EXPECT_TRUE(std::move(enough).Finish().ok());
    EXPECT_EQ(
        std::move(too_many).Finish().status(),
        absl::ResourceExhaustedError("4 endpoints, at most 3 are allowed"));
  }
}

}  // namespace
}  // namespace multi_backend
