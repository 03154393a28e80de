#include "multi_backend/tools/mb/admin/messages.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/tools/mb/admin/admin_client.h"

namespace multi_backend {
namespace mb {
namespace {

TEST(ActionJsonTest, HasTheFieldsOfItsMessage) {
  Action action;
  action.backend = "b1:1";
  action.reason = "disk \"full\"";
  EXPECT_EQ(ActionJson(action),
            R"({"backend":"b1:1","reason":"disk \"full\""})");
  action.kind = ActionKind::kDrain;
  action.timeout = absl::Milliseconds(1500);
  EXPECT_EQ(DrainRequestOf(action).timeout().nanos(), 500'000'000);
  EXPECT_EQ(
      ActionJson(action),
      R"({"backend":"b1:1","reason":"disk \"full\"","timeout":"1.500s"})");
  action.kind = ActionKind::kSetWeight;
  action.weight = 7;
  EXPECT_EQ(ActionJson(action),
            R"({"backend":"b1:1","reason":"disk \"full\"","weight":7})");
}

TEST(EventStreamReaderTest, PiecesMayEndAnywhere) {
  const std::string stream =
      "retry: 1000\n\n"
      "event: status\ndata: {\"libraryVersion\":\"1\"}\n\n"
      "event: event\nid: 1\ndata: {\"sequence\":\"1\",\"new\":1}\n\n"
      ": a comment\n"
      "event: event\r\nid: 2\r\ndata:{\"sequence\":\"2\"}\r\n\r\n";
  for (size_t size = 1; size <= stream.size(); ++size) {
    std::vector<uint64_t> sequences;
    EventStreamReader reader([&](const admin::v1::Event& event) {
      sequences.push_back(event.sequence());
    });
    for (size_t i = 0; i < stream.size(); i += size) {
      ASSERT_TRUE(reader.Add(stream.substr(i, size)).ok());
    }
    EXPECT_EQ(sequences, (std::vector<uint64_t>{1, 2})) << size;
  }
}

TEST(EventStreamReaderTest, ABadStreamIsAnError) {
  EventStreamReader reader([](const admin::v1::Event&) { FAIL(); });
  EXPECT_FALSE(reader.Add("event: event\ndata: {\n\n").ok());
  EventStreamReader endless([](const admin::v1::Event&) { FAIL(); });
  const std::string mebibyte(1 << 20, 'x');
  absl::Status status;
  for (int i = 0; i < 17; ++i) status.Update(endless.Add(mebibyte));
  EXPECT_FALSE(status.ok());
}

TEST(KeepAskedCallsTest, FilterAndLimit) {
  admin::v1::Calls calls;
  for (int i = 0; i < 4; ++i) {
    auto* call = calls.add_calls();
    call->set_sequence(i);
    call->set_target(i == 3 ? "b" : "a");
    call->set_status(i == 0 ? "UNAVAILABLE" : "OK");
    call->set_attempts_made(i == 1 ? 2 : 1);
  }
  admin::v1::GetCallsRequest request;
  request.set_target("a");
  admin::v1::Calls of_target = calls;
  KeepAskedCalls(request, &of_target);
  EXPECT_EQ(of_target.calls_size(), 3);
  request.set_failed_or_retried_only(true);
  admin::v1::Calls failed = calls;
  KeepAskedCalls(request, &failed);
  EXPECT_EQ(failed.calls_size(), 2);
  request.set_limit(1);
  KeepAskedCalls(request, &failed);
  ASSERT_EQ(failed.calls_size(), 1);
  EXPECT_EQ(failed.calls(0).sequence(), 0u);
}

TEST(AdminAddressTest, WrongOnesSayWhatToWrite) {
  const struct {
    const char* address;
    bool tls;
    const char* token;
    const char* message;  // "" = accepted.
  } rows[] = {
      {"127.0.0.1:1", false, "", ""},
      {"unix:/run/admin", false, "", ""},
      {"http://127.0.0.1:1/", false, "", ""},
      {"http://status.example:1", false, "", ""},
      {"127.0.0.1:1", false, "token", ""},
      {"http://[::1]:1", false, "token", ""},
      {"https://status.example", false, "token", ""},
      {"status.example:1", true, "token", ""},
      {"localhost", false, "",
       "address \"localhost\": write host:port for the admin service, or "
       "http://host:port for the status page"},
      {"", false, "",
       "address \"\": write host:port for the admin service, or "
       "http://host:port for the status page"},
      {"ftp://a:1", false, "",
       "address \"ftp://a:1\": write host:port for the admin service, or "
       "http://host:port for the status page"},
      {"http://user:secret@a:1", false, "",
       "the address has an \"@\": give the token with --token-file"},
      {"status.example:1", false, "token",
       "the token would cross the network in the clear: add --tls or --ca"},
      {"http://127.0.0.1.example:1", false, "token",
       "the token would cross the network in the clear: write https://"},
  };
  for (const auto& row : rows) {
    AdminAddress address;
    address.address = row.address;
    address.tls = row.tls;
    address.token = row.token;
    EXPECT_EQ(std::string(MakeAdminClient(address).status().message()),
              row.message)
        << row.address;
  }
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend
