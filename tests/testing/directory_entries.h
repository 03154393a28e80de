// EntriesOf: how many entries a directory has, for tests of what a process
// holds: "/proc/self/fd", "/proc/self/task".
#ifndef MULTI_BACKEND_TESTS_TESTING_DIRECTORY_ENTRIES_H_
#define MULTI_BACKEND_TESTS_TESTING_DIRECTORY_ENTRIES_H_

#include <dirent.h>

#include <cstddef>

namespace multi_backend {

// Without "." and ".."; while it looks, /proc/self/fd has one more.
inline size_t EntriesOf(const char* path) {
  DIR* const directory = opendir(path);
  if (directory == nullptr) return 0;
  size_t count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count - 2;
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_DIRECTORY_ENTRIES_H_
