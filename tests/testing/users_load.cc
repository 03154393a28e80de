#include "multi_backend/tests/testing/users_load.h"

#include <limits>
#include <utility>

namespace multi_backend {
namespace {

constexpr size_t kMaxFailuresKept = 10;

}  // namespace

LoadResult RunCalls(UsersClient& client, int threads, int64_t calls,
                    const MakeCall& make_call) {
  return BackgroundLoad(client, threads, make_call, calls).Join();
}

BackgroundLoad::BackgroundLoad(UsersClient& client, int threads,
                               MakeCall make_call)
    : BackgroundLoad(client, threads, std::move(make_call),
                     std::numeric_limits<int64_t>::max()) {}

BackgroundLoad::BackgroundLoad(UsersClient& client, int threads,
                               MakeCall make_call, int64_t limit)
    : client_(client), make_call_(std::move(make_call)), limit_(limit) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this]() { Run(); });
  }
}

void BackgroundLoad::Run() {
  LoadResult own;
  while (!stop_.load()) {
    const int64_t index = next_.fetch_add(1);
    if (index >= limit_) break;
    const CallOutcome outcome =
        client_.Call(make_call_ == nullptr ? UsersCall() : make_call_(index));
    ++own.calls;
    if (outcome.ok()) {
      ++own.served[outcome.served_by];
      continue;
    }
    ++own.failed;
    if (own.failures.size() < kMaxFailuresKept) {
      own.failures.push_back(outcome.ToString());
    }
  }
  absl::MutexLock lock(&mutex_);
  result_.calls += own.calls;
  result_.failed += own.failed;
  for (const auto& item : own.served) result_.served[item.first] += item.second;
  for (std::string& failure : own.failures) {
    if (result_.failures.size() == kMaxFailuresKept) break;
    result_.failures.push_back(std::move(failure));
  }
}

LoadResult BackgroundLoad::Stop() {
  stop_.store(true);
  return Join();
}

LoadResult BackgroundLoad::Join() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  absl::MutexLock lock(&mutex_);
  return result_;
}

}  // namespace multi_backend
