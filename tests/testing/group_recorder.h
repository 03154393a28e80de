// GroupRecorder: follows an EndpointGroup for a test, and waits until the group
// has what the test expects.
//
//   GroupRecorder recorder(group);
//   EXPECT_TRUE(recorder.WaitFor({"10.0.0.1:80"}));
//   EXPECT_EQ(recorder.lists(), 1);
//
// Threads: one thread of the test, besides those of the group.
#ifndef MULTI_BACKEND_TESTS_TESTING_GROUP_RECORDER_H_
#define MULTI_BACKEND_TESTS_TESTING_GROUP_RECORDER_H_

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/endpoint_group.h"

namespace multi_backend {

class GroupRecorder {
 public:
  static constexpr std::chrono::milliseconds kPatience{30000};

  explicit GroupRecorder(std::shared_ptr<EndpointGroup> group)
      : group_(std::move(group)),
        watch_(group_->Watch([this](std::shared_ptr<const EndpointList> list) {
          std::lock_guard<std::mutex> lock(mu_);
          if (list->empty() && !newest_.empty()) ++emptied_;
          newest_ = *list;
          ++lists_;
          changed_.notify_all();
        })) {}

  EndpointGroup& group() { return *group_; }
  EndpointList newest() const {
    std::lock_guard<std::mutex> lock(mu_);
    return newest_;
  }
  // The number of lists received, and of those that were empty after one that
  // was not.
  int lists() const {
    std::lock_guard<std::mutex> lock(mu_);
    return lists_;
  }
  int emptied() const {
    std::lock_guard<std::mutex> lock(mu_);
    return emptied_;
  }

  // Waits until the list has these addresses, in this order.
  ::testing::AssertionResult WaitFor(
      const std::vector<std::string>& addresses,
      std::chrono::milliseconds patience = kPatience) {
    return WaitUntil(
        [&](const EndpointList& list) {
          std::vector<std::string> now;
          for (const Endpoint& endpoint : list) {
            now.push_back(endpoint.address());
          }
          return now == addresses;
        },
        patience);
  }
  ::testing::AssertionResult WaitForSize(
      size_t size, std::chrono::milliseconds patience = kPatience) {
    return WaitUntil(
        [size](const EndpointList& list) { return list.size() == size; },
        patience);
  }
  ::testing::AssertionResult WaitUntil(
      absl::FunctionRef<bool(const EndpointList&)> condition,
      std::chrono::milliseconds patience = kPatience) {
    std::unique_lock<std::mutex> lock(mu_);
    if (changed_.wait_for(lock, patience, [&] { return condition(newest_); })) {
      return ::testing::AssertionSuccess();
    }
    lock.unlock();
    return ::testing::AssertionFailure()
           << "the list is " << NameEndpoints(*group_->endpoints()) << "; "
           << group_->Describe();
  }
  // Polls every millisecond, because there is no callback for errors.
  ::testing::AssertionResult WaitForError(const std::string& text) {
    std::unique_lock<std::mutex> lock(mu_);
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
      if (absl::StrContains(group_->last_error().ToString(), text)) {
        return ::testing::AssertionSuccess();
      }
      changed_.wait_for(lock, std::chrono::milliseconds(1));
    }
    return ::testing::AssertionFailure()
           << "the last error is " << group_->last_error();
  }

 private:
  const std::shared_ptr<EndpointGroup> group_;
  mutable std::mutex mu_;
  std::condition_variable changed_;
  EndpointList newest_;
  int lists_ = 0;
  int emptied_ = 0;
  // The last member, so that the watch stops before the others are destroyed.
  const std::unique_ptr<EndpointGroup::Subscription> watch_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_GROUP_RECORDER_H_
