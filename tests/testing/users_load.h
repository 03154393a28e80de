// RunCalls, BackgroundLoad: make calls of a UsersClient from many threads, and
// report how they ended.
//
//   LoadResult load = RunCalls(client, /*threads=*/8, /*calls=*/1000);
//   EXPECT_THAT(load.failures, IsEmpty());
//
// Threads: RunCalls() and BackgroundLoad are to be used from one thread.  They
// call `make_call` from several threads at the same time.
#ifndef MULTI_BACKEND_TESTS_TESTING_USERS_LOAD_H_
#define MULTI_BACKEND_TESTS_TESTING_USERS_LOAD_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {

struct LoadResult {
  int64_t calls = 0;
  std::vector<std::string> failures;  // The texts of at most ten failures.
  int64_t failed = 0;
  std::map<std::string, int64_t> served;  // By backend name.
};

using MakeCall = std::function<UsersCall(int64_t index)>;

// Makes `calls` calls from `threads` threads.
LoadResult RunCalls(UsersClient& client, int threads, int64_t calls,
                    const MakeCall& make_call = nullptr);

// Makes calls from `threads` threads, from construction until Stop().
class BackgroundLoad {
 public:
  BackgroundLoad(UsersClient& client, int threads,
                 MakeCall make_call = nullptr);
  ~BackgroundLoad() { Stop(); }

  int64_t calls() const { return next_.load(); }
  LoadResult Stop();

 private:
  friend LoadResult RunCalls(UsersClient&, int, int64_t, const MakeCall&);
  BackgroundLoad(UsersClient& client, int threads, MakeCall make_call,
                 int64_t limit);
  void Run();
  LoadResult Join();

  UsersClient& client_;
  const MakeCall make_call_;
  const int64_t limit_;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> stop_{false};
  absl::Mutex mutex_;
  LoadResult result_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_USERS_LOAD_H_
