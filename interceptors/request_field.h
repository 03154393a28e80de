// RequestField: reads one field of a request from the serialized message, as a
// sticky key.
//
// The message is neither parsed nor copied; Read() follows the path of the
// field through the wire format.  The result is what the parsed message would
// hold: the last occurrence of a field wins, parts of a nested message are
// merged, a later member of the same oneof clears the field, and values of the
// wrong wire type are ignored.
//
// A key is text.  A string or bytes field is used as it is.  Integers and enums
// are written as decimal numbers, so that an int64 field and the header "42"
// give the same key.  Booleans are "true" or "false".
//
// Cost: proportional to the number of fields on the levels of the path; the
// content of skipped fields is not read.
//
// Threads: immutable, so thread-safe.
#ifndef MULTI_BACKEND_INTERCEPTORS_REQUEST_FIELD_H_
#define MULTI_BACKEND_INTERCEPTORS_REQUEST_FIELD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream.h"

namespace multi_backend {

class RequestField {
 public:
  // `path` is field names of `request` joined by dots, e.g. "user.id".
  // `request` must outlive this object.  Returns NOT_FOUND when there is no
  // such field.  Returns INVALID_ARGUMENT with the reason when the field, or a
  // message on the path, is repeated, a map or a group, or when the type of the
  // field cannot be a key (float, double, message).
  static absl::StatusOr<RequestField> Make(
      const google::protobuf::Descriptor* request, absl::string_view path);

  // Returns the value of the field in `serialized`.  A field that is not set
  // has its declared default ([default = x]), if there is one.  Returns nullopt
  // for other fields that are not set, for a proto3 field without presence that
  // has its default value, and for malformed data.
  absl::optional<std::string> Read(
      google::protobuf::io::ZeroCopyInputStream* serialized) const;
  absl::optional<std::string> Read(absl::string_view serialized) const;

 private:
  using FieldDescriptor = google::protobuf::FieldDescriptor;
  using CodedInputStream = google::protobuf::io::CodedInputStream;
  using Key = absl::optional<std::string>;

  explicit RequestField(std::vector<const FieldDescriptor*> path)
      : path_(std::move(path)) {}

  // Each of these returns false for malformed data.  `key` holds the value so
  // far.
  bool ReadMessage(CodedInputStream& in, size_t level, Key& key) const;
  bool ReadNested(CodedInputStream& in, size_t level, Key& key) const;
  bool ReadSibling(CodedInputStream& in, uint32_t tag, size_t level,
                   Key& key) const;
  bool ReadLeaf(CodedInputStream& in, Key& key) const;
  bool ReadText(CodedInputStream& in, Key& key) const;

  // The fields from the request to the key: first messages, last the key
  // itself.
  std::vector<const FieldDescriptor*> path_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_REQUEST_FIELD_H_
