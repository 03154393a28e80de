// Leaks of the distribution's libraries, which the leak checker of asan would
// hold against us.  Does nothing in other builds.
//
//   libcares 1.18.1 loses a copy of each name that it finds in /etc/hosts; ten
//   lines of C with ares_gethostbyname(…, "localhost", …) show it.

extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libcares.so\n";
}
