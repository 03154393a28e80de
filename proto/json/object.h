// JsonObject: the members of a small JSON object that is read many times, such
// as the 10,000 nodes of a discovery store.  (protobuf's JSON parser needs
// 45 us for a node of 250 bytes; this needs 3.)
//
//   auto object = JsonObject::Parse(R"({"address":"10.0.0.1","port":80})");
//   object->Find("port").Integer();  // 80
//
// Holds views: the text must outlive it.  Cost: one look at each byte, and one
// more at those of each object inside that is asked for.  Pure;
// thread-compatible.
#ifndef MULTI_BACKEND_PROTO_JSON_OBJECT_H_
#define MULTI_BACKEND_PROTO_JSON_OBJECT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace multi_backend {

class JsonObject;

// A value that may be of any type, or not be there at all.
class JsonValue {
 public:
  JsonValue() = default;  // Not there.
  explicit JsonValue(absl::string_view text) : text_(text) {}

  // Not there, or null.
  bool empty() const { return text_.empty() || text_ == "null"; }
  // nullopt: of another type; for integers also: with a point or exponent, or
  // beyond 64 bits.
  absl::optional<std::string> String() const;
  absl::optional<int64_t> Integer() const;
  // Any number that a double can hold: 5, 5.0, 5e0.
  absl::optional<double> Number() const;
  absl::optional<bool> Bool() const;
  absl::optional<JsonObject> Object() const;
  absl::optional<std::vector<JsonValue>> Array() const;

 private:
  absl::string_view text_;
};

class JsonObject {
 public:
  using Member = std::pair<std::string, JsonValue>;

  // INVALID_ARGUMENT as CheckJsonSyntax(), or for another value.
  static absl::StatusOr<JsonObject> Parse(absl::string_view text);

  JsonValue Find(absl::string_view name) const;
  const std::vector<Member>& members() const { return members_; }

 private:
  friend class JsonValue;
  // Of correct JSON.
  explicit JsonObject(absl::string_view text);

  std::vector<Member> members_;
};

// `text` in quotes, with what must not be in them escaped.
std::string JsonQuote(absl::string_view text);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_JSON_OBJECT_H_
