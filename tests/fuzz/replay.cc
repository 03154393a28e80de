// A main() for fuzz targets without libFuzzer.  It runs the target on each file
// in the directories of the command line, and on each prefix of a file, so that
// torn inputs are tried too.
#include <dirent.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

// More prefixes of a file would take too long.
constexpr size_t kMaxTorn = 4096;

void Replay(const std::string& path) {
  std::stringstream contents;
  contents << std::ifstream(path, std::ios::binary).rdbuf();
  const std::string text = contents.str();
  const auto* const data = reinterpret_cast<const uint8_t*>(text.data());
  LLVMFuzzerTestOneInput(data, text.size());
  for (size_t size = 0; size < text.size() && size < kMaxTorn; ++size) {
    // The copy ends there, so that the address sanitizer notices reads beyond.
    const std::string torn = text.substr(0, size);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(torn.data()), size);
  }
}

// Returns the number of files.
int ReplayDirectory(const std::string& path) {
  DIR* const directory = opendir(path.c_str());
  if (directory == nullptr) return 0;
  int files = 0;
  while (const dirent* const entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    std::printf("%s\n", entry->d_name);
    std::fflush(stdout);
    Replay(path + "/" + entry->d_name);
    ++files;
  }
  closedir(directory);
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i) files += ReplayDirectory(argv[i]);
  std::printf("%d inputs\n", files);
  return files > 0 ? 0 : 1;
}
