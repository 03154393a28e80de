#include "multi_backend/tools/mb/config/validate.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/config/parser/parser.h"
#include "multi_backend/proto/json/field_errors.h"
#include "multi_backend/proto/json/nearest_name.h"
#include "multi_backend/proto/json/object.h"
#include "multi_backend/proto/json/shape.h"
#include "multi_backend/tools/mb/output/text.h"

namespace multi_backend {
namespace mb {
namespace {

void Add(v1::Severity severity, absl::string_view field,
         absl::string_view message, v1::Validation& validation) {
  v1::Finding& finding = *validation.add_findings();
  finding.set_severity(severity);
  finding.set_field(ValidUtf8(field));
  finding.set_message(ValidUtf8(message));
  if (severity == v1::ERROR) {
    validation.set_errors(validation.errors() + 1);
  } else {
    validation.set_warnings(validation.warnings() + 1);
  }
}

// The top-level keys that this library and gRPC read; gRPC 1.51 does not read
// connectionScaling yet.
const std::vector<absl::string_view>& TopLevelKeys() {
  static const auto& keys =
      *new std::vector<absl::string_view>{"loadBalancingConfig",
                                          "loadBalancingPolicy",
                                          "methodConfig",
                                          "retryThrottling",
                                          "healthCheckConfig",
                                          "connectionScaling",
                                          kRoutingKey};
  return keys;
}

// gRPC ignores keys that it does not know, as the library's parser does there.
void FindUnknownTopLevelKeys(const std::string& json, v1::Severity severity,
                             v1::Validation& validation) {
  const absl::StatusOr<JsonObject> object = JsonObject::Parse(json);
  if (!object.ok()) return;
  const auto& known = TopLevelKeys();
  for (const auto& [key, value] : object->members()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const absl::string_view nearest = NearestName(key, known);
    Add(severity, key,
        nearest.empty()
            ? std::string(kUnknownField)
            : absl::StrCat(kUnknownField, ", did you mean \"", nearest, "\"?"),
        validation);
  }
}

// Adds gRPC's refusal, which has the form of FieldErrors, an error for each
// field: "INVALID_ARGUMENT: errors validating service config: [field:a error:b;
// field:c errors:[d; e]]".
void AddRefusal(absl::string_view refusal, v1::Validation& validation) {
  constexpr absl::string_view kBegin =
      "INVALID_ARGUMENT: errors validating service config: [field:";
  absl::string_view list = refusal;
  if (!absl::ConsumePrefix(&list, kBegin) || !absl::ConsumeSuffix(&list, "]")) {
    Add(v1::ERROR, "", absl::StrCat("gRPC refuses it: ", refusal), validation);
    return;
  }
  for (absl::string_view part : absl::StrSplit(list, "; field:")) {
    const std::pair<absl::string_view, absl::string_view> error =
        absl::StrSplit(part, absl::MaxSplits(' ', 1));
    absl::string_view what = error.second;
    if (absl::ConsumePrefix(&what, "errors:[")) {
      absl::ConsumeSuffix(&what, "]");
    } else {
      absl::ConsumePrefix(&what, "error:");
    }
    Add(v1::ERROR, error.first, what, validation);
  }
}

// The library's own parts.  Returns the warnings of a configuration without
// errors.
std::vector<LintWarning> FindInOwnParts(const std::string& json,
                                        v1::Severity unknown,
                                        v1::Validation& validation) {
  FieldErrors errors;
  absl::StatusOr<ParsedConfig> parsed = ParseServiceConfig(json, {}, errors);
  if (!parsed.ok() && errors.empty()) {
    // It is no JSON object.
    constexpr absl::string_view kSubject = "multi_backend config ";
    absl::string_view what = parsed.status().message();
    absl::ConsumePrefix(&what, kSubject);
    Add(v1::ERROR, "", what, validation);
    return {};
  }
  FieldErrors strict;
  ParseServiceConfig(json, {/*strict=*/true}, strict).IgnoreError();
  std::vector<LintWarning> warnings;
  for (const auto& [field, texts] : strict.by_field()) {
    for (const std::string& text : texts) {
      if (!absl::StartsWith(text, kUnknownField) || unknown == v1::ERROR) {
        Add(v1::ERROR, field, text, validation);
      } else {
        warnings.push_back({field, text});
      }
    }
  }
  if (parsed.ok()) {
    for (LintWarning& warning : parsed->warnings) {
      warnings.push_back(std::move(warning));
    }
  }
  return warnings;
}

}  // namespace

v1::Validation Validate(
    absl::string_view file, const std::string& json,
    const ValidateOptions& options,
    absl::FunctionRef<std::string(const std::string& json)> grpc_check) {
  v1::Validation validation;
  validation.set_file(ValidUtf8(file));
  const v1::Severity unknown = options.strict ? v1::ERROR : v1::WARNING;
  std::vector<LintWarning> warnings = FindInOwnParts(json, unknown, validation);
  if (options.strict) FindUnknownTopLevelKeys(json, unknown, validation);
  if (validation.errors() == 0) {
    const std::string refusal = grpc_check(json);
    if (!refusal.empty()) AddRefusal(refusal, validation);
  }
  if (!options.strict) FindUnknownTopLevelKeys(json, unknown, validation);
  for (const LintWarning& warning : warnings) {
    Add(v1::WARNING, warning.field, warning.message, validation);
  }
  validation.set_ok(validation.errors() == 0 &&
                    (!options.strict || validation.warnings() == 0));
  return validation;
}

std::string FormatValidation(const v1::Validation& validation) {
  const std::string file = Printable(validation.file());
  std::string text;
  for (const v1::Finding& finding : validation.findings()) {
    absl::StrAppend(
        &text, file,
        finding.severity() == v1::ERROR ? ": error: " : ": warning: ",
        finding.field().empty() ? "" : Printable(finding.field()) + ": ",
        // An error of gRPC's names every field in one text.
        Printable(finding.message(), 2000), "\n");
  }
  absl::StrAppend(&text, file, ": ");
  if (validation.findings().empty()) return text + "ok\n";
  absl::StrAppend(&text, Count(validation.errors(), "error"), ", ",
                  Count(validation.warnings(), "warning"), "\n");
  return text;
}

}  // namespace mb
}  // namespace multi_backend
