#include "multi_backend/proto/json/shape.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/protobuf/duration.pb.h"
#include "multi_backend/proto/json/nearest_name.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Struct;
using google::protobuf::Value;

// Integers beyond this have already lost digits in a double.
constexpr double kMaxExactInteger = 9007199254740992;  // 2^53.

// Eleven digits of seconds are 3,000 years, and within protobuf's bounds.
constexpr size_t kMaxSecondsDigits = 11;
constexpr size_t kMaxFractionDigits = 9;

size_t CountDigits(absl::string_view text) {
  size_t count = 0;
  while (count < text.size() &&
         absl::ascii_isdigit(static_cast<unsigned char>(text[count]))) {
    ++count;
  }
  return count;
}

// Whether the text is like "1.5s", a form that both of protobuf's readers
// accept.  The two differ on malformed texts such as "-s".
bool IsDuration(absl::string_view text) {
  absl::ConsumePrefix(&text, "-");
  const size_t seconds = CountDigits(text);
  if (seconds == 0 || seconds > kMaxSecondsDigits) return false;
  text.remove_prefix(seconds);
  if (absl::ConsumePrefix(&text, ".")) {
    const size_t fraction = CountDigits(text);
    if (fraction == 0 || fraction > kMaxFractionDigits) return false;
    text.remove_prefix(fraction);
  }
  return text == "s";
}

// The error text for `key`, which is not a field of `type`.
std::string UnknownField(const Descriptor& type, absl::string_view key) {
  std::vector<absl::string_view> names;
  names.reserve(static_cast<size_t>(type.field_count()));
  for (int i = 0; i < type.field_count(); ++i) {
    names.push_back(type.field(i)->camelcase_name());
  }
  const absl::string_view nearest = NearestName(key, names);
  if (nearest.empty()) return std::string(kUnknownField);
  return absl::StrCat(kUnknownField, ", did you mean \"", nearest, "\"?");
}

class Fitter {
 public:
  Fitter(const ShapeOptions& options, FieldErrors* errors)
      : options_(options), errors_(*errors) {}

  void Message(const Descriptor& type, absl::string_view path, Struct* object) {
    auto& fields = *object->mutable_fields();
    std::vector<std::string> dropped;
    for (auto& [key, value] : fields) {
      const FieldDescriptor* field = type.FindFieldByCamelcaseName(key);
      if (field == nullptr) {
        if (options_.report_unknown) {
          errors_.AddUnreadable(FieldPath(path, Excerpt(key, kMaxKeySize)),
                                UnknownField(type, key));
        }
        dropped.push_back(key);
      } else if (value.kind_case() == Value::kNullValue ||
                 !Field(*field, FieldPath(path, key), &value)) {
        dropped.push_back(key);
      }
    }
    for (const std::string& key : dropped) fields.erase(key);
  }

 private:
  // Whether `value` may stay.
  bool Field(const FieldDescriptor& field, const std::string& path,
             Value* value) {
    if (field.is_map()) return Map(field, path, value);
    if (field.is_repeated()) return List(field, path, value);
    return Single(field, path, value);
  }

  bool Map(const FieldDescriptor& field, const std::string& path,
           Value* value) {
    if (value->kind_case() != Value::kStructValue) {
      return Misfit(path, "is not an object");
    }
    const FieldDescriptor& entry = *field.message_type()->map_value();
    auto& fields = *value->mutable_struct_value()->mutable_fields();
    std::vector<std::string> dropped;
    for (auto& [key, element] : fields) {
      if (!Single(entry, KeyPath(path, key), &element)) dropped.push_back(key);
    }
    for (const std::string& key : dropped) fields.erase(key);
    return true;
  }

  bool List(const FieldDescriptor& field, const std::string& path,
            Value* value) {
    if (value->kind_case() != Value::kListValue) {
      return Misfit(path, "is not an array");
    }
    auto& elements = *value->mutable_list_value()->mutable_values();
    for (int i = 0; i < elements.size(); ++i) {
      if (Single(field, ElementPath(path, i), &elements[i])) continue;
      // A value that fits takes its place, so that the others keep their index.
      if (field.message_type() != nullptr) {
        elements[i].mutable_struct_value();
      } else {
        elements[i].set_string_value("");
      }
    }
    return true;
  }

  bool Single(const FieldDescriptor& field, const std::string& path,
              Value* value) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (field.message_type() == google::protobuf::Duration::descriptor()) {
          return Duration(path, *value);
        }
        if (value->kind_case() != Value::kStructValue) {
          return Misfit(path, "is not an object");
        }
        Message(*field.message_type(), path, value->mutable_struct_value());
        return true;
      case FieldDescriptor::CPPTYPE_ENUM:
        return Enum(*field.enum_type(), path, *value);
      case FieldDescriptor::CPPTYPE_STRING:
        return value->kind_case() == Value::kStringValue ||
               Misfit(path, "is not a string");
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return value->kind_case() == Value::kNumberValue ||
               Misfit(path, "is not a number");
      case FieldDescriptor::CPPTYPE_INT64:
        return Integer(path, *value);
      case FieldDescriptor::CPPTYPE_BOOL:
        return value->kind_case() == Value::kBoolValue ||
               Misfit(path, "is not true or false");
      default:
        return Misfit(path, "has a type that the configuration cannot hold");
    }
  }

  bool Duration(const std::string& path, const Value& value) {
    if (value.kind_case() != Value::kStringValue) {
      return Misfit(path, "is not a string");
    }
    return IsDuration(value.string_value()) ||
           Misfit(path, absl::StrCat(QuotedValue(value.string_value()),
                                     " is not a duration like \"1.5s\""));
  }

  bool Enum(const EnumDescriptor& type, const std::string& path,
            const Value& value) {
    if (value.kind_case() != Value::kStringValue) {
      return Misfit(path, "is not a string");
    }
    if (type.FindValueByName(value.string_value()) != nullptr) return true;
    std::string names;
    for (int i = 0; i < type.value_count(); ++i) {
      absl::StrAppend(&names, i == 0 ? "" : ", ", type.value(i)->name());
    }
    return Misfit(path, NotOneOf(value.string_value(), names));
  }

  bool Integer(const std::string& path, const Value& value) {
    if (value.kind_case() != Value::kNumberValue) {
      return Misfit(path, "is not a number");
    }
    const double number = value.number_value();
    if (std::abs(number) > kMaxExactInteger) {
      return Misfit(path, "is too large");
    }
    return number == std::trunc(number) || Misfit(path, "is not an integer");
  }

  bool Misfit(const std::string& path, absl::string_view what) {
    errors_.AddUnreadable(path, what);
    return false;
  }

  const ShapeOptions options_;
  FieldErrors& errors_;
};

}  // namespace

void FitToMessage(const Descriptor& type, const ShapeOptions& options,
                  absl::string_view path, Struct* object, FieldErrors* errors) {
  Fitter(options, errors).Message(type, path, object);
}

}  // namespace multi_backend
