// FileEndpointGroup: endpoints from a file (proto/endpoints.proto says how it
// is written), followed while it changes.
//
//   auto group = FileEndpointGroup::Make("/etc/app/backends.json");
//
// A change is in use within milliseconds: of the file itself, by a rename over
// it, or by a symbolic link on its path.  Replace the file by a rename where
// you can; one that is written in place is read when the writer closes it. What
// inotify does not tell (network file systems) is found by a look every
// `recheck`.
//
// A file that is away, unreadable, no regular file, too large, half-written or
// broken changes nothing: the list stays, last_error() says why, with the line.
// A document without endpoints is an empty list.
//
// Threads: one of its own; ends with Close() or the group.
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
  // INVALID_ARGUMENT: the path is not absolute, or cannot be that of a file.
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
  // False: it was written to meanwhile, so look again soon.
  bool Load();

  const std::string path_;
  const FileSourceOptions options_;
  // What the list is from; nullopt after an error.  The thread's own.
  absl::optional<FileVersion> loaded_;
  SourceThread thread_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_FILE_ENDPOINT_GROUP_H_
