#include "multi_backend/resolver/etcd/record.h"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/proto/json/syntax.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/etcd/records.h"

namespace multi_backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Endpoint Full() {
  Endpoint endpoint = Endpoint::Of("10.0.0.1", 50051).WithWeight(2000);
  endpoint.role = "primary";
  endpoint.zone = "eu";
  endpoint.priority = 1;
  endpoint.labels["version"] = "7";
  return endpoint;
}

TEST(EtcdRecordTest, BothFormsAreRead) {
  const Endpoint plain = Endpoint::Of("10.0.0.1", 50051);
  const struct {
    const char* name;
    std::string value;
    Endpoint endpoint;
  } rows[] = {
      {"an address alone", "10.0.0.1:50051", plain},
      {"with the line's end that a shell's echo adds", "10.0.0.1:50051\n",
       plain},
      {"a host name", "users-1.internal:80",
       Endpoint::Of("users-1.internal", 80)},
      {"IPv6", "[2001:db8::1]:80", Endpoint::Of("2001:db8::1", 80)},
      {"a text record",
       "10.0.0.1:50051 weight=2000 role=primary zone=eu priority=1 "
       "label.version=7",
       Full()},
      {"Go's naming", R"({"Op":0,"Addr":"10.0.0.1:50051","Metadata":null})",
       plain},
      {"Addr alone", R"({"Addr":"10.0.0.1:50051"})", plain},
      {"all of Metadata",
       R"( { "Addr" : "10.0.0.1:50051", "Metadata" : { "weight" : 2000,
           "role" : "primary", "zone" : "eu", "priority" : 1,
           "labels" : { "version" : "7" } } } )",
       Full()},
      {"other members",
       R"({"Addr":"10.0.0.1:50051","x":[1,{}],"Metadata":{"cpu":[8]}})", plain},
      {"Metadata that is a text",
       R"({"Addr":"10.0.0.1:50051","Metadata":"v1"})", plain},
      {"null members",
       R"({"Addr":"10.0.0.1:50051","Metadata":{"weight":null,"role":null}})",
       plain},
      {"weight 0: drain",
       R"({"Addr":"10.0.0.1:50051","Metadata":{"weight":0}})",
       plain.WithWeight(0)},
      {"an escaped address", R"({"Addr":"10.0.0.1\u003a50051"})", plain},
  };
  for (const auto& row : rows) {
    const auto endpoint = ParseEtcdRecord(row.value);
    ASSERT_TRUE(endpoint.ok()) << row.name << ": " << endpoint.status();
    EXPECT_EQ(*endpoint, row.endpoint) << row.name;
  }
}

TEST(EtcdRecordTest, WhatCannotBeReadSaysWhy) {
  const struct {
    const char* name;
    std::string value;
    const char* error;
  } rows[] = {
      {"nothing", "", "address \"\""},
      {"no port", "10.0.0.1", "address \"10.0.0.1\""},
      {"a bad attribute", "a:1 weight=x", "weight \"x\""},
      {"torn JSON", R"({"Addr":"10.0.0.1:50)", "line 1, column 9"},
      {"something after it", R"({"Addr":"a:1"} x)", "line 1, column 16"},
      {"no Addr", R"({"addr":"a:1"})", "Addr: must be a string"},
      {"Addr of another type", R"({"Addr":1})", "Addr: must be a string"},
      {"Addr without a port", R"({"Addr":"a"})", "address \"a\""},
      {"weight that is too large",
       R"({"Addr":"a:1","Metadata":{"weight":1000001}})",
       "Metadata.weight: must be 0..1000000"},
      {"weight below 0", R"({"Addr":"a:1","Metadata":{"weight":-1}})",
       "Metadata.weight: must be 0..1000000"},
      {"weight that is a text", R"({"Addr":"a:1","Metadata":{"weight":"1"}})",
       "Metadata.weight: must be 0..1000000"},
      {"priority of 33 bits",
       R"({"Addr":"a:1","Metadata":{"priority":2147483648}})",
       "Metadata.priority: must be -2147483648..2147483647"},
      {"role of another type", R"({"Addr":"a:1","Metadata":{"role":{}}})",
       "Metadata.role: must be a string"},
      {"zone of another type", R"({"Addr":"a:1","Metadata":{"zone":7}})",
       "Metadata.zone: must be a string"},
      {"labels of another type", R"({"Addr":"a:1","Metadata":{"labels":[]}})",
       "Metadata.labels: must be an object"},
      {"a label of another type",
       R"({"Addr":"a:1","Metadata":{"labels":{"a":1}}})",
       "Metadata.labels: must be an object of strings"},
      {"too large", std::string(kMaxEtcdRecordBytes + 1, ' '),
       "262145 bytes, at most 262144 are allowed"},
  };
  for (const auto& row : rows) {
    const auto endpoint = ParseEtcdRecord(row.value);
    ASSERT_FALSE(endpoint.ok()) << row.name;
    EXPECT_EQ(endpoint.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(endpoint.status().message(), HasSubstr(row.error)) << row.name;
  }
}

TEST(EtcdRecordTest, WhatIsWrittenIsReadTheSame) {
  EXPECT_EQ(FormatEtcdRecord(Endpoint::Of("10.0.0.1", 50051)),
            R"({"Addr":"10.0.0.1:50051","Metadata":null})");
  EXPECT_EQ(FormatEtcdRecord(Full()),
            R"({"Addr":"10.0.0.1:50051","Metadata":{"weight":2000,)"
            R"("priority":1,"role":"primary","zone":"eu",)"
            R"("labels":{"version":"7"}}})");
  Endpoint odd = Endpoint::Of("2001:db8::1", 1).WithWeight(0);
  odd.priority = -5;
  odd.zone = "\"\\\n\x01 zürich";
  odd.labels = {{"", ""}, {"a\"b", "}{"}, {"ключ", "значение"}};
  const auto read = ParseEtcdRecord(FormatEtcdRecord(odd));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, odd);
}

std::vector<std::string> AddressesOf(const EtcdRecords& records) {
  const auto admitted = records.Admit();
  std::vector<std::string> addresses;
  if (!admitted.ok()) return {admitted.status().ToString()};
  for (const Endpoint& endpoint : admitted->endpoints) {
    addresses.push_back(endpoint.address());
  }
  return addresses;
}

TEST(EtcdRecordsTest, TheNewestValueOfEachKeyIsUsedInTheKeysOrder) {
  const EndpointPolicy policy;
  EtcdRecords records(policy);
  EXPECT_THAT(AddressesOf(records), ElementsAre());
  records.Put("/users/b", "10.0.0.2:1");
  records.Put("/users/a", "10.0.0.1:1");
  records.Put("/users/b", "10.0.0.3:1");
  records.Delete("/users/never");
  EXPECT_THAT(AddressesOf(records), ElementsAre("10.0.0.1:1", "10.0.0.3:1"));
  records.Delete("/users/a");
  EXPECT_THAT(AddressesOf(records), ElementsAre("10.0.0.3:1"));
}

TEST(EtcdRecordsTest, WhatIsRefusedIsDroppedCountedAndShownWithItsKey) {
  const EndpointPolicy policy;
  EtcdRecords records(policy);
  records.Put("/users/a", "10.0.0.1:1");
  records.Put("/users/b", "169.254.169.254:80");
  records.Put("/users/c", "{");
  records.Put("/users/d\n", "10.0.0.1:1");
  records.Put("/users/e", R"({"Addr":"a:1","Metadata":{"role":"ANY"}})");
  const auto admitted = records.Admit();
  ASSERT_TRUE(admitted.ok());
  EXPECT_THAT(AddressesOf(records), ElementsAre("10.0.0.1:1"));
  EXPECT_EQ(admitted->refused.count, 4u);
  const std::string text = admitted->refused.ToString();
  EXPECT_THAT(text, HasSubstr("/users/b: 169.254.169.254:80: link-local"));
  EXPECT_THAT(text, HasSubstr("/users/c: line 1, column 2"));
  EXPECT_THAT(text, HasSubstr("/users/d\\n 10.0.0.1:1: the same address"));
  EXPECT_THAT(text, HasSubstr("/users/e: a:1: role is not a role name"));
  // A record that was refused becomes a good one.
  records.Put("/users/b", "10.0.0.2:1");
  EXPECT_THAT(AddressesOf(records), ElementsAre("10.0.0.1:1", "10.0.0.2:1"));
}

TEST(EtcdRecordsTest, MoreThanTheLimitIsNoList) {
  EndpointPolicy::Options options;
  options.limits.max_endpoints = 2;
  const auto policy = EndpointPolicy::Make(options);
  ASSERT_TRUE(policy.ok());
  EtcdRecords records(*policy);
  for (int i = 0; i < 3; ++i) {
    records.Put(absl::StrCat("k", i), absl::StrCat("10.0.0.1:", i + 1));
  }
  EXPECT_EQ(records.Admit().status().code(),
            absl::StatusCode::kResourceExhausted);
}

double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

// The budget for reading and admitting 10,000 endpoints is 100 ms.  The test
// measures in units of a plain syntax check of the same texts, byte by byte, so
// that neither the machine nor the kind of build matters.
TEST(EtcdRecordsTest, TenThousandRecordsCostAFewLooksAtTheirText) {
  std::vector<std::string> values;
  for (int i = 0; i < 10000; ++i) {
    Endpoint endpoint = Full();
    endpoint.host = absl::StrCat("10.1.", i / 250, ".", i % 250);
    values.push_back(FormatEtcdRecord(endpoint));
  }
  const EndpointPolicy policy;
  double whole = 1e9;
  double syntax = 1e9;
  for (int round = 0; round < 5; ++round) {
    const double start = CpuSeconds();
    EtcdRecords records(policy);
    for (size_t i = 0; i < values.size(); ++i) {
      records.Put(absl::StrCat("/services/users/", i), values[i]);
    }
    const auto admitted = records.Admit();
    const double middle = CpuSeconds();
    ASSERT_TRUE(admitted.ok());
    ASSERT_EQ(admitted->endpoints.size(), values.size());
    for (const std::string& value : values) {
      ASSERT_TRUE(CheckJsonSyntax(value).ok());
    }
    whole = std::min(whole, middle - start);
    syntax = std::min(syntax, CpuSeconds() - middle);
  }
  std::printf("10,000 records: %.1f ms; their syntax alone: %.1f ms\n",
              whole * 1e3, syntax * 1e3);
  EXPECT_LT(whole, 12 * syntax);
}

}  // namespace
}  // namespace multi_backend
