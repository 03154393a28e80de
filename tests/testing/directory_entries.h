// EntriesOf: counts the entries of a directory.  Tests use it for what a
// process holds, in "/proc/self/fd" and "/proc/self/task".
#ifndef MULTI_BACKEND_TESTS_TESTING_DIRECTORY_ENTRIES_H_
#define MULTI_BACKEND_TESTS_TESTING_DIRECTORY_ENTRIES_H_

#include <dirent.h>

#include <cstddef>

namespace multi_backend {

// Does not count "." and "..".  The count of /proc/self/fd includes the
// descriptor that this function opens.
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
