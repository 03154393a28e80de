// None of this library's metadata reaches a server.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/metadata_dump.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Pair;

// A primary and two replicas record what they receive; reads are sticky, and
// writes are routed.
class MetadataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto fleet =
        BackendFleet::Start({dump_.Record({"primary", "primary", {}}),
                             dump_.Record({"replica1", "replica", {}}),
                             dump_.Record({"replica2", "replica", {}})});
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    std::string backends;
    for (size_t i = 0; i < 3; ++i) {
      absl::StrAppend(&backends, i == 0 ? "" : ",", R"({"address":")",
                      fleet_->address(i), R"(","role":")", fleet_->role(i),
                      "\"}");
    }
    auto client = UsersClient::Make(
        "static:///",
        ServiceConfig(
            absl::StrCat(R"("roles":{"replica":{"strategy":"STICKY"}},
                "failover":{"budget":{"ratio":1.0,
                                      "minRetriesPerSecond":1000}},
                "backends":[)",
                         backends, "]"),
            R"("routes":[{"match":{"method":"Create.*"},"role":"primary"},
                         {"match":{"method":"Get.*"},"role":"replica"}],
               "stickyKey":{"header":"x-key"})"));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  // Returns the attempts that all backends have seen.
  std::vector<SeenAttempt> Seen() const {
    std::vector<SeenAttempt> all;
    for (size_t i = 0; i < fleet_->size(); ++i) {
      for (SeenAttempt& attempt : dump_.Of(fleet_->name(i))) {
        all.push_back(std::move(attempt));
      }
    }
    return all;
  }

  static std::vector<std::string> ReservedKeys(
      const std::vector<SeenAttempt>& attempts) {
    std::vector<std::string> keys;
    for (const SeenAttempt& attempt : attempts) {
      for (const auto& entry : attempt.metadata) {
        if (absl::StartsWith(entry.first, "mb-")) keys.push_back(entry.first);
      }
    }
    return keys;
  }

  const MetadataDump dump_;
  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
};

UsersCall MixedCall(int64_t index) {
  UsersCall call;
  const char* const methods[] = {"CreateUser", "GetUser", "FindUser"};
  call.method = methods[index % 3];
  call.metadata = {{"x-key", absl::StrCat("user-", index)}};
  return call;
}

TEST_F(MetadataTest, NoServerSeesAKeyOfOurs) {
  EXPECT_THAT(RunCalls(*client_, 2, 150, MixedCall).failures, IsEmpty());
  fleet_->SetBehaviour(1, Failing());  // From now on some calls are retried.
  EXPECT_THAT(RunCalls(*client_, 2, 150, MixedCall).failures, IsEmpty());
  const std::vector<SeenAttempt> seen = Seen();
  EXPECT_GT(seen.size(), 300u);
  bool any_retried = false;
  for (const SeenAttempt& attempt : seen) any_retried |= attempt.number > 1;
  EXPECT_TRUE(any_retried);
  EXPECT_THAT(ReservedKeys(seen), IsEmpty());
}

TEST_F(MetadataTest, TheApplicationsOwnMetadataArrivesOnEachAttempt) {
  fleet_->SetBehaviour(1, Failing());
  UsersCall call;
  call.metadata = {{"x-key", "k"}, {"x-two", "1"}, {"x-two", "2"}, {"mb", "x"}};
  for (int i = 0; i < 10; ++i) {
    call.metadata[0].second = absl::StrCat("user-", i);
    EXPECT_TRUE(client_->Call(call).ok());
  }
  const std::vector<SeenAttempt> seen = Seen();
  EXPECT_GE(seen.size(), 10u);
  for (const SeenAttempt& attempt : seen) {
    EXPECT_THAT(attempt.metadata, Contains(Pair("x-two", "1")));
    EXPECT_THAT(attempt.metadata, Contains(Pair("x-two", "2")));
    EXPECT_THAT(attempt.metadata, Contains(Pair("mb", "x")));
  }
}

// Metadata that an application may forge.
std::vector<std::pair<std::string, std::string>> Forgeries() {
  CallLabel replica;
  replica.role = "replica";
  const std::string genuine =
      EncodeCallLabel(EncodeCallLabelPrefix(replica), absl::nullopt);
  std::string other_process = genuine;
  other_process[0] = other_process[0] == '0' ? '1' : '0';
  return {{"mb-call-bin", genuine},
          {"mb-call-bin", other_process},
          {"mb-call-bin", "garbage"},
          {"mb-call-bin", ""},
          {"mb-call-bin", std::string(5000, 'x')},
          {"mb-role", "replica"},
          {"mb-", "x"},
          {"mb-call", "x"}};
}

TEST_F(MetadataTest, AForgedLabelChangesNothingAndStaysHere) {
  UsersCall call;
  call.method = "CreateUser";
  for (const auto& forgery : Forgeries()) {
    call.metadata = {forgery};
    const CallOutcome outcome = client_->Call(call);
    EXPECT_TRUE(outcome.ok()) << outcome.ToString();
    EXPECT_EQ(outcome.served_by, "primary")
        << forgery.first << " = " << forgery.second;
  }
  call.metadata = Forgeries();
  EXPECT_EQ(client_->Call(call).served_by, "primary");
  EXPECT_EQ(fleet_->CallsOf(1) + fleet_->CallsOf(2), 0);
  EXPECT_THAT(ReservedKeys(Seen()), IsEmpty());
}

TEST_F(MetadataTest, AForgedLabelDoesNotHinderTheStickyKey) {
  ASSERT_TRUE(client_->ConnectTo({fleet_->address(1), fleet_->address(2)}));
  UsersCall call;
  call.metadata = {{"x-key", "somebody"}};
  const std::string home = client_->Call(call).served_by;
  for (const auto& forgery : Forgeries()) {
    call.metadata = {{"x-key", "somebody"}, forgery};
    EXPECT_EQ(client_->Call(call).served_by, home) << forgery.first;
  }
  EXPECT_THAT(ReservedKeys(Seen()), IsEmpty());
}

// Without routes there is no interceptor.  The config selector still removes
// the label, and ignores one that another process made.
TEST_F(MetadataTest, WithoutRoutesALabelFromOutsideIsNotFollowedEither) {
  auto plain = UsersClient::Make(fleet_->StaticTarget(), ServiceConfig(""));
  ASSERT_TRUE(plain.ok()) << plain.status();
  for (const auto& forgery : Forgeries()) {
    if (forgery.first != kCallLabelKey) continue;
    // A label that this process made is not a forgery here.
    if (DecodeCallLabel(forgery.second).has_value()) continue;
    UsersCall call;
    call.metadata = {forgery};
    const CallOutcome outcome = (*plain)->Call(call);
    EXPECT_TRUE(outcome.ok()) << outcome.ToString();
  }
  EXPECT_THAT(ReservedKeys(Seen()), IsEmpty());
}

}  // namespace
}  // namespace multi_backend
