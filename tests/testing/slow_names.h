// SlowNames: while one exists, the system's resolver (getaddrinfo()) does not
// answer for names that end with ".slow.test", as when a DNS server is away.
//
//   SlowNames names;
//   ... probes of "a.slow.test" ...
//   names.Release();  // They cannot be resolved.
//
// One at a time.  Thread-safe.
#ifndef MULTI_BACKEND_TESTS_TESTING_SLOW_NAMES_H_
#define MULTI_BACKEND_TESTS_TESTING_SLOW_NAMES_H_

namespace multi_backend {

class SlowNames {
 public:
  SlowNames();
  // Releases, and waits for the lookups.
  ~SlowNames();
  SlowNames(const SlowNames&) = delete;
  SlowNames& operator=(const SlowNames&) = delete;

  // The lookups that wait now, the most that have waited at a time, and those
  // that have begun so far.
  int waiting() const;
  int most_waiting() const;
  int begun() const;
  // Ends all lookups with an error, also further ones.
  void Release();
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_SLOW_NAMES_H_
