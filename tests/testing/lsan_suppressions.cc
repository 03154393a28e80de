// Suppresses leaks in the distribution's libraries, which asan's leak checker
// would report as the library's.  Does nothing in other builds.
//
//   libcares 1.18.1 leaks a copy of each name that it finds in /etc/hosts.  Ten
//   lines of C with ares_gethostbyname(…, "localhost", …) show it.
//   libzookeeper 3.8 does not free the events of a session that are still
//   unprocessed when zookeeper_close() is called (ZOOKEEPER-2894).  A handle
//   that nobody closes would not be found either, but each has two threads,
//   which the tests count.

extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libcares.so\n"
         "leak:libzookeeper_mt.so\n";
}
