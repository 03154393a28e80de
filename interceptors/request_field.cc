#include "multi_backend/interceptors/request_field.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/wire_format_lite.h"

namespace multi_backend {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::OneofDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::ArrayInputStream;
using google::protobuf::io::CodedInputStream;

WireFormatLite::WireType WireTypeOf(const FieldDescriptor& field) {
  return WireFormatLite::WireTypeForFieldType(
      static_cast<WireFormatLite::FieldType>(field.type()));
}

uint32_t TagOf(const FieldDescriptor& field) {
  return WireFormatLite::MakeTag(field.number(), WireTypeOf(field));
}

// Whether the field is an enum that only holds declared values (proto2).  Other
// values on the wire count as unknown fields.
bool IsClosedEnum(const FieldDescriptor& field) {
// protobuf 22 hides the syntax, and says what follows from it.
#if GOOGLE_PROTOBUF_VERSION < 4022000
  return field.type() == FieldDescriptor::TYPE_ENUM &&
         field.file()->syntax() !=
             google::protobuf::FileDescriptor::SYNTAX_PROTO3;
#else
  return field.legacy_enum_field_treated_as_closed();
#endif
}

bool ReadEnum(CodedInputStream& in, int& value) {
  return WireFormatLite::ReadPrimitive<int, WireFormatLite::TYPE_ENUM>(&in,
                                                                       &value);
}

// Reads a number as its canonical text.
template <typename Number, WireFormatLite::FieldType kType>
bool ReadNumber(CodedInputStream& in, const FieldDescriptor& field,
                absl::optional<std::string>& key) {
  Number value;
  if (!WireFormatLite::ReadPrimitive<Number, kType>(&in, &value)) return false;
  if (value == 0 && !field.has_presence()) {
    key.reset();
  } else {
    key = absl::StrCat(value);
  }
  return true;
}

bool ReadBool(CodedInputStream& in, const FieldDescriptor& field,
              absl::optional<std::string>& key) {
  bool value;
  if (!WireFormatLite::ReadPrimitive<bool, WireFormatLite::TYPE_BOOL>(&in,
                                                                      &value)) {
    return false;
  }
  if (!value && !field.has_presence()) {
    key.reset();
  } else {
    key = value ? "true" : "false";
  }
  return true;
}

bool ReadEnumKey(CodedInputStream& in, const FieldDescriptor& field,
                 absl::optional<std::string>& key) {
  int value;
  if (!ReadEnum(in, value)) return false;
  if (IsClosedEnum(field) &&
      field.enum_type()->FindValueByNumber(value) == nullptr) {
    return true;
  }
  if (value == 0 && !field.has_presence()) {
    key.reset();
  } else {
    key = absl::StrCat(value);
  }
  return true;
}

// Returns the declared default of a field, which is its value when the field is
// not set; nullopt = none is declared.
absl::optional<std::string> DeclaredDefault(const FieldDescriptor& field) {
  if (!field.has_default_value()) return absl::nullopt;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(field.default_value_int32());
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(field.default_value_int64());
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(field.default_value_uint32());
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(field.default_value_uint64());
    case FieldDescriptor::CPPTYPE_BOOL:
      return field.default_value_bool() ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return absl::StrCat(field.default_value_enum()->number());
    case FieldDescriptor::CPPTYPE_STRING:
      return std::string(field.default_value_string());
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return absl::nullopt;  // Cannot be keys; Make() refuses them.
  }
  return absl::nullopt;
}

// Says why `field` cannot be part of a path; `is_last` says whether the path
// ends with it.  "" = it can.
std::string Objection(const FieldDescriptor& field, bool is_last) {
  if (field.is_map()) return "is a map";
  if (field.is_repeated()) return "is repeated";
  switch (field.type()) {
    case FieldDescriptor::TYPE_GROUP:
      return "is a group";
    case FieldDescriptor::TYPE_MESSAGE:
      return is_last ? "is a message: name one of its fields" : "";
    case FieldDescriptor::TYPE_FLOAT:
    case FieldDescriptor::TYPE_DOUBLE:
      return is_last ? absl::StrCat("is a ", field.type_name(),
                                    ", which cannot be a key")
                     : "has no fields";
    default:
      return is_last ? "" : "has no fields";
  }
}

}  // namespace

absl::StatusOr<RequestField> RequestField::Make(const Descriptor* request,
                                                absl::string_view path) {
  const std::vector<std::string> names = absl::StrSplit(path, '.');
  std::vector<const FieldDescriptor*> fields;
  const Descriptor* message = request;
  for (size_t i = 0; i < names.size(); ++i) {
    const FieldDescriptor* field = message->FindFieldByName(names[i]);
    const std::string subject =
        absl::StrCat("request field \"", path, "\": field \"", names[i],
                     "\" of ", message->full_name());
    if (field == nullptr) {
      return absl::NotFoundError(absl::StrCat(subject, " does not exist"));
    }
    const std::string objection = Objection(*field, i + 1 == names.size());
    if (!objection.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(subject, " ", objection));
    }
    fields.push_back(field);
    message = field->message_type();
  }
  return RequestField(std::move(fields));
}

absl::optional<std::string> RequestField::Read(
    absl::string_view serialized) const {
  // gRPC sends no message of 2 GiB or more.
  ArrayInputStream stream(serialized.data(),
                          static_cast<int>(serialized.size()));
  return Read(&stream);
}

absl::optional<std::string> RequestField::Read(
    google::protobuf::io::ZeroCopyInputStream* serialized) const {
  CodedInputStream in(serialized);
  Key key;
  if (!ReadMessage(in, 0, key)) return absl::nullopt;
  if (!key.has_value()) return DeclaredDefault(*path_.back());
  return key;
}

bool RequestField::ReadMessage(CodedInputStream& in, size_t level,
                               Key& key) const {
  const uint32_t wanted = TagOf(*path_[level]);
  const bool is_last = level + 1 == path_.size();
  while (const uint32_t tag = in.ReadTag()) {
    bool ok;
    if (tag != wanted) {
      ok = ReadSibling(in, tag, level, key);
    } else if (is_last) {
      ok = ReadLeaf(in, key);
    } else {
      ok = ReadNested(in, level + 1, key);
    }
    if (!ok) return false;
  }
  return in.ConsumedEntireMessage();
}

bool RequestField::ReadNested(CodedInputStream& in, size_t level,
                              Key& key) const {
  int length;
  if (!in.ReadVarintSizeAsInt(&length)) return false;
  const int left = in.BytesUntilLimit();  // Negative: no limit.
  if (left >= 0 && length > left) return false;
  const CodedInputStream::Limit outer = in.PushLimit(length);
  // ReadMessage() also succeeds at the end of the stream, so check that the
  // whole length was there.
  const bool ok = ReadMessage(in, level, key) && in.BytesUntilLimit() == 0;
  in.PopLimit(outer);
  return ok;
}

// Skips a field that is not on the path.  If it is a member of the same oneof,
// it clears the field on the path.
bool RequestField::ReadSibling(CodedInputStream& in, uint32_t tag, size_t level,
                               Key& key) const {
  const OneofDescriptor* oneof = path_[level]->real_containing_oneof();
  if (oneof == nullptr) return WireFormatLite::SkipField(&in, tag);
  const FieldDescriptor* sibling = oneof->containing_type()->FindFieldByNumber(
      WireFormatLite::GetTagFieldNumber(tag));
  if (sibling == nullptr || sibling->real_containing_oneof() != oneof ||
      tag != TagOf(*sibling)) {
    return WireFormatLite::SkipField(&in, tag);
  }
  if (IsClosedEnum(*sibling)) {
    int value;
    if (!ReadEnum(in, value)) return false;
    if (sibling->enum_type()->FindValueByNumber(value) != nullptr) key.reset();
    return true;
  }
  key.reset();
  return WireFormatLite::SkipField(&in, tag);
}

bool RequestField::ReadLeaf(CodedInputStream& in, Key& key) const {
  using W = WireFormatLite;
  const FieldDescriptor& field = *path_.back();
  switch (field.type()) {
    case FieldDescriptor::TYPE_INT32:
      return ReadNumber<int32_t, W::TYPE_INT32>(in, field, key);
    case FieldDescriptor::TYPE_SINT32:
      return ReadNumber<int32_t, W::TYPE_SINT32>(in, field, key);
    case FieldDescriptor::TYPE_SFIXED32:
      return ReadNumber<int32_t, W::TYPE_SFIXED32>(in, field, key);
    case FieldDescriptor::TYPE_INT64:
      return ReadNumber<int64_t, W::TYPE_INT64>(in, field, key);
    case FieldDescriptor::TYPE_SINT64:
      return ReadNumber<int64_t, W::TYPE_SINT64>(in, field, key);
    case FieldDescriptor::TYPE_SFIXED64:
      return ReadNumber<int64_t, W::TYPE_SFIXED64>(in, field, key);
    case FieldDescriptor::TYPE_UINT32:
      return ReadNumber<uint32_t, W::TYPE_UINT32>(in, field, key);
    case FieldDescriptor::TYPE_FIXED32:
      return ReadNumber<uint32_t, W::TYPE_FIXED32>(in, field, key);
    case FieldDescriptor::TYPE_UINT64:
      return ReadNumber<uint64_t, W::TYPE_UINT64>(in, field, key);
    case FieldDescriptor::TYPE_FIXED64:
      return ReadNumber<uint64_t, W::TYPE_FIXED64>(in, field, key);
    case FieldDescriptor::TYPE_BOOL:
      return ReadBool(in, field, key);
    case FieldDescriptor::TYPE_ENUM:
      return ReadEnumKey(in, field, key);
    case FieldDescriptor::TYPE_STRING:
    case FieldDescriptor::TYPE_BYTES:
      return ReadText(in, key);
    case FieldDescriptor::TYPE_FLOAT:
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_MESSAGE:
    case FieldDescriptor::TYPE_GROUP:
      break;  // Refused by Make.
  }
  return false;
}

bool RequestField::ReadText(CodedInputStream& in, Key& key) const {
  int length;
  if (!in.ReadVarintSizeAsInt(&length)) return false;
  if (length == 0 && !path_.back()->has_presence()) {
    key.reset();
    return true;
  }
  key.emplace();
  return in.ReadString(&*key, length);
}

}  // namespace multi_backend
