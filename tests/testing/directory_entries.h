// EntriesOf, SettledEntriesOf: count the entries of a directory.  Tests use
// them for what a process holds, in "/proc/self/fd" and "/proc/self/task".
#ifndef MULTI_BACKEND_TESTS_TESTING_DIRECTORY_ENTRIES_H_
#define MULTI_BACKEND_TESTS_TESTING_DIRECTORY_ENTRIES_H_

#include <dirent.h>

#include <chrono>
#include <cstddef>
#include <thread>

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

// Waits, for 30 s at most, until the directory has no more than `most` entries,
// and returns their number.  The kernel's entry for a thread outlives
// pthread_join() for a moment, and a library may close a connection in the
// background.  For the same reason an earlier count may have been too high, so
// a test must not expect the exact number.
inline size_t SettledEntriesOf(const char* path, size_t most) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  size_t entries = EntriesOf(path);
  while (entries > most && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
    entries = EntriesOf(path);
  }
  return entries;
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_DIRECTORY_ENTRIES_H_
