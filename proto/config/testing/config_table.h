// ConfigTable: a table of documents that the parser must refuse, each with its
// whole message.  PolicyJson() and RoutingJson() write such documents.
#ifndef MULTI_BACKEND_PROTO_CONFIG_TESTING_CONFIG_TABLE_H_
#define MULTI_BACKEND_PROTO_CONFIG_TESTING_CONFIG_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "multi_backend/proto/config/parser/parser.h"

namespace multi_backend {

// A service config whose multi_backend entry has these fields.
std::string PolicyJson(absl::string_view fields);

// A service config whose multiBackend object has these fields.
std::string RoutingJson(absl::string_view fields);

class ConfigTable {
 public:
  // Adds a document with errors in its fields.
  void Add(std::string name, std::string json, absl::string_view errors);
  // Adds a text that is not JSON.
  void AddText(std::string name, std::string json, absl::string_view why);
  // Expects INVALID_ARGUMENT and exactly its message from every row.
  void Expect(const ParseOptions& options = {}) const;

 private:
  struct Row {
    std::string name;
    std::string json;
    std::string message;  // The whole message.
  };
  std::vector<Row> rows_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_TESTING_CONFIG_TABLE_H_
