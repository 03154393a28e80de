// FileEndpointGroup: the endpoints that a file lists (proto/endpoints.proto
// defines the format), followed while the file changes.
//
//   auto group = FileEndpointGroup::Make("/etc/app/backends.json");
//
// A change is in use within milliseconds, whether the file is written, replaced
// by a rename, or reached through a symbolic link that changes.  Replace the
// file by a rename where you can; a file that is written in place is read when
// the writer closes it.  Changes that inotify does not report (on network file
// systems) are found by a look at the file every `recheck`.
//
// While the file is missing, unreadable, not a regular file, too large,
// half-written or malformed, the list stays, and last_error() says what is
// wrong, with the line.  A document without endpoints is an empty list.
//
// Threads: the group has one thread, which ends with Close() or with the group.
#ifndef MULTI_BACKEND_RESOLVER_FILE_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_FILE_ENDPOINT_GROUP_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/groups/discovered_endpoint_group.h"
#include "multi_backend/resolver/groups/endpoint_group.h"
#include "multi_backend/resolver/source/regular_file.h"
#include "multi_backend/resolver/source/thread.h"

namespace multi_backend {

struct FileSourceOptions {
  EndpointPolicy policy;
  absl::Duration recheck = absl::Seconds(5);  // At least 0.1 s.
};

class FileEndpointGroup final : public DiscoveredEndpointGroup {
 public:
  // INVALID_ARGUMENT when the path is not absolute or cannot name a file.
  static absl::Status CheckPath(absl::string_view path);

  // The file need not exist yet.  INVALID_ARGUMENT as CheckPath().
  static absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
      absl::string_view path, FileSourceOptions options = {});
  ~FileEndpointGroup() override;

  // Reads the file again now.
  void RequestRefresh() override { thread_.Wake(); }

 protected:
  std::string Name() const override;
  void OnClose() override { thread_.Stop(); }

 private:
  FileEndpointGroup(std::string path, FileSourceOptions options);

  // The thread's body.
  void Follow();
  // False: the file was written to during the read, so look again soon.
  bool Load();

  const std::string path_;
  const FileSourceOptions options_;
  // The version that the list comes from; nullopt after an error.  Only the
  // thread uses it.
  absl::optional<FileVersion> loaded_;
  SourceThread thread_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_FILE_ENDPOINT_GROUP_H_
