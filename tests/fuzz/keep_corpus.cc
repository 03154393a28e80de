// libFuzzer adds what it finds to the first directory on its command line; so
// that one is the test's own, and the corpus comes after it.
#include <cstdlib>
#include <vector>

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const char* const own = std::getenv("TEST_TMPDIR");
  if (own == nullptr) return 0;
  // Used for as long as the process lives.
  static std::vector<char*> arguments(*argv, *argv + *argc);
  arguments.insert(arguments.begin() + 1, const_cast<char*>(own));
  arguments.push_back(nullptr);
  ++*argc;
  *argv = arguments.data();
  return 0;
}
