// PathWatch: notices, by inotify, that a path may name another file or other
// contents: written to, replaced by a rename, or a symbolic link on the way
// there swapped (as Kubernetes swaps `..data`).
//
//   watch.Follow();                    // BEFORE looking at the file: what
//   contents = Read(path);             // changes from here on is noticed.
//   poll({watch.fd(), …});
//   if (watch.TakeChange()) …          // Again from the top.
//
// Watched are the directories, not the file: of the last component, of every
// symbolic link, and of the first component that does not exist.  A renamed
// directory further up is not noticed, nor is a change on a network file system
// by another machine; so look at the file every few seconds too.
//
// Thread-compatible.  Cost: one inotify instance, a watch a directory.
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

  // -1: the system's limit of inotify instances is reached.
  int fd() const { return fd_; }

  // Watches where the path leads now.  False: some directory could not be
  // watched, so changes may go unnoticed.
  bool Follow();

  // Takes what has been noticed; whether it may concern the path.
  bool TakeChange();

 private:
  // Directory -> names in it that the path depends on.
  using Places = std::map<std::string, std::set<std::string>>;

  static Places PlacesOf(const std::string& path);

  const std::string path_;
  const int fd_;
  // Watch descriptor -> names.
  std::map<int, std::set<std::string>> watches_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_FILE_PATH_WATCH_H_
