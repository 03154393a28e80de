// What backends have received, call by call, from the files that
// `backend --dump-metadata` writes.
//
//   MetadataDump dump;
//   auto fleet = BackendFleet::Start({dump.Record(a), dump.Record(b)});
//   ... calls of a UsersClient ...
//   for (const auto& call : dump.ByCall(**fleet)) …
//
// A call is in its file before it is answered.  Needs calls that carry
// kCallIdKey; gRPC hands a server its metadata sorted, so that entry begins
// each call.
#ifndef MULTI_BACKEND_TESTS_TESTING_METADATA_DUMP_H_
#define MULTI_BACKEND_TESTS_TESTING_METADATA_DUMP_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "multi_backend/tests/testing/backend_fleet.h"

namespace multi_backend {

// One attempt as its backend saw it.
struct SeenAttempt {
  std::string backend;  // Name.
  std::string method;   // Short.
  std::string call_id;
  int number = 1;  // Of the attempt: 1 + grpc-previous-rpc-attempts.
  // All entries; values with C escapes.
  std::vector<std::pair<std::string, std::string>> metadata;
};

class MetadataDump {
 public:
  MetadataDump();  // Files in a directory of its own, removed at the end.
  ~MetadataDump();
  MetadataDump(const MetadataDump&) = delete;
  MetadataDump& operator=(const MetadataDump&) = delete;

  // `spec` with the flag that writes its file.
  BackendSpec Record(BackendSpec spec) const;

  // All attempts on the backend of this name, in the order of their arrival.
  std::vector<SeenAttempt> Of(const std::string& backend) const;
  // The attempts of each call by its id, by number.
  std::map<std::string, std::vector<SeenAttempt>> ByCall(
      const BackendFleet& fleet) const;

 private:
  std::string PathOf(const std::string& backend) const;

  std::string directory_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_METADATA_DUMP_H_
