// Loads the shared object of an application at run time, and runs it.
//
//   loader OBJECT TARGET
#include <dlfcn.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  void* const object = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) {
    std::cerr << dlerror() << "\n";
    return 1;
  }
  using Run = int (*)(const char*);
  const auto run = reinterpret_cast<Run>(dlsym(object, "RunApplication"));
  if (run == nullptr) {
    std::cerr << dlerror() << "\n";
    return 1;
  }
  return run(argv[2]);
}
