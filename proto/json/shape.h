// Fits a JSON object to the shape of a message: types, enumerators, durations
// and, on request, unknown keys.  Every misfit is collected with its field
// path, while protobuf's own JSON parser would stop at the first one.
//
// The rules are stricter than those of protobuf's JSON, as suits a
// configuration: keys are lowerCamelCase only, numbers are JSON numbers,
// enumerators are names.
//
// Cost: linear in the object.  Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_JSON_SHAPE_H_
#define MULTI_BACKEND_PROTO_JSON_SHAPE_H_

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/struct.pb.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {

// How the error text for an unknown key begins.  The nearest name follows, if
// there is one: `unknown field, did you mean "maxRetries"?`.
constexpr absl::string_view kUnknownField = "unknown field";

struct ShapeOptions {
  // Unknown keys are errors; otherwise they are dropped.
  bool report_unknown = false;
};

// Checks `object` at `path` against `type`, which may hold: string, double,
// int64 and enum fields, google.protobuf.Duration, messages, lists of strings
// or messages, and maps from string to one of those.
// Removes nulls, unknown keys and misfits, so that protobuf can read the rest.
// Elements of lists keep their index.
void FitToMessage(const google::protobuf::Descriptor& type,
                  const ShapeOptions& options, absl::string_view path,
                  google::protobuf::Struct* object, FieldErrors* errors);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_JSON_SHAPE_H_
