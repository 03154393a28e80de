#include "multi_backend/resolver/file/path_watch.h"

#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace multi_backend {
namespace {

// The kernel's own limit (path_resolution(7)).
constexpr int kMaxLinks = 40;
// Without IN_MODIFY, since a file that is being written is read when it is
// closed.
constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO |
                             IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |
                             IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

std::vector<std::string> Components(absl::string_view path) {
  return absl::StrSplit(path, '/', absl::SkipEmpty());
}

std::string ParentOf(const std::string& directory) {
  const size_t slash = directory.rfind('/');
  return slash == 0 ? "/" : directory.substr(0, slash);
}

}  // namespace

PathWatch::PathWatch(std::string path)
    : path_(std::move(path)), fd_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

PathWatch::~PathWatch() {
  if (fd_ >= 0) close(fd_);
}

PathWatch::Places PathWatch::PlacesOf(const std::string& path) {
  Places places;
  int links = 0;
  std::string directory = "/";
  const std::vector<std::string> components = Components(path);
  std::deque<std::string> rest(components.begin(), components.end());
  while (!rest.empty()) {
    const std::string name = std::move(rest.front());
    rest.pop_front();
    if (name == ".") continue;
    if (name == "..") {
      directory = ParentOf(directory);
      continue;
    }
    const std::string full =
        absl::StrCat(directory == "/" ? "" : directory, "/", name);
    struct stat status;
    if (lstat(full.c_str(), &status) != 0) {
      places[directory].insert(name);
      break;
    }
    if (S_ISLNK(status.st_mode)) {
      places[directory].insert(name);
      char target[PATH_MAX];
      const ssize_t size = readlink(full.c_str(), target, sizeof(target));
      if (size <= 0 || ++links > kMaxLinks) break;
      const absl::string_view link(target, static_cast<size_t>(size));
      const std::vector<std::string> into = Components(link);
      rest.insert(rest.begin(), into.begin(), into.end());
      if (link[0] == '/') directory = "/";
      continue;
    }
    if (rest.empty()) places[directory].insert(name);
    directory = full;
  }
  return places;
}

bool PathWatch::Follow() {
  if (fd_ < 0) return false;
  bool complete = true;
  std::map<int, std::set<std::string>> watches;
  // A link that is swapped between the look and the watch would go unnoticed,
  // so look again until the places are the same; five times at most, in case a
  // link changes all the time.
  Places places;
  for (int attempt = 0; attempt < 5; ++attempt) {
    Places now = PlacesOf(path_);
    if (attempt > 0 && now == places) break;
    places = std::move(now);
    complete = true;
    watches.clear();
    for (const auto& place : places) {
      const int watch = inotify_add_watch(fd_, place.first.c_str(), kEvents);
      if (watch < 0) {
        complete = false;
        continue;
      }
      watches[watch].insert(place.second.begin(), place.second.end());
      watches_.emplace(watch, std::set<std::string>());
    }
  }
  for (const auto& old : watches_) {
    if (watches.count(old.first) == 0) inotify_rm_watch(fd_, old.first);
  }
  watches_ = std::move(watches);
  return complete;
}

bool PathWatch::TakeChange() {
  bool changed = false;
  alignas(inotify_event) char buffer[16 * 1024];
  ssize_t size;
  while ((size = read(fd_, buffer, sizeof(buffer))) > 0) {
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) changed = true;
      const auto watch = watches_.find(event->wd);
      if (watch == watches_.end()) continue;
      // An event without a name is about the directory itself.
      if (event->len == 0 || watch->second.count(event->name) > 0) {
        changed = true;
      }
    }
  }
  return changed;
}

}  // namespace multi_backend
