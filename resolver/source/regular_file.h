// ReadRegularFile(): reads a small file as a whole, or not at all.
// Thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_SOURCE_REGULAR_FILE_H_
#define MULTI_BACKEND_RESOLVER_SOURCE_REGULAR_FILE_H_

#include <sys/stat.h>

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"

namespace multi_backend {

// Identifies a file and its contents; differs after every write.
struct FileVersion {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  timespec modified = {};
  timespec changed = {};

  bool operator==(const FileVersion& other) const;
  bool operator!=(const FileVersion& other) const { return !(*this == other); }
};

struct FileContents {
  std::string text;
  FileVersion version;
};

// The present version of the file at `path`, through links; nullopt when there
// is none.
absl::optional<FileVersion> VersionOfFile(const std::string& path);

// FAILED_PRECONDITION when it is not a regular file but a FIFO, a device or a
// directory, none of which is ever read.  RESOURCE_EXHAUSTED when it is larger
// than `max_bytes`.  ABORTED when it was written to during the read.  Otherwise
// the system's own error: "cannot open: Permission denied".
absl::StatusOr<FileContents> ReadRegularFile(const std::string& path,
                                             size_t max_bytes);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_SOURCE_REGULAR_FILE_H_
