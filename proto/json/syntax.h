// Whether a text is JSON (RFC 8259, UTF-8), and if not, where and why.
//
// protobuf's JSON parser, which reads the text afterwards, does not suffice: it
// accepts much that gRPC refuses (unquoted keys, single quotes, trailing
// commas, control characters), does not tell the line, and takes many minutes
// for 1,000,000 nested brackets.
//
// Cost: one pass; only the keys of the objects that are open are allocated.
// Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_JSON_SYNTAX_H_
#define MULTI_BACKEND_PROTO_JSON_SYNTAX_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// How deeply objects and arrays may be nested.  google.protobuf.Value can hold
// 30 levels (each is three messages, of which protobuf reads 100), and a legal
// service config needs 15.
constexpr int kMaxJsonDepth = 24;

// INVALID_ARGUMENT "line 3, column 7: expected ':'"; columns count bytes
// from 1.  Two equal keys in one object are an error too.
absl::Status CheckJsonSyntax(absl::string_view text,
                             int max_depth = kMaxJsonDepth);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_JSON_SYNTAX_H_
