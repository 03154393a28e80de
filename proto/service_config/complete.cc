#include "multi_backend/proto/service_config/complete.h"

#include <cstddef>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/service_config/read.h"

namespace multi_backend {
namespace {

constexpr absl::string_view kRetryPolicy = "retryPolicy";

// A text with insertions.
class Insertions {
 public:
  explicit Insertions(absl::string_view text) : text_(text) {}

  // `object` is the text of an object in the text.
  void AddMember(absl::string_view object, bool is_empty,
                 absl::string_view name, absl::string_view value) {
    Place& place = places_[Offset(object) + 1];
    place.values.push_back(absl::StrCat(JsonQuote(name), ":", value));
    place.comma_after = !is_empty;
  }
  // `array` is the text of an array in the text.
  void AddElement(absl::string_view array, bool is_empty, std::string value) {
    Place& place = places_[Offset(array) + array.size() - 1];
    place.values.push_back(std::move(value));
    place.comma_before = !is_empty;
  }

  std::string Apply() const {
    std::string result;
    size_t at = 0;
    for (const auto& [offset, place] : places_) {
      absl::StrAppend(
          &result, text_.substr(at, offset - at), place.comma_before ? "," : "",
          absl::StrJoin(place.values, ","), place.comma_after ? "," : "");
      at = offset;
    }
    absl::StrAppend(&result, text_.substr(at));
    return result;
  }

 private:
  struct Place {
    std::vector<std::string> values;
    bool comma_before = false;
    bool comma_after = false;
  };

  size_t Offset(absl::string_view part) const {
    return static_cast<size_t>(part.data() - text_.data());
  }

  const absl::string_view text_;
  std::map<size_t, Place> places_;
};

// The methods that an entry of methodConfig names.
struct Names {
  std::vector<std::string> paths;
  bool all_others = false;
};

Names NamesOf(const JsonObject& entry) {
  Names names;
  const auto list = entry.Find("name").Array();
  if (!list.has_value()) return names;
  for (const JsonValue& name : *list) {
    const absl::optional<JsonObject> object = name.Object();
    const auto text = [&object](absl::string_view key) {
      return object.has_value() ? object->Find(key).String().value_or("")
                                : std::string();
    };
    const std::string service = text("service");
    const std::string method = text("method");
    names.all_others |= service.empty();
    names.paths.push_back(absl::StrCat("/", service.empty() ? "*" : service,
                                       "/", method.empty() ? "*" : method));
  }
  return names;
}

void ChooseOurPolicy(absl::string_view root, const JsonObject& service_config,
                     const absl::optional<StrategyKind>& strategy,
                     Insertions& insertions) {
  const std::string options =
      strategy.has_value()
          ? absl::StrCat("\"strategy\":", JsonQuote(StrategyName(*strategy)))
          : "";
  insertions.AddMember(
      root, service_config.members().empty(), kLoadBalancingConfig,
      absl::StrCat("[{", JsonQuote(kPolicyName), ":{", options, "}}]"));
}

void SetDefaultStrategy(const JsonObject& service_config, StrategyKind strategy,
                        Insertions& insertions) {
  const JsonValue policy = PolicyEntry(service_config);
  const absl::optional<JsonObject> object = policy.Object();
  if (!object.has_value() || !object->Find("strategy").text().empty()) return;
  insertions.AddMember(policy.text(), object->members().empty(), "strategy",
                       JsonQuote(StrategyName(strategy)));
}

void SetRetryPolicy(absl::string_view root, const JsonObject& service_config,
                    const std::string& policy, Insertions& insertions) {
  const std::string for_others = absl::StrCat(
      "{\"name\":[{}],", JsonQuote(kRetryPolicy), ":", policy, "}");
  const JsonValue list = service_config.Find(kMethodConfig);
  if (list.text().empty()) {
    insertions.AddMember(root, service_config.members().empty(), kMethodConfig,
                         absl::StrCat("[", for_others, "]"));
    return;
  }
  const auto entries = list.Array();
  if (!entries.has_value()) return;  // gRPC's parser reports this error.
  bool has_others = false;
  for (const JsonValue& entry : *entries) {
    const absl::optional<JsonObject> object = entry.Object();
    if (!object.has_value()) continue;
    has_others |= NamesOf(*object).all_others;
    if (!object->Find(kRetryPolicy).text().empty()) continue;
    insertions.AddMember(entry.text(), object->members().empty(), kRetryPolicy,
                         policy);
  }
  if (!has_others) {
    insertions.AddElement(list.text(), entries->empty(), for_others);
  }
}

}  // namespace

std::string CompleteServiceConfig(absl::string_view text,
                                  const JsonObject& service_config,
                                  const ServiceConfigAdditions& additions) {
  Insertions insertions(text);
  const absl::string_view root = text.substr(text.find('{'));
  if (additions.choose_our_policy) {
    ChooseOurPolicy(root, service_config, additions.default_strategy,
                    insertions);
  } else if (additions.default_strategy.has_value()) {
    SetDefaultStrategy(service_config, *additions.default_strategy, insertions);
  }
  if (additions.retry_policy.has_value()) {
    SetRetryPolicy(root, service_config, *additions.retry_policy, insertions);
  }
  return insertions.Apply();
}

std::vector<std::string> PathsWithRetryPolicy(
    const JsonObject& service_config) {
  std::vector<std::string> paths;
  const auto entries = service_config.Find(kMethodConfig).Array();
  if (!entries.has_value()) return paths;
  for (const JsonValue& entry : *entries) {
    const absl::optional<JsonObject> object = entry.Object();
    if (!object.has_value() || object->Find(kRetryPolicy).text().empty()) {
      continue;
    }
    const Names names = NamesOf(*object);
    paths.insert(paths.end(), names.paths.begin(), names.paths.end());
  }
  return paths;
}

absl::optional<std::string> RetryPolicyJson(const FailoverConfig& failover,
                                            bool classifier) {
  if (failover.max_retries == 0) return absl::nullopt;
  std::vector<std::string> codes;
  const auto add = [&codes](absl::StatusCode code) {
    codes.push_back(JsonQuote(absl::StatusCodeToString(code)));
  };
  if (classifier) {
    for (int code = 1; code <= 16; ++code) {
      add(static_cast<absl::StatusCode>(code));
    }
  } else {
    for (const absl::StatusCode code : failover.retriable_status_codes) {
      add(code);
    }
  }
  // `maxAttempts` is gRPC's maximum, because the library decides how many
  // attempts are really made.  The next attempt goes to another backend, so the
  // shortest backoff will do.
  std::string policy = absl::StrCat(
      absl::StrFormat(R"({"maxAttempts":5,"initialBackoff":"%.3fs",)",
                      absl::ToDoubleSeconds(kLeastBackoff)),
      R"("maxBackoff":"0.02s",)",
      R"("backoffMultiplier":2,"retryableStatusCodes":[)",
      absl::StrJoin(codes, ","), "]");
  if (failover.per_try_timeout.has_value()) {
    absl::StrAppendFormat(&policy, ",\"perAttemptRecvTimeout\":\"%.9fs\"",
                          absl::ToDoubleSeconds(*failover.per_try_timeout));
  }
  policy.push_back('}');
  return policy;
}

}  // namespace multi_backend
