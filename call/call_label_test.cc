#include "multi_backend/call/call_label.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

constexpr size_t kFixedSize = 19;
constexpr size_t kTagSize = 8;
constexpr size_t kClassOffset = 8;
constexpr size_t kRoleLengthOffset = 17;

std::vector<std::string> RoleNames() {
  return {"", "a", "primary", "zone-1.replica_B", std::string(64, 'r')};
}

std::vector<absl::optional<uint64_t>> KeyHashes() {
  std::vector<absl::optional<uint64_t>> hashes = {
      absl::nullopt,
      0,
      1,
      0x0123456789abcdef,
      0xfedcba9876543210,
      std::numeric_limits<uint64_t>::max()};
  for (int bit = 0; bit < 64; ++bit) hashes.push_back(uint64_t{1} << bit);
  return hashes;
}

CallLabel ReplicaOrAny() {
  CallLabel label;
  label.role = "replica";
  label.when_unavailable = WhenUnavailable::kAny;
  return label;
}

TEST(CallLabelTest, TheNewerLabelReplacesWhatItDecides) {
  for (const bool route : {false, true}) {
    for (const bool key : {false, true}) {
      CallLabel older;
      older.role = "older";
      older.key_decided = true;
      older.key_hash = 1;
      CallLabel newer;
      newer.route_decided = route;
      if (route) newer.role = "newer";
      newer.key_decided = key;
      if (key) newer.key_hash = 2;
      const CallLabel both = CombineLabels(older, newer);
      EXPECT_TRUE(both.route_decided);
      EXPECT_EQ(both.role, route ? "newer" : "older");
      EXPECT_TRUE(both.key_decided);
      EXPECT_EQ(both.key_hash, key ? 2 : 1);
    }
  }
}

TEST(CallLabelTest, EveryCombinationComesBackAsItWas) {
  for (const std::string& role : RoleNames()) {
    for (const std::string& fallback : RoleNames()) {
      for (auto when : {WhenUnavailable::kFail, WhenUnavailable::kAny,
                        WhenUnavailable::kRole}) {
        for (auto retry : {RetryMode::kDefault, RetryMode::kNever}) {
          CallLabel label;
          label.role = role;
          label.when_unavailable = when;
          if (when == WhenUnavailable::kRole) label.fallback_role = fallback;
          label.retry = retry;
          const std::string prefix = EncodeCallLabelPrefix(label);
          for (const auto& hash : KeyHashes()) {
            const std::string value = EncodeCallLabel(prefix, hash);
            const absl::optional<CallLabel> read = DecodeCallLabel(value);
            ASSERT_TRUE(read.has_value()) << value;
            EXPECT_EQ(read->role, role);
            EXPECT_EQ(read->when_unavailable, when);
            EXPECT_EQ(read->fallback_role, label.fallback_role);
            EXPECT_EQ(read->retry, retry);
            EXPECT_EQ(read->key_hash, hash);
            EXPECT_EQ(read->key_decided, hash.has_value());
            EXPECT_TRUE(read->route_decided);
            EXPECT_EQ(value.size(), kFixedSize + label.role.size() +
                                        label.fallback_role.size());
          }
        }
      }
    }
  }
}

TEST(CallLabelTest, TheRouteMayBeLeftOpen) {
  CallLabel label;
  label.route_decided = false;
  const std::string prefix = EncodeCallLabelPrefix(label);
  for (const auto& hash : KeyHashes()) {
    const std::string text = EncodeCallLabel(prefix, hash);
    const absl::optional<CallLabel> read = DecodeCallLabel(text);
    ASSERT_TRUE(read.has_value());
    EXPECT_FALSE(read->route_decided);
    EXPECT_EQ(read->role, "");
    EXPECT_EQ(read->when_unavailable, WhenUnavailable::kFail);
    EXPECT_EQ(read->retry, RetryMode::kDefault);
    EXPECT_EQ(read->key_hash, hash);
  }
}

TEST(CallLabelTest, NoKeyMayBeADecision) {
  for (const bool route_decided : {false, true}) {
    CallLabel label;
    label.route_decided = route_decided;
    const std::string prefix = EncodeCallLabelPrefix(label);
    const std::string open_text = EncodeCallLabel(prefix, absl::nullopt);
    const std::string none_text = EncodeCallLabel(prefix, absl::nullopt, true);
    const auto open = DecodeCallLabel(open_text);
    const auto none = DecodeCallLabel(none_text);
    ASSERT_TRUE(open.has_value() && none.has_value());
    EXPECT_FALSE(open->key_decided);
    EXPECT_TRUE(none->key_decided);
    EXPECT_EQ(none->key_hash, absl::nullopt);
    EXPECT_EQ(none->route_decided, route_decided);
  }
}

TEST(CallLabelTest, TrailsComeBackAsTheyWere) {
  CallLabel open;
  open.route_decided = false;
  for (const CallLabel& label : {open, CallLabel(), ReplicaOrAny()}) {
    for (const auto& hash : {absl::optional<uint64_t>(), {7}}) {
      for (const TrailIds& trails : {TrailIds{1, 0}, TrailIds{2, 3}}) {
        const std::string value = EncodeCallLabel(
            EncodeCallLabelPrefix(label), hash, hash.has_value(), trails);
        const absl::optional<CallLabel> read = DecodeCallLabel(value);
        ASSERT_TRUE(read.has_value());
        EXPECT_EQ(read->trails.first, trails.first);
        EXPECT_EQ(read->trails.second, trails.second);
        EXPECT_EQ(read->route_decided, label.route_decided);
        EXPECT_EQ(read->role, label.role);
        EXPECT_EQ(read->fallback_role, "");
        EXPECT_EQ(read->key_hash, hash);
        for (size_t size = 0; size < value.size(); ++size) {
          EXPECT_EQ(DecodeCallLabel(value.substr(0, size)), absl::nullopt);
        }
      }
    }
  }
}

// As core joins the values of one key.
TEST(CallLabelTest, JoinedValuesAreCombined) {
  CallLabel open;
  open.route_decided = false;
  const std::string route =
      EncodeCallLabel(EncodeCallLabelPrefix(ReplicaOrAny()), absl::nullopt);
  const std::string key = EncodeCallLabel(EncodeCallLabelPrefix(open), 7);
  const auto trail = [&open](uint64_t id) {
    return EncodeCallLabel(EncodeCallLabelPrefix(open), absl::nullopt, false,
                           TrailIds{id, 0});
  };
  const std::string joined =
      absl::StrCat(trail(1), ",", route, ",", key, ",", trail(2));
  const auto all = DecodeCallLabel(joined);
  ASSERT_TRUE(all.has_value());
  EXPECT_TRUE(all->route_decided);
  EXPECT_EQ(all->role, "replica");
  EXPECT_EQ(all->key_hash, 7);
  EXPECT_EQ(all->trails.first, 1u);
  EXPECT_EQ(all->trails.second, 2u);
  for (const std::string& wrong :
       {absl::StrCat(route, ","), absl::StrCat(",", route),
        absl::StrCat(route, ";", key), absl::StrCat(route, key),
        absl::StrCat(route, ",x")}) {
    EXPECT_EQ(DecodeCallLabel(wrong), absl::nullopt);
  }
}

TEST(CallLabelTest, ViewsPointIntoTheValue) {
  const std::string value =
      EncodeCallLabel(EncodeCallLabelPrefix(ReplicaOrAny()), 7);
  const absl::optional<CallLabel> label = DecodeCallLabel(value);
  ASSERT_TRUE(label.has_value());
  EXPECT_EQ(label->role.data(), value.data() + kFixedSize);
}

TEST(CallLabelTest, AFallbackRoleIsNotSentUnlessItIsUsed) {
  CallLabel label = ReplicaOrAny();
  label.fallback_role = "backup";
  const std::string value = EncodeCallLabelPrefix(label);
  EXPECT_EQ(DecodeCallLabel(value)->fallback_role, "");
}

// gRPC accepts arbitrary bytes only in values whose key ends in "-bin".
TEST(CallLabelTest, AValueMayHaveAnyByte) {
  EXPECT_TRUE(absl::EndsWith(kCallLabelKey, "-bin"));
}

TEST(CallLabelTest, EveryTruncatedOrLengthenedValueIsRefused) {
  const std::string value =
      EncodeCallLabel(EncodeCallLabelPrefix(ReplicaOrAny()), 0xabcdef);
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_EQ(DecodeCallLabel(value.substr(0, size)), absl::nullopt) << size;
  }
  EXPECT_EQ(DecodeCallLabel(value + "x"), absl::nullopt);
  EXPECT_EQ(DecodeCallLabel(value + std::string(100, 'x')), absl::nullopt);
}

TEST(CallLabelTest, EveryOtherByteInTheTagIsRefused) {
  const std::string value = EncodeCallLabelPrefix(ReplicaOrAny());
  for (size_t at = 0; at < kTagSize; ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string forged = value;
      forged[at] = static_cast<char>(byte);
      if (forged == value) continue;
      EXPECT_EQ(DecodeCallLabel(forged), absl::nullopt) << at << ' ' << byte;
    }
  }
}

// Seven classes for the route, times three for the key.  One of the seven is
// the undecided route, which has no role.
TEST(CallLabelTest, OnlyTheTwentyOneClassesAreRead) {
  const std::string with_role = EncodeCallLabelPrefix(ReplicaOrAny());
  const std::string without = EncodeCallLabelPrefix(CallLabel());
  for (int byte = 0; byte < 256; ++byte) {
    const bool is_class = byte >= 'A' && byte <= 'U';
    std::string forged = without;
    forged[kClassOffset] = static_cast<char>(byte);
    EXPECT_EQ(DecodeCallLabel(forged).has_value(), is_class) << byte;
    forged = with_role;
    forged[kClassOffset] = static_cast<char>(byte);
    EXPECT_EQ(DecodeCallLabel(forged).has_value(),
              is_class && (byte - 'A') % 7 != 6)
        << byte;
  }
}

TEST(CallLabelTest, EveryOtherLengthIsRefused) {
  const std::string value = EncodeCallLabelPrefix(ReplicaOrAny());
  for (size_t at : {kRoleLengthOffset, kRoleLengthOffset + 1}) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string forged = value;
      forged[at] = static_cast<char>(byte);
      if (forged == value) continue;
      EXPECT_EQ(DecodeCallLabel(forged), absl::nullopt) << at << ' ' << byte;
    }
  }
}

TEST(CallLabelTest, EverySingleBitFlipInTagClassOrLengthIsSeen) {
  const std::string value =
      EncodeCallLabel(EncodeCallLabelPrefix(ReplicaOrAny()), 1);
  const absl::optional<CallLabel> original = DecodeCallLabel(value);
  for (size_t at = 0; at < kFixedSize; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = value;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      const absl::optional<CallLabel> read = DecodeCallLabel(flipped);
      if (!read.has_value()) continue;
      // A flipped value that still decodes differs in its class or key, so it
      // is never taken for the original label.
      EXPECT_TRUE(read->when_unavailable != original->when_unavailable ||
                  read->retry != original->retry ||
                  read->key_decided != original->key_decided ||
                  read->key_hash != original->key_hash)
          << at << ' ' << bit;
    }
  }
}

TEST(CallLabelTest, ForeignValuesAreRefused) {
  const std::vector<std::string> values = {
      "",
      "primary",
      std::string(kFixedSize, '0'),
      std::string(30, '\0'),
      std::string(8000, 'A'),
      absl::StrCat("AAAAAAAAAAAA", "aaaaaaaaaaaaaaaa", "70", "primary")};
  for (const std::string& value : values) {
    EXPECT_EQ(DecodeCallLabel(value), absl::nullopt) << value;
  }
}

TEST(CallLabelTest, TheTagIsTheSameForTheWholeProcess) {
  CallLabel label;
  EXPECT_EQ(EncodeCallLabelPrefix(label), EncodeCallLabelPrefix(label));
}

TEST(CallLabelDeathTest, ARoleThatIsNoLegalMetadataIsRefusedAtOnce) {
  CallLabel label;
  label.role = "a\nb";
  EXPECT_DEATH(EncodeCallLabelPrefix(label), "valid role names only");
}

}  // namespace
}  // namespace multi_backend
