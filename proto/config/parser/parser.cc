#include "multi_backend/proto/config/parser/parser.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/time_util.h"
#include "multi_backend/proto/config.pb.h"
#include "multi_backend/proto/config/rules/policy.h"
#include "multi_backend/proto/config/rules/routing.h"
#include "multi_backend/proto/json/field_errors.h"
#include "multi_backend/proto/json/shape.h"
#include "multi_backend/proto/json/syntax.h"

namespace multi_backend {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;
using google::protobuf::Value;

// Room for ten thousand backends with all their attributes.
constexpr size_t kMaxTextSize = 1 << 20;
constexpr absl::string_view kPolicyListKey = "loadBalancingConfig";
constexpr absl::string_view kMethodListKey = "methodConfig";
constexpr absl::string_view kRetryThrottlingKey = "retryThrottling";

absl::Status NotJson(absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("multi_backend config is not valid JSON: ", why));
}

absl::StatusOr<Value> ParseJson(absl::string_view text) {
  if (text.size() > kMaxTextSize) {
    return absl::InvalidArgumentError(absl::StrCat(
        "multi_backend config is longer than ", kMaxTextSize, " bytes"));
  }
  const absl::Status syntax = CheckJsonSyntax(text);
  if (!syntax.ok()) return NotJson(syntax.message());
  Value value;
  const auto status = google::protobuf::util::JsonStringToMessage(
      {text.data(), text.size()}, &value);
  if (!status.ok()) {
    // The further lines quote the text around the place.
    const std::string message(status.message().data(), status.message().size());
    const std::vector<absl::string_view> lines = absl::StrSplit(message, '\n');
    return NotJson(lines[0]);
  }
  return value;
}

// Reads `object`, which FitToMessage() left in the message's shape.
absl::Status ToMessage(const Struct& object,
                       google::protobuf::Message* message) {
  std::string json;
  auto status = google::protobuf::util::MessageToJsonString(object, &json);
  if (status.ok()) {
    status = google::protobuf::util::JsonStringToMessage(json, message);
  }
  if (status.ok()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(
      "multi_backend config cannot be read: ",
      std::string(status.message().data(), status.message().size())));
}

const Value* Find(const Struct& object, absl::string_view key) {
  const auto found = object.fields().find(std::string(key));
  if (found == object.fields().end() ||
      found->second.kind_case() == Value::kNullValue) {
    return nullptr;
  }
  return &found->second;
}

// protobuf cannot tell an empty list from an absent one, which here would turn
// "retry after nothing" into the default.
void RefuseEmptyCodes(const Struct& policy, FieldErrors* errors) {
  const Value* failover = Find(policy, "failover");
  if (failover == nullptr) return;
  const Value* codes = Find(failover->struct_value(), "retriableStatusCodes");
  if (codes != nullptr && codes->list_value().values().empty()) {
    errors->Add("failover.retriableStatusCodes",
                "must not be empty; maxRetries 0 turns retries off");
  }
}

// Reads `message` from `value`, which is at `path` of the document.  The paths
// of its fields are relative to it.
absl::Status ReadObject(Value value, absl::string_view path,
                        const ParseOptions& options,
                        google::protobuf::Message* message,
                        FieldErrors* errors) {
  if (value.kind_case() != Value::kStructValue) {
    errors->AddUnreadable(path, "is not an object");
    return absl::OkStatus();
  }
  FitToMessage(*message->GetDescriptor(), {options.strict}, "",
               value.mutable_struct_value(), errors);
  return ToMessage(value.struct_value(), message);
}

absl::StatusOr<PolicyConfig> ReadPolicyValue(const Value& value,
                                             const ParseOptions& options,
                                             FieldErrors* errors) {
  config::v1::Policy policy;
  const absl::Status status =
      ReadObject(value, kPolicyName, options, &policy, errors);
  if (!status.ok()) return status;
  RefuseEmptyCodes(value.struct_value(), errors);
  return ReadPolicy(policy, errors);
}

absl::StatusOr<RoutingConfig> ReadRoutingValue(const Value& value,
                                               const ParseOptions& options,
                                               FieldErrors* errors) {
  config::v1::Routing routing;
  const absl::Status status =
      ReadObject(value, kRoutingKey, options, &routing, errors);
  if (!status.ok()) return status;
  return ReadRouting(routing, errors);
}

// Our entry of loadBalancingConfig; nullptr when there is none.
const Value* FindPolicy(const Struct& document, FieldErrors* errors,
                        std::vector<LintWarning>* warnings) {
  const Value* list = Find(document, kPolicyListKey);
  if (list == nullptr) return nullptr;
  if (list->kind_case() != Value::kListValue) {
    errors->AddUnreadable(kPolicyListKey, "is not an array");
    return nullptr;
  }
  const Value* policy = nullptr;
  for (int i = 0; i < list->list_value().values_size(); ++i) {
    const Value& entry = list->list_value().values(i);
    const std::string path = ElementPath(kPolicyListKey, i);
    if (entry.kind_case() != Value::kStructValue) {
      errors->AddUnreadable(path, "is not an object");
      continue;
    }
    const auto& fields = entry.struct_value().fields();
    if (fields.size() != 1) {
      errors->Add(path, "must have exactly one key");
      continue;
    }
    if (fields.begin()->first != kPolicyName) continue;
    if (policy != nullptr) {
      errors->Add(path, absl::StrCat("is a second entry for ", kPolicyName));
      continue;
    }
    policy = &fields.begin()->second;
    if (i > 0) {
      warnings->push_back({path,
                           "gRPC takes the first entry whose policy it has, "
                           "which may be one before this"});
    }
  }
  return policy;
}

// gRPC checks the form of its own part, so malformed entries are skipped here.
absl::optional<absl::Duration> FindDuration(const Struct& object,
                                            absl::string_view key) {
  const Value* value = Find(object, key);
  google::protobuf::Duration duration;
  if (value == nullptr || !google::protobuf::util::TimeUtil::FromString(
                              value->string_value(), &duration)) {
    return absl::nullopt;
  }
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

// Compares the time-outs in gRPC's own part with the one of failover's
// attempts.
void LintMethodConfigs(const Struct& document, const FailoverConfig& failover,
                       std::vector<LintWarning>* warnings) {
  const Value* list = Find(document, kMethodListKey);
  if (list == nullptr || failover.max_retries == 0 ||
      !failover.per_try_timeout.has_value()) {
    return;
  }
  for (int i = 0; i < list->list_value().values_size(); ++i) {
    const Struct& entry = list->list_value().values(i).struct_value();
    // The method keeps its own retry policy instead of failover's.
    if (Find(entry, "retryPolicy") != nullptr) continue;
    const absl::optional<absl::Duration> timeout =
        FindDuration(entry, "timeout");
    if (!timeout.has_value() || *timeout > *failover.per_try_timeout) continue;
    warnings->push_back(
        {"failover.perTryTimeout",
         absl::StrCat("leaves no time for another try: ",
                      FieldPath(ElementPath(kMethodListKey, i), "timeout"),
                      " is ", absl::ToDoubleSeconds(*timeout), "s")});
  }
}

// A retry may never be made; see kLeastBackoff.
void LintBackoffs(const Struct& document, std::vector<LintWarning>* warnings) {
  const Value* list = Find(document, kMethodListKey);
  if (list == nullptr) return;
  for (int i = 0; i < list->list_value().values_size(); ++i) {
    const Value* policy =
        Find(list->list_value().values(i).struct_value(), "retryPolicy");
    if (policy == nullptr) continue;
    for (const absl::string_view key : {"initialBackoff", "maxBackoff"}) {
      const absl::optional<absl::Duration> backoff =
          FindDuration(policy->struct_value(), key);
      if (!backoff.has_value() || *backoff >= kLeastBackoff) continue;
      warnings->push_back(
          {FieldPath(FieldPath(ElementPath(kMethodListKey, i), "retryPolicy"),
                     key),
           "is less than 0.002s: gRPC 1.83 drops a retry whose backoff rounds "
           "to 0 ms, and the call then hangs past its deadline"});
    }
  }
}

// gRPC's retry filter also makes the retries of failover, and throttles them.
void LintRetryThrottling(const Struct& document, const FailoverConfig& failover,
                         std::vector<LintWarning>* warnings) {
  if (failover.max_retries == 0 ||
      Find(document, kRetryThrottlingKey) == nullptr) {
    return;
  }
  warnings->push_back(
      {std::string(kRetryThrottlingKey),
       "limits the retries of failover too, and all channels of the process "
       "with the same target share its tokens: failover.budget alone is "
       "enough"});
}

}  // namespace

absl::StatusOr<ParsedConfig> ParseServiceConfig(absl::string_view json,
                                                const ParseOptions& options) {
  FieldErrors errors;
  return ParseServiceConfig(json, options, errors);
}

absl::StatusOr<ParsedConfig> ParseServiceConfig(absl::string_view json,
                                                const ParseOptions& options,
                                                FieldErrors& errors) {
  absl::StatusOr<Value> document = ParseJson(json);
  if (!document.ok()) return document.status();
  if (document->kind_case() != Value::kStructValue) {
    return absl::InvalidArgumentError(
        "multi_backend config is not a JSON object");
  }
  ParsedConfig result;
  const Value* policy =
      FindPolicy(document->struct_value(), &errors, &result.warnings);
  if (policy != nullptr) {
    absl::StatusOr<PolicyConfig> read =
        ReadPolicyValue(*policy, options, &errors);
    if (!read.ok()) return read.status();
    result.config.policy = *std::move(read);
  }
  const Value* routing = Find(document->struct_value(), kRoutingKey);
  if (routing != nullptr) {
    absl::StatusOr<RoutingConfig> read =
        ReadRoutingValue(*routing, options, &errors);
    if (!read.ok()) return read.status();
    result.config.routing = *std::move(read);
  }
  const absl::Status status = errors.ToStatus();
  if (!status.ok()) return status;
  for (LintWarning& warning : LintConfig(result.config)) {
    result.warnings.push_back(std::move(warning));
  }
  LintMethodConfigs(document->struct_value(), result.config.policy.failover,
                    &result.warnings);
  const size_t warnings_before = result.warnings.size();
  LintBackoffs(document->struct_value(), &result.warnings);
  result.has_short_backoff = result.warnings.size() > warnings_before;
  LintRetryThrottling(document->struct_value(), result.config.policy.failover,
                      &result.warnings);
  return result;
}

absl::StatusOr<PolicyConfig> ParsePolicyConfig(absl::string_view json,
                                               const ParseOptions& options) {
  absl::StatusOr<Value> value = ParseJson(json);
  if (!value.ok()) return value.status();
  FieldErrors errors;
  absl::StatusOr<PolicyConfig> config =
      ReadPolicyValue(*value, options, &errors);
  if (!config.ok()) return config;
  const absl::Status status = errors.ToStatus();
  if (!status.ok()) return status;
  return config;
}

std::string FormatWarnings(const std::vector<LintWarning>& warnings) {
  return absl::StrJoin(warnings, "; ",
                       [](std::string* out, const LintWarning& warning) {
                         absl::StrAppend(out, "field:", warning.field,
                                         " warning:", warning.message);
                       });
}

}  // namespace multi_backend
