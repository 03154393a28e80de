#include "multi_backend/resolver/endpoint/text_record.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "multi_backend/proto/config/endpoint_bounds.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

// How much of a malformed word an error shows.
constexpr size_t kMaxQuoted = 100;

absl::Status BadWord(absl::string_view name, absl::string_view value,
                     absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(Excerpt(name, kMaxQuoted), " ",
                                                 Quoted(value, kMaxQuoted),
                                                 ": ", problem));
}

// Accepts digits with an optional "-"; SimpleAtoi() also accepts spaces and
// "+".
template <typename Integer>
bool ParseInteger(absl::string_view text, Integer* value) {
  absl::string_view digits = text;
  absl::ConsumePrefix(&digits, "-");
  return !digits.empty() && absl::ascii_isdigit(digits[0]) &&
         absl::ascii_isdigit(digits.back()) && absl::SimpleAtoi(text, value);
}

absl::Status SetAttribute(absl::string_view name, absl::string_view value,
                          Endpoint& endpoint) {
  if (name == "weight") {
    if (!ParseInteger(value, &endpoint.weight) ||
        endpoint.weight > kMaxEndpointWeight) {
      return BadWord(name, value,
                     absl::StrCat("must be 0..", kMaxEndpointWeight));
    }
  } else if (name == "priority") {
    if (!ParseInteger(value, &endpoint.priority)) {
      return BadWord(name, value, "must be a 32 bit integer");
    }
  } else if (name == "role") {
    endpoint.role = std::string(value);
  } else if (name == "zone") {
    endpoint.zone = std::string(value);
  } else if (absl::ConsumePrefix(&name, "label.")) {
    endpoint.labels[std::string(name)] = std::string(value);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Endpoint> ParseTextRecord(absl::string_view record) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(record, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  auto endpoint = Endpoint::Parse(words.empty() ? "" : words[0]);
  if (!endpoint.ok()) return endpoint;
  absl::flat_hash_set<absl::string_view> names;
  for (size_t i = 1; i < words.size(); ++i) {
    const size_t equals = words[i].find('=');
    if (equals == absl::string_view::npos || equals == 0) {
      return BadWord("attribute", words[i], "write name=value");
    }
    const absl::string_view name = words[i].substr(0, equals);
    if (!names.insert(name).second) {
      return BadWord("attribute", name, "is there twice");
    }
    const absl::Status status =
        SetAttribute(name, words[i].substr(equals + 1), *endpoint);
    if (!status.ok()) return status;
  }
  return endpoint;
}

}  // namespace multi_backend
