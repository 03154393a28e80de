#include "multi_backend/tools/mb/admin/top_screen.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace mb {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

admin::v1::Status StatusOf(const std::string& fields = "") {
  admin::v1::Status status;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(fields + R"(
        time { seconds: 100 } started { seconds: 40 } library_version: "0.2.0"
        channels { id: 7 target: "static:///x" state: "READY"
          backends_usable: 1
          backends { name: "b1:1" address: "b1:1" state: "ALIVE"
                     last_minute { attempts: 9 share: 0.9 p50 { nanos: 1000000 }
                                   p99 { nanos: 2000000 } } }
          backends { name: "b2:1" address: "b2:1" state: "DOWN" reason: "evil\033[2J"
                     last_minute { attempts: 1 errors: 1 share: 0.1
                                   p50 { nanos: 1000000 }
                                   p99 { nanos: 2000000 } } } })",
                                                            &status));
  return status;
}

std::string TextOf(const std::vector<TopLine>& lines) {
  return absl::StrJoin(lines, "\n", [](std::string* out, const TopLine& line) {
    absl::StrAppend(out, line.text);
  });
}

TEST(DrawTopTest, TheWholeScreen) {
  const auto lines = DrawTop(StatusOf(), TopState(), 8, 100);
  EXPECT_EQ(
      TextOf(lines),
      "multi_backend 0.2.0, up 1m0s, sorted by address\n"
      "static:///x  READY  1 of 2 usable\n"
      "  BACKEND  STATE  SHARE  FLIGHT  CALLS/MIN  ERR/MIN     P50     P99  "
      "WHY\n"
      "> b1:1     ALIVE  90.0%       0          9        0  1.00ms  2.00ms\n"
      "  b2:1     DOWN   10.0%       0          1        1  1.00ms  2.00ms  "
      "evil\\x1b[2J\n"
      "\n"
      "\n"
      "arrows select  s sort  m mark  u unmark  d drain  e end drain  p pause  "
      "? help  q quit");
  EXPECT_TRUE(lines[3].selected);
  EXPECT_EQ(lines[4].style, TopLine::Style::kBad);
}

TEST(DrawTopTest, NoLineIsTooLongAndNoScreenTooSmall) {
  for (size_t rows = 0; rows < 9; ++rows) {
    for (const size_t columns : {0, 1, 20, 200}) {
      const auto lines = DrawTop(StatusOf(), TopState(), rows, columns);
      EXPECT_EQ(lines.size(), rows);
      for (const TopLine& line : lines) EXPECT_LE(line.text.size(), columns);
    }
  }
}

TEST(DrawTopTest, TheSelectedBackendIsAlwaysShown) {
  admin::v1::Status status = StatusOf();
  auto& channel = *status.mutable_channels(0);
  for (int i = 3; i < 100; ++i) {
    channel.add_backends()->set_address(absl::StrCat("b", i, ":1"));
  }
  TopState state;
  for (int i = 0; i < 98; ++i) {
    OnTopKey(TopKey::kDown, 0, status, state);
    const auto lines = DrawTop(status, state, 10, 100);
    int selected = 0;
    for (const TopLine& line : lines) selected += line.selected;
    EXPECT_EQ(selected, 1) << i;
  }
  EXPECT_EQ(state.backend, "b99:1");
  OnTopKey(TopKey::kUp, 0, status, state);
  EXPECT_EQ(state.backend, "b98:1");
}

TEST(DrawTopTest, BackendsThatAreLeftOutCount) {
  admin::v1::Status status = StatusOf();
  status.mutable_channels(0)->set_backends_left_out(40);
  EXPECT_THAT(TextOf(DrawTop(status, TopState(), 10, 100)),
              HasSubstr("1 of 42 usable"));
}

TEST(OnTopKeyTest, EachAddressOfANameIsSelectedAndActedOnAlone) {
  admin::v1::Status status = StatusOf("actions_enabled: true");
  auto& channel = *status.mutable_channels(0);
  channel.mutable_backends(0)->set_name("db:1");
  channel.mutable_backends(1)->set_name("db:1");
  TopState state;
  OnTopKey(TopKey::kDown, 0, status, state);
  const auto lines = DrawTop(status, state, 10, 100);
  EXPECT_FALSE(lines[3].selected);
  EXPECT_THAT(lines[4].text, HasSubstr("> db:1 b2:1"));
  EXPECT_TRUE(lines[4].selected);
  OnTopKey(TopKey::kOther, 'd', status, state);
  const TopEffect yes = OnTopKey(TopKey::kOther, 'y', status, state);
  ASSERT_TRUE(yes.action.has_value());
  EXPECT_EQ(yes.action->backend, "b2:1");
}

TEST(OnTopKeyTest, SortingKeepsTheSelection) {
  const admin::v1::Status status = StatusOf();
  TopState state;
  OnTopKey(TopKey::kDown, 0, status, state);
  EXPECT_EQ(state.backend, "b2:1");
  OnTopKey(TopKey::kOther, 's', status, state);
  EXPECT_EQ(state.order, TopOrder::kErrors);
  const auto lines = DrawTop(status, state, 10, 100);
  EXPECT_THAT(lines[3].text, HasSubstr("> b2:1"));
}

TEST(OnTopKeyTest, AnActionIsAskedForFirst) {
  const admin::v1::Status status = StatusOf("actions_enabled: true");
  TopState state;
  OnTopKey(TopKey::kDown, 0, status, state);
  EXPECT_FALSE(OnTopKey(TopKey::kOther, 'd', status, state).action.has_value());
  EXPECT_EQ(DrawTop(status, state, 10, 100).back().text,
            "drain b2:1? y is yes");
  const TopEffect no = OnTopKey(TopKey::kOther, 'n', status, state);
  EXPECT_FALSE(no.action.has_value());
  OnTopKey(TopKey::kOther, 'm', status, state);
  const TopEffect yes = OnTopKey(TopKey::kOther, 'y', status, state);
  ASSERT_TRUE(yes.action.has_value());
  EXPECT_EQ(yes.action->kind, ActionKind::kMarkUnhealthy);
  EXPECT_EQ(yes.action->backend, "b2:1");
  EXPECT_EQ(yes.action->target, "static:///x");
  // A "y" later does nothing.
  EXPECT_FALSE(OnTopKey(TopKey::kOther, 'y', status, state).action.has_value());
}

TEST(OnTopKeyTest, WhereActionsAreOffItSaysSo) {
  TopState state;
  OnTopKey(TopKey::kOther, 'd', StatusOf(), state);
  EXPECT_FALSE(state.asked.has_value());
  EXPECT_EQ(state.message, "the application has not turned actions on");
  state.read_only = true;
  OnTopKey(TopKey::kOther, 'd', StatusOf("actions_enabled: true"), state);
  EXPECT_FALSE(state.asked.has_value());
  EXPECT_EQ(state.message, "--read-only: no actions");
}

TEST(OnTopKeyTest, PauseHelpAndQuit) {
  TopState state;
  OnTopKey(TopKey::kOther, 'p', StatusOf(), state);
  EXPECT_THAT(DrawTop(StatusOf(), state, 10, 100)[0].text, HasSubstr("PAUSED"));
  OnTopKey(TopKey::kOther, '?', StatusOf(), state);
  EXPECT_THAT(TextOf(DrawTop(StatusOf(), state, 12, 100)),
              HasSubstr("m, u      mark"));
  EXPECT_TRUE(OnTopKey(TopKey::kOther, 'q', StatusOf(), state).quit);
}

TEST(OnTopKeyTest, WithoutBackendsNoKeyDoesHarm) {
  const admin::v1::Status status;
  for (const char letter : {'m', 'u', 'd', 'e', 's', 'p', '?', 'x'}) {
    TopState state;
    OnTopKey(TopKey::kOther, letter, status, state);
    OnTopKey(TopKey::kUp, 0, status, state);
    OnTopKey(TopKey::kDown, 0, status, state);
    EXPECT_FALSE(
        OnTopKey(TopKey::kOther, 'y', status, state).action.has_value());
    EXPECT_EQ(DrawTop(status, state, 5, 40).size(), 5u);
  }
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend
