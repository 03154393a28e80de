// ToJson(): a message as one line of JSON, as every command prints it with
// --json.
#ifndef MULTI_BACKEND_TOOLS_MB_OUTPUT_JSON_H_
#define MULTI_BACKEND_TOOLS_MB_OUTPUT_JSON_H_

#include <string>

#include "google/protobuf/message.h"

namespace multi_backend {
namespace mb {

// Protobuf's JSON with all fields, also those that have their default, so that
// a script need not know the defaults.  All characters beyond ASCII's printable
// ones are "\u…" escapes or UTF-8 that Printable() would leave alone.  Ends
// with a line feed.  Pure and thread-safe.
std::string ToJson(const google::protobuf::Message& message);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_OUTPUT_JSON_H_
