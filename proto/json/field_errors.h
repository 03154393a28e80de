// FieldErrors: collects the errors of a document by field path and writes them
// in the form of gRPC's own ValidationErrors.
//
// A path consists of the JSON names from the document's root:
// "routes[2].match.method", "roles[\"replica\"].strategy".  Thread-compatible.
#ifndef MULTI_BACKEND_PROTO_JSON_FIELD_ERRORS_H_
#define MULTI_BACKEND_PROTO_JSON_FIELD_ERRORS_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// "a" + "b" = "a.b"; "" + "b" = "b".
std::string FieldPath(absl::string_view parent, absl::string_view name);
// "a" + 2 = "a[2]".
std::string ElementPath(absl::string_view parent, size_t index);
// How many bytes of a key a path shows at most.
constexpr size_t kMaxKeySize = 80;
// "a" + "k" = a["k"]; special characters of a key are escaped, and a long key
// is cut.
std::string KeyPath(absl::string_view parent, absl::string_view key);

// "value" in quotes for an error text; special characters are escaped, and a
// long value is cut.
std::string QuotedValue(absl::string_view value);
// The error text for a name that is not among `names`, a list like "A, B".
std::string NotOneOf(absl::string_view value, absl::string_view names);

class FieldErrors {
 public:
  // The field's value cannot be read, so nothing that depends on it can be
  // judged: Add() ignores this field and all below it from then on.
  void AddUnreadable(absl::string_view path, absl::string_view what);
  // The field breaks a rule.  Ignored for an unreadable field.
  void Add(absl::string_view path, absl::string_view what);

  // Whether this field, or a field that contains it, could not be read.
  bool IsUnreadable(absl::string_view path) const;
  bool empty() const { return errors_.empty(); }
  // The texts of all errors, by path.
  const std::map<std::string, std::vector<std::string>>& by_field() const {
    return errors_;
  }

  // "field:a error:x; field:b errors:[y; z]", by path; at most
  // kMaxNamedFields fields, then "and N more fields".
  std::string ToString() const;

  // INVALID_ARGUMENT "errors validating multi_backend config: [<ToString()>]",
  // OK when empty.
  absl::Status ToStatus() const;

  // Nobody reads more than this, and a document of 1 MiB can hold 100,000
  // errors.
  static constexpr size_t kMaxNamedFields = 100;

 private:
  std::map<std::string, std::vector<std::string>> errors_;
  absl::flat_hash_set<std::string> unreadable_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_JSON_FIELD_ERRORS_H_
