// Runs the application that is linked.
extern "C" int RunApplication(const char* target);

int main(int argc, char** argv) {
  return argc == 2 ? RunApplication(argv[1]) : 2;
}
