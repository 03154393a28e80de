// libFuzzer adds its findings to the first directory on its command line.  So
// this file puts a directory of the test there, before the corpus.
#include <cstdlib>
#include <vector>

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const char* const own = std::getenv("TEST_TMPDIR");
  if (own == nullptr) return 0;
  // The arguments are used as long as the process lives.
  static std::vector<char*> arguments(*argv, *argv + *argc);
  arguments.insert(arguments.begin() + 1, const_cast<char*>(own));
  arguments.push_back(nullptr);
  ++*argc;
  *argv = arguments.data();
  return 0;
}
