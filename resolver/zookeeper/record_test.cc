#include "multi_backend/resolver/zookeeper/record.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

Endpoint Rich() {
  Endpoint endpoint = Endpoint::Of("2001:db8::1", 50051);
  endpoint.weight = 0;
  endpoint.role = "primary";
  endpoint.priority = -3;
  endpoint.zone = "e\"u\\\n\x01\xC3\xA9";
  endpoint.labels = {{"version", "7"}, {"a b", ""}};
  return endpoint;
}

TEST(ZookeeperRecordTest, ReadsBothForms) {
  struct Row {
    std::string data;
    Endpoint endpoint;
  };
  const Endpoint plain = Endpoint::Of("10.0.0.1", 80);
  const std::vector<Row> rows = {
      {"10.0.0.1:80", plain},
      {" 10.0.0.1:80\n", plain},
      {"[::1]:80 weight=7 role=primary",
       Endpoint::Of("::1", 80).WithWeight(7).WithRole("primary")},
      {R"({"address":"10.0.0.1","port":80})", plain},
      {"\n{\"port\":80,\"address\":\"10.0.0.1\"}\n", plain},
      // Curator's Java client writes this.
      {R"({"name":"users","id":"0a1b","address":"10.0.0.1","port":80,)"
       R"("sslPort":null,"payload":null,"registrationTimeUTC":1700000000000,)"
       R"("serviceType":"DYNAMIC","uriSpec":null})",
       plain},
      // Spring Cloud writes this.
      {R"({"name":"users","id":"0a1b","address":"10.0.0.1","port":80,)"
       R"("sslPort":null,"payload":{"@class":"org.spring.Instance","id":"a-1",)"
       R"("name":"users","metadata":{"instance_status":"UP"}},)"
       R"("serviceType":"DYNAMIC","uriSpec":{"parts":[{"value":"scheme",)"
       R"("variable":true},{"value":"://","variable":false}]}})",
       plain},
      {R"({"address":"10.0.0.1","port":null,"sslPort":443})",
       Endpoint::Of("10.0.0.1", 443)},
      {R"({"address":"10.0.0.1","port":80,"sslPort":443})", plain},
      {R"({"address":"10.0.0.1","port":80,"sslPort":-1})", plain},
      {R"({"address":"10.0.0.1","port":80,"payload":"x"})", plain},
      {R"({"address":"10.0.0.1","port":80,"enabled":true})", plain},
      {R"({"address":"10.0.0.1","port":80,"enabled":false})",
       plain.WithWeight(0)},
      {R"({"address":"10.0.0.1","port":80,)"
       R"("payload":{"weight":2000,"role":"replica","zone":null}})",
       plain.WithWeight(2000).WithRole("replica")},
      {FormatZookeeperRecord(Rich(), "users", "a", absl::UnixEpoch()), Rich()},
      {FormatZookeeperRecord(plain, "u\"", "a\\", absl::UnixEpoch()), plain},
  };
  for (const Row& row : rows) {
    const auto endpoint = ParseZookeeperRecord(row.data);
    ASSERT_TRUE(endpoint.ok()) << row.data << ": " << endpoint.status();
    EXPECT_EQ(*endpoint, row.endpoint) << row.data;
  }
}

TEST(ZookeeperRecordTest, WritesWhatCuratorReads) {
  EXPECT_EQ(
      FormatZookeeperRecord(Endpoint::Of("10.0.0.1", 80).WithRole("primary"),
                            "users", "a1", absl::FromUnixMillis(1700000000123)),
      R"({"name":"users","id":"a1","address":"10.0.0.1","port":80,)"
      R"("sslPort":null,"payload":{"role":"primary"},)"
      R"("registrationTimeUTC":1700000000123,)"
      R"("serviceType":"DYNAMIC","uriSpec":null})");
}

TEST(ZookeeperRecordTest, SaysWhatIsWrong) {
  struct Row {
    std::string data;
    std::string message;
  };
  const std::string head = R"({"address":"a","port":80,)";
  for (const Row& row : std::vector<Row>{
           {"", "the node has no data"},
           {" \n\t", "the node has no data"},
           {"{", "line 1, column 2: expected a key in double quotes"},
           {"{} x", "line 1, column 4: expected the end of the text"},
           {"{}", "address: is missing"},
           {R"({"address":7,"port":80})", "address: must be a string"},
           {R"({"address":"a"})", "port: is missing"},
           {R"({"address":"a","port":0})", "port: must be 1..65535"},
           {R"({"address":"a","port":65536})", "port: must be 1..65535"},
           {R"({"address":"a","port":"80"})", "port: must be 1..65535"},
           {R"({"address":"a","port":80.0})", "port: must be 1..65535"},
           {R"({"address":"a","sslPort":0})", "sslPort: must be 1..65535"},
           {head + R"("payload":{"weight":-1}})",
            "payload.weight: must be 0..1000000"},
           {head + R"("payload":{"priority":2147483648}})",
            "payload.priority: must be -2147483648..2147483647"},
           {head + R"("payload":{"role":1}})",
            "payload.role: must be a string"},
           {head + R"("payload":{"zone":[]}})",
            "payload.zone: must be a string"},
           {head + R"("payload":{"labels":[]}})",
            "payload.labels: must be an object"},
           {head + R"("payload":{"labels":{"a":1}}})",
            "payload.labels: must be an object of strings"},
       }) {
    EXPECT_EQ(ParseZookeeperRecord(row.data).status(),
              absl::InvalidArgumentError(row.message))
        << row.data;
  }
  EXPECT_FALSE(ParseZookeeperRecord("10.0.0.1").ok());
  EXPECT_EQ(
      ParseZookeeperRecord(std::string(kMaxZookeeperRecordBytes, ' ')).status(),
      absl::InvalidArgumentError("the node has no data"));
  EXPECT_EQ(ParseZookeeperRecord(std::string(kMaxZookeeperRecordBytes + 1, ' '))
                .status(),
            absl::ResourceExhaustedError("more than 65536 bytes"));
}

// Records that are cut short, or have one byte changed, are read or refused.
// asan finds reads beyond the end.
TEST(ZookeeperRecordTest, DamagedRecordsAreReadOrRefused) {
  const std::string good =
      FormatZookeeperRecord(Rich(), "users", "a", absl::UnixEpoch());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ParseZookeeperRecord(good.substr(0, size)).ok()) << size;
  }
  size_t read = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    for (const char c : {'\0', '"', '\\', '{', '}', 'u', '\xFF'}) {
      std::string damaged = good;
      damaged[at] = c;
      if (ParseZookeeperRecord(damaged).ok()) ++read;
    }
  }
  EXPECT_GT(read, 0u);
}

}  // namespace
}  // namespace multi_backend
