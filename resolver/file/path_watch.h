// PathWatch: notices through inotify that the file at a path may have changed:
// it was written to, a rename replaced it, or a symbolic link on the path was
// swapped (as Kubernetes swaps `..data`).
//
//   watch.Follow();                    // Before the read, so that every later
//   contents = Read(path);             // change is noticed.
//   poll({watch.fd(), …});
//   if (watch.TakeChange()) …          // Again from the top.
//
// It watches directories, not the file itself: the directories that hold the
// last component, each symbolic link, and the first component that does not
// exist.  It does not notice that a directory further up is renamed, or that
// another machine changes a file on a network file system, so look at the file
// every few seconds too.
//
// Thread-compatible.  Cost: one inotify instance, and one watch per directory.
#ifndef MULTI_BACKEND_RESOLVER_FILE_PATH_WATCH_H_
#define MULTI_BACKEND_RESOLVER_FILE_PATH_WATCH_H_

#include <map>
#include <set>
#include <string>

namespace multi_backend {

class PathWatch {
 public:
  // `path` is absolute.
  explicit PathWatch(std::string path);
  ~PathWatch();
  PathWatch(const PathWatch&) = delete;
  PathWatch& operator=(const PathWatch&) = delete;

  // -1 when the system's limit of inotify instances is reached.
  int fd() const { return fd_; }

  // Watches the directories to which the path leads now.  False: one of them
  // could not be watched, so changes may go unnoticed.
  bool Follow();

  // Clears what has been noticed; returns whether any of it may concern the
  // path.
  bool TakeChange();

 private:
  // For each directory, the names in it on which the path depends.
  using Places = std::map<std::string, std::set<std::string>>;

  static Places PlacesOf(const std::string& path);

  const std::string path_;
  const int fd_;
  // For each watch descriptor, the names.
  std::map<int, std::set<std::string>> watches_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_FILE_PATH_WATCH_H_
