#include "multi_backend/resolver/source/regular_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace multi_backend {
namespace {

FileVersion VersionOf(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim,
          status.st_ctim};
}

bool SameTime(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

absl::Status CheckKind(const struct stat& status) {
  if (S_ISREG(status.st_mode)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "not a regular file but a ", S_ISDIR(status.st_mode)    ? "directory"
                                   : S_ISFIFO(status.st_mode) ? "FIFO"
                                   : S_ISSOCK(status.st_mode) ? "socket"
                                                              : "device"));
}

absl::Status TooLarge(size_t max_bytes) {
  return absl::ResourceExhaustedError(
      absl::StrCat("larger than ", max_bytes, " bytes"));
}

absl::StatusOr<FileContents> ReadAll(int fd, size_t max_bytes) {
  struct stat before;
  if (fstat(fd, &before) != 0) return absl::ErrnoToStatus(errno, "cannot stat");
  const absl::Status kind = CheckKind(before);
  if (!kind.ok()) return kind;
  FileContents contents;
  contents.version = VersionOf(before);
  if (static_cast<size_t>(before.st_size) > max_bytes) {
    return TooLarge(max_bytes);
  }
  // Reads one byte more than the file had, to notice that it has grown.
  contents.text.resize(static_cast<size_t>(before.st_size) + 1);
  size_t size = 0;
  while (size < contents.text.size()) {
    const ssize_t got =
        read(fd, &contents.text[size], contents.text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, "cannot read");
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  contents.text.resize(size);
  struct stat after;
  if (fstat(fd, &after) != 0) return absl::ErrnoToStatus(errno, "cannot stat");
  const FileVersion now = VersionOf(after);
  // The time of change is not compared: a rename over the file or a removed
  // link moves that, and the bytes stay the same.
  if (size != static_cast<size_t>(before.st_size) ||
      now.size != contents.version.size ||
      !SameTime(now.modified, contents.version.modified)) {
    return absl::AbortedError("written to while it was read");
  }
  return contents;
}

}  // namespace

bool FileVersion::operator==(const FileVersion& other) const {
  return device == other.device && inode == other.inode && size == other.size &&
         SameTime(modified, other.modified) && SameTime(changed, other.changed);
}

absl::optional<FileVersion> VersionOfFile(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return absl::nullopt;
  return VersionOf(status);
}

absl::StatusOr<FileContents> ReadRegularFile(const std::string& path,
                                             size_t max_bytes) {
  struct stat status;
  // Checked before the open, because opening some devices has effects.
  if (stat(path.c_str(), &status) != 0) {
    return absl::ErrnoToStatus(errno, "cannot open");
  }
  const absl::Status kind = CheckKind(status);
  if (!kind.ok()) return kind;
  // O_NONBLOCK, in case it has become a FIFO since.
  const int fd =
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return absl::ErrnoToStatus(errno, "cannot open");
  auto contents = ReadAll(fd, max_bytes);
  close(fd);
  return contents;
}

}  // namespace multi_backend
