// MetadataDump: shows what backends have received for each call.  It reads the
// files that `backend --dump-metadata` writes.
//
//   MetadataDump dump;
//   auto fleet = BackendFleet::Start({dump.Record(a), dump.Record(b)});
//   ... calls of a UsersClient ...
//   for (const auto& call : dump.ByCall(**fleet)) …
//
// A backend writes a call to its file before it answers the call.  Every call
// must carry kCallIdKey.  gRPC gives a server the metadata in sorted order, so
// this entry is the first of each call.
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
  int number = 1;  // Attempt number: 1 + grpc-previous-rpc-attempts.
  // All entries; values with C escapes.
  std::vector<std::pair<std::string, std::string>> metadata;
};

class MetadataDump {
 public:
  MetadataDump();  // Makes a directory, which the destructor removes.
  ~MetadataDump();
  MetadataDump(const MetadataDump&) = delete;
  MetadataDump& operator=(const MetadataDump&) = delete;

  // Returns `spec` with the flag that makes the backend write its file.
  BackendSpec Record(BackendSpec spec) const;

  // All attempts on the backend with this name, in the order of arrival.
  std::vector<SeenAttempt> Of(const std::string& backend) const;
  // For each call id the attempts, ordered by their number.
  std::map<std::string, std::vector<SeenAttempt>> ByCall(
      const BackendFleet& fleet) const;

 private:
  std::string PathOf(const std::string& backend) const;

  std::string directory_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_METADATA_DUMP_H_
