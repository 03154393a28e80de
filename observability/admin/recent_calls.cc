#include "multi_backend/observability/admin/recent_calls.h"

#include <utility>
#include <vector>

#include "multi_backend/observability/admin/asked_for.h"

namespace multi_backend {

using admin::v1::Call;
using admin::v1::Calls;

void RecentCalls::Add(std::unique_ptr<Call> call) {
  const size_t bytes = call->SpaceUsedLong();
  // Destroyed without the lock.
  std::vector<Entry> dropped;
  MutexLock lock(&mutex_);
  call->set_sequence(++last_sequence_);
  calls_.push_back({std::move(call), bytes});
  bytes_ += bytes;
  while (!calls_.empty() &&
         (calls_.size() > limits_.calls || bytes_ > limits_.bytes)) {
    bytes_ -= calls_.front().bytes;
    dropped.push_back(std::move(calls_.front()));
    calls_.pop_front();
    ++dropped_;
  }
}

Calls RecentCalls::Get(const admin::v1::GetCallsRequest& request) const {
  Calls result;
  std::vector<std::shared_ptr<const Call>> calls;
  {
    MutexLock lock(&mutex_);
    calls.reserve(calls_.size());
    for (const Entry& entry : calls_) calls.push_back(entry.call);
    result.set_dropped(dropped_);
  }
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    if (!IsAskedFor(**call, request)) continue;
    *result.add_calls() = **call;
    if (request.limit() != 0 &&
        result.calls_size() >= static_cast<int>(request.limit())) {
      break;
    }
  }
  return result;
}

}  // namespace multi_backend
