#include "multi_backend/tools/mb/output/json.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"

namespace multi_backend {
namespace mb {

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
#if GOOGLE_PROTOBUF_VERSION < 5026000
  options.always_print_primitive_fields = true;
#else
  options.always_print_fields_with_no_presence = true;
#endif
  std::string json;
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &json, options);
  // protobuf refuses only what it would not have parsed: strings that are no
  // UTF-8, times out of bounds.
  if (!status.ok()) return "{\"error\":\"a text or a time is not valid\"}\n";
  return absl::StrCat(json, "\n");
}

}  // namespace mb
}  // namespace multi_backend
