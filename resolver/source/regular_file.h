// Reading a small file as a whole, or not at all.  Thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_SOURCE_REGULAR_FILE_H_
#define MULTI_BACKEND_RESOLVER_SOURCE_REGULAR_FILE_H_

#include <sys/stat.h>

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"

namespace multi_backend {

// Which file, and which state of it; differs after every write.
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

// The version that `path` (or what it links to) has now; nullopt for none.
absl::optional<FileVersion> VersionOfFile(const std::string& path);

// FAILED_PRECONDITION: not a regular file (a FIFO, a device, a directory; none
// is ever opened for longer than it takes to see that).  RESOURCE_EXHAUSTED:
// larger than `max_bytes`.  ABORTED: it was written to meanwhile.  Otherwise
// the system's own error: "cannot open: Permission denied".
absl::StatusOr<FileContents> ReadRegularFile(const std::string& path,
                                             size_t max_bytes);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_SOURCE_REGULAR_FILE_H_
