// One field of a request, read from the serialized message.
//
// The message is walked on the wire along the field's path, so it is neither
// parsed nor copied; what comes out is what the parsed message would hold: the
// last occurrence wins, parts of a nested message are merged, a later member of
// the same oneof takes the field away, values of the wrong wire type do not
// count.
//
// A key is text: the bytes of a string or bytes field as they are; integers and
// enums as decimal numbers (so an int64 and the header "42" agree); booleans as
// "true" or "false".
//
// Cost: proportional to the number of fields on the path's levels; skipped
// content is not read.  Threads: immutable, thread-safe.
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
  // `path`: field names joined by dots, e.g. "user.id", from `request`, which
  // must outlive this object.  NOT_FOUND when there is no such field;
  // INVALID_ARGUMENT with the reason when it or a message on the way is
  // repeated, a map or a group, or when its type cannot be a key (float,
  // double, message).
  static absl::StatusOr<RequestField> Make(
      const google::protobuf::Descriptor* request, absl::string_view path);

  // The field's value in `serialized`.  nullopt when it is not set (or, for a
  // proto3 field without presence, has its default value), and for malformed
  // data.  A field that is not set but has a declared default ([default = x])
  // has that value.
  absl::optional<std::string> Read(
      google::protobuf::io::ZeroCopyInputStream* serialized) const;
  absl::optional<std::string> Read(absl::string_view serialized) const;

 private:
  using FieldDescriptor = google::protobuf::FieldDescriptor;
  using CodedInputStream = google::protobuf::io::CodedInputStream;
  using Key = absl::optional<std::string>;

  explicit RequestField(std::vector<const FieldDescriptor*> path)
      : path_(std::move(path)) {}

  // Each returns false for malformed data; `key` is the value so far.
  bool ReadMessage(CodedInputStream& in, size_t level, Key& key) const;
  bool ReadNested(CodedInputStream& in, size_t level, Key& key) const;
  bool ReadSibling(CodedInputStream& in, uint32_t tag, size_t level,
                   Key& key) const;
  bool ReadLeaf(CodedInputStream& in, Key& key) const;
  bool ReadText(CodedInputStream& in, Key& key) const;

  // From the request to the key: messages, then the key's own field.
  std::vector<const FieldDescriptor*> path_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_REQUEST_FIELD_H_
