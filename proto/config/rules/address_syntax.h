// Whether a text is a backend's address: "host:port", "1.2.3.4:port" or
// "[v6]:port".  The same syntax as Endpoint::Parse takes; here because the
// configuration is checked before anything that knows endpoints exists.
// Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_RULES_ADDRESS_SYNTAX_H_
#define MULTI_BACKEND_PROTO_CONFIG_RULES_ADDRESS_SYNTAX_H_

#include <string>

#include "absl/strings/string_view.h"

namespace multi_backend {

// What is wrong with `address`, e.g. "has no port, write host:port"; "" =
// nothing.
std::string ProblemOfAddress(absl::string_view address);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_RULES_ADDRESS_SYNTAX_H_
