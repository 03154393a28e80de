#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using ListPtr = std::shared_ptr<const EndpointList>;
using Subscription = EndpointGroup::Subscription;

class TestGroup : public DynamicEndpointGroup {
 public:
  ~TestGroup() override { *alive_ = false; }

  using DynamicEndpointGroup::Redeliver;
  using DynamicEndpointGroup::SetEndpoints;
  using DynamicEndpointGroup::SetError;
  using DynamicEndpointGroup::Update;

  // Sets a list that no earlier call has set.
  uint32_t SetNext() {
    uint32_t number = 0;
    Update([&] {
      number = ++last_number_;
      return std::make_shared<const EndpointList>(
          EndpointList{Endpoint::Of("a", 1).WithWeight(number)});
    });
    return number;
  }

  int closes() const { return closes_; }
  std::shared_ptr<std::atomic<bool>> alive() const { return alive_; }

 protected:
  std::string Name() const override { return "test:///a"; }
  void OnClose() override { ++closes_; }

 private:
  uint32_t last_number_ = 0;  // Used only in Update().
  int closes_ = 0;
  std::shared_ptr<std::atomic<bool>> alive_ =
      std::make_shared<std::atomic<bool>>(true);
};

// The list that SetNext() numbered.
EndpointList Numbered(uint32_t number) {
  return {Endpoint::Of("a", 1).WithWeight(number)};
}
uint32_t NumberOf(const EndpointList& list) {
  return list.empty() ? 0 : list[0].weight;
}

class Event {
 public:
  void Notify() {
    std::lock_guard<std::mutex> lock(mu_);
    notified_ = true;
    changed_.notify_all();
  }
  bool Wait() {
    std::unique_lock<std::mutex> lock(mu_);
    return changed_.wait_for(lock, std::chrono::seconds(30),
                             [this] { return notified_; });
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  bool notified_ = false;
};

// Collects the lists that a watch is called with.  Not thread-safe.
struct Recorder {
  std::vector<EndpointList> seen;
  EndpointGroup::Callback callback() {
    return [this](ListPtr list) { seen.push_back(*list); };
  }
};

TEST(DynamicEndpointGroupTest, IsEmptyAndSilentBeforeItKnowsAList) {
  TestGroup group;
  Recorder recorder;
  const auto watch = group.Watch(recorder.callback());
  ASSERT_NE(group.endpoints(), nullptr);
  EXPECT_TRUE(group.endpoints()->empty());
  EXPECT_TRUE(recorder.seen.empty());
}

TEST(DynamicEndpointGroupTest, CallsBackForTheKnownListAndEachChange) {
  TestGroup group;
  group.SetEndpoints(Numbered(1));
  Recorder recorder;
  const auto watch = group.Watch(recorder.callback());
  EXPECT_EQ(recorder.seen.size(), 1u);
  group.SetEndpoints(Numbered(2));
  group.SetEndpoints(EndpointList{});
  group.SetEndpoints(Numbered(2));
  EXPECT_EQ(recorder.seen, (std::vector<EndpointList>{
                               Numbered(1), Numbered(2), {}, Numbered(2)}));
  EXPECT_EQ(*group.endpoints(), Numbered(2));
}

TEST(DynamicEndpointGroupTest, AnEmptyListThatIsKnownIsNews) {
  TestGroup group;
  Recorder recorder;
  const auto watch = group.Watch(recorder.callback());
  group.SetEndpoints(EndpointList{});
  group.SetEndpoints(EndpointList{});
  EXPECT_EQ(recorder.seen, std::vector<EndpointList>{{}});
}

TEST(DynamicEndpointGroupTest, AnUnchangedListCausesNothing) {
  TestGroup group;
  group.SetEndpoints(Numbered(1));
  const ListPtr before = group.endpoints();
  Recorder recorder;
  const auto watch = group.Watch(recorder.callback());
  group.SetEndpoints(Numbered(1));
  group.SetEndpoints(std::make_shared<const EndpointList>(Numbered(1)));
  group.SetEndpoints(before);
  EXPECT_EQ(recorder.seen.size(), 1u);
  EXPECT_EQ(group.endpoints(), before);
}

TEST(DynamicEndpointGroupTest, OrderAndAttributesAreChanges) {
  const Endpoint a = Endpoint::Of("a", 1);
  const Endpoint b = Endpoint::Of("b", 1);
  TestGroup group;
  Recorder recorder;
  const auto watch = group.Watch(recorder.callback());
  group.SetEndpoints({a, b});
  group.SetEndpoints({b, a});
  group.SetEndpoints({b, a.WithRole("primary")});
  EXPECT_EQ(recorder.seen.size(), 3u);
}

TEST(DynamicEndpointGroupTest, RedeliverCallsBackWithTheSameList) {
  TestGroup group;
  Recorder recorder;
  const auto watch = group.Watch(recorder.callback());
  group.Redeliver();  // There is no list yet.
  EXPECT_TRUE(recorder.seen.empty());
  group.SetEndpoints(Numbered(1));
  group.Redeliver();
  EXPECT_EQ(recorder.seen,
            (std::vector<EndpointList>{Numbered(1), Numbered(1)}));
}

TEST(DynamicEndpointGroupTest, CallsBackOnTheThreadThatBringsTheList) {
  TestGroup group;
  std::thread::id id;
  const auto watch =
      group.Watch([&id](ListPtr) { id = std::this_thread::get_id(); });
  group.SetEndpoints(Numbered(1));
  EXPECT_EQ(id, std::this_thread::get_id());
  std::thread::id other;
  std::thread thread([&] {
    other = std::this_thread::get_id();
    group.SetEndpoints(Numbered(2));
  });
  thread.join();
  EXPECT_EQ(id, other);
}

TEST(DynamicEndpointGroupTest, CallsWatchesInTheOrderTheyWereMade) {
  TestGroup group;
  std::vector<int> order;
  std::vector<std::unique_ptr<Subscription>> watches;
  for (int i = 0; i < 5; ++i) {
    watches.push_back(
        group.Watch([&order, i](ListPtr) { order.push_back(i); }));
  }
  watches.erase(watches.begin() + 2);
  group.SetEndpoints(Numbered(1));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 3, 4}));
}

TEST(DynamicEndpointGroupTest, ACallbackMayCallIntoTheGroup) {
  TestGroup group;
  Recorder inner;
  std::unique_ptr<Subscription> inner_watch;
  const auto watch = group.Watch([&](ListPtr list) {
    EXPECT_EQ(*group.endpoints(), *list);
    EXPECT_EQ(group.Describe(), "test:///a");
    EXPECT_TRUE(group.last_error().ok());
    EXPECT_TRUE(group.AwaitInitialEndpoints(absl::ZeroDuration()).ok());
    inner_watch = group.Watch(inner.callback());
  });
  group.SetEndpoints(Numbered(1));
  EXPECT_EQ(inner.seen, std::vector<EndpointList>{Numbered(1)});
}

TEST(DynamicEndpointGroupTest, AListSetInACallbackIsDeliveredAfterIt) {
  TestGroup group;
  std::vector<uint32_t> seen;
  bool inside = false;
  const auto watch = group.Watch([&](ListPtr list) {
    EXPECT_FALSE(inside);
    inside = true;
    const uint32_t number = NumberOf(*list);
    seen.push_back(number);
    if (number < 10) {
      group.SetEndpoints(Numbered(number + 1));  // Is replaced before any look.
      group.SetEndpoints(Numbered(number + 2));
    }
    inside = false;
  });
  group.SetEndpoints(Numbered(1));
  EXPECT_EQ(seen, (std::vector<uint32_t>{1, 3, 5, 7, 9, 11}));
}

TEST(DynamicEndpointGroupTest, AnEndedWatchIsNotCalledAndLetsItsCallbackGo) {
  TestGroup group;
  auto resource = std::make_shared<int>(0);
  auto watch = group.Watch([resource](ListPtr) { ++*resource; });
  group.SetEndpoints(Numbered(1));
  watch.reset();
  EXPECT_EQ(resource.use_count(), 1);
  group.SetEndpoints(Numbered(2));
  EXPECT_EQ(*resource, 1);
}

TEST(DynamicEndpointGroupTest, AWatchMayEndInItsOwnCallback) {
  TestGroup group;
  auto resource = std::make_shared<int>(0);
  std::unique_ptr<Subscription> watch;
  watch = group.Watch([&watch, resource](ListPtr) {
    watch.reset();
    ++*resource;  // The callback itself is still alive.
  });
  group.SetEndpoints(Numbered(1));
  group.SetEndpoints(Numbered(2));
  EXPECT_EQ(*resource, 1);
  EXPECT_EQ(resource.use_count(), 1);
}

TEST(DynamicEndpointGroupTest, AWatchMayEndInAnotherOnesCallback) {
  TestGroup group;
  Recorder second;
  std::unique_ptr<Subscription> second_watch;
  const auto first_watch =
      group.Watch([&second_watch](ListPtr) { second_watch.reset(); });
  second_watch = group.Watch(second.callback());
  group.SetEndpoints(Numbered(1));
  EXPECT_TRUE(second.seen.empty());
}

TEST(DynamicEndpointGroupTest, AWatchMayOutliveTheGroup) {
  Recorder recorder;
  auto group = std::make_unique<TestGroup>();
  auto watch = group->Watch(recorder.callback());
  group->SetEndpoints(Numbered(1));
  group.reset();
  watch.reset();
  EXPECT_EQ(recorder.seen.size(), 1u);
}

TEST(DynamicEndpointGroupTest, ACallbackMayDestroyTheGroup) {
  auto group = std::make_unique<TestGroup>();
  const auto alive = group->alive();
  Recorder other;
  const auto watch = group->Watch([&group](ListPtr) { group.reset(); });
  const auto other_watch = group->Watch(other.callback());
  group->SetEndpoints(Numbered(1));
  EXPECT_FALSE(*alive);
  EXPECT_TRUE(other.seen.empty());
}

TEST(DynamicEndpointGroupTest, TheFirstCallbackMayDestroyTheGroup) {
  auto group = std::make_unique<TestGroup>();
  group->SetEndpoints(Numbered(1));
  const auto watch = group->Watch([&group](ListPtr) { group.reset(); });
  EXPECT_EQ(group, nullptr);
}

TEST(DynamicEndpointGroupTest, NothingHappensAfterClose) {
  TestGroup group;
  group.SetEndpoints(Numbered(1));
  Recorder before;
  Recorder after;
  const auto watch = group.Watch(before.callback());
  group.Close();
  group.Close();
  EXPECT_EQ(group.closes(), 1);
  const auto late_watch = group.Watch(after.callback());
  group.SetEndpoints(Numbered(2));
  group.SetError(absl::UnavailableError("late"));
  group.Redeliver();
  EXPECT_EQ(before.seen.size(), 1u);
  EXPECT_TRUE(after.seen.empty());
  EXPECT_EQ(*group.endpoints(), Numbered(1));
  EXPECT_TRUE(group.last_error().ok());
}

TEST(DynamicEndpointGroupTest, ACallbackMayCloseTheGroup) {
  TestGroup group;
  Recorder other;
  const auto watch = group.Watch([&group](ListPtr) { group.Close(); });
  const auto other_watch = group.Watch(other.callback());
  group.SetEndpoints(Numbered(1));
  group.SetEndpoints(Numbered(2));
  EXPECT_TRUE(other.seen.empty());
  EXPECT_EQ(*group.endpoints(), Numbered(1));
}

TEST(DynamicEndpointGroupTest, TheLastErrorStandsUntilAnAttemptSucceeds) {
  TestGroup group;
  group.SetEndpoints(Numbered(1));
  group.SetError(absl::UnavailableError("no route"));
  EXPECT_EQ(group.last_error(), absl::UnavailableError("no route"));
  EXPECT_EQ(group.Describe(), "test:///a (last error: no route)");
  EXPECT_EQ(*group.endpoints(), Numbered(1));
  group.SetEndpoints(Numbered(1));  // The same list is a success too.
  EXPECT_TRUE(group.last_error().ok());
  EXPECT_EQ(group.Describe(), "test:///a");
}

TEST(AwaitInitialEndpointsTest, ReturnsAtOnceWhenThereAreEndpoints) {
  TestGroup group;
  group.SetEndpoints(Numbered(1));
  EXPECT_TRUE(group.AwaitInitialEndpoints(-absl::InfiniteDuration()).ok());
  group.Close();
  EXPECT_TRUE(group.AwaitInitialEndpoints(absl::InfiniteDuration()).ok());
}

TEST(AwaitInitialEndpointsTest, SaysWhomItWaitedForAndWhy) {
  TestGroup group;
  EXPECT_EQ(group.AwaitInitialEndpoints(absl::Milliseconds(1500)),
            absl::DeadlineExceededError("test:///a: no answer after 1.5s"));
  group.SetEndpoints(EndpointList{});  // A list is known, but empty.
  EXPECT_EQ(group.AwaitInitialEndpoints(absl::Milliseconds(1)),
            absl::DeadlineExceededError("test:///a: no endpoints after 1ms"));
  group.SetError(absl::UnavailableError("no route"));
  EXPECT_EQ(group.AwaitInitialEndpoints(absl::ZeroDuration()),
            absl::DeadlineExceededError(
                "test:///a (last error: no route): no endpoints after 0"));
  group.Close();
  EXPECT_EQ(group.AwaitInitialEndpoints(absl::InfiniteDuration()),
            absl::CancelledError("test:///a (last error: no route): closed "
                                 "before it had endpoints"));
}

TEST(AwaitInitialEndpointsTest, EndpointsOrCloseWakeEveryWaiter) {
  for (const bool close : {false, true}) {
    for (const absl::Duration timeout :
         {absl::Seconds(30), absl::InfiniteDuration()}) {
      TestGroup group;
      std::atomic<int> right{0};
      std::vector<std::thread> waiters;
      for (int i = 0; i < 4; ++i) {
        waiters.emplace_back([&] {
          const absl::StatusCode code =
              group.AwaitInitialEndpoints(timeout).code();
          right += code == (close ? absl::StatusCode::kCancelled
                                  : absl::StatusCode::kOk);
        });
      }
      group.SetEndpoints(EndpointList{});  // Does not wake the thread.
      close ? group.Close() : group.SetEndpoints(Numbered(1));
      for (std::thread& waiter : waiters) waiter.join();
      EXPECT_EQ(right, 4);
    }
  }
}

// Calls `end` while a callback runs on another thread.  `end` must not return
// before the callback does.
template <typename End>
void ExpectWaitsForRunningCallback(End end) {
  for (int round = 0; round < 100; ++round) {
    auto group = std::make_unique<TestGroup>();
    Event entered;
    Event release;
    std::atomic<bool> finished{false};
    auto watch = group->Watch([&](ListPtr) {
      entered.Notify();
      EXPECT_TRUE(release.Wait());
      for (int i = 0; i < 20; ++i) std::this_thread::yield();
      finished = true;
    });
    std::thread setter([&group] { group->SetEndpoints(Numbered(1)); });
    EXPECT_TRUE(entered.Wait());
    release.Notify();
    end(*group, watch);
    EXPECT_TRUE(finished);
    setter.join();
  }
}

TEST(DynamicEndpointGroupTest, EndingAWatchWaitsForItsCallback) {
  ExpectWaitsForRunningCallback(
      [](TestGroup&, std::unique_ptr<Subscription>& watch) { watch.reset(); });
}

TEST(DynamicEndpointGroupTest, CloseWaitsForRunningCallbacks) {
  ExpectWaitsForRunningCallback(
      [](TestGroup& group, std::unique_ptr<Subscription>&) { group.Close(); });
}

TEST(DynamicEndpointGroupTest, EveryOneOfTwoClosesWaits) {
  ExpectWaitsForRunningCallback(
      [](TestGroup& group, std::unique_ptr<Subscription>&) {
        std::thread other([&group] { group.Close(); });
        group.Close();
        other.join();
      });
}

// A list is set while the callback runs on another thread.  The setter does not
// wait, and the callback gets the list next, on the thread that runs it.
TEST(DynamicEndpointGroupTest, NewsDuringACallbackFollowOnItsThread) {
  TestGroup group;
  Event entered;
  Event release;
  std::vector<uint32_t> seen;
  std::vector<std::thread::id> threads;
  const auto watch = group.Watch([&](ListPtr list) {
    seen.push_back(NumberOf(*list));
    threads.push_back(std::this_thread::get_id());
    entered.Notify();
    EXPECT_TRUE(release.Wait());
  });
  std::thread setter([&group] { group.SetEndpoints(Numbered(1)); });
  const std::thread::id setter_id = setter.get_id();
  ASSERT_TRUE(entered.Wait());
  group.SetEndpoints(Numbered(2));
  group.SetEndpoints(Numbered(3));
  release.Notify();
  setter.join();
  EXPECT_EQ(seen, (std::vector<uint32_t>{1, 3}));
  EXPECT_EQ(threads, (std::vector<std::thread::id>{setter_id, setter_id}));
}

// Checks what every watch may rely on, whatever the threads do.
class Checker {
 public:
  EndpointGroup::Callback callback() {
    return [this](ListPtr list) {
      EXPECT_FALSE(running_.exchange(true)) << "two callbacks at once";
      EXPECT_FALSE(ended_) << "a callback after the end";
      const uint32_t number = NumberOf(*list);
      EXPECT_GT(number, newest_) << "an older list after a newer one";
      newest_ = number;  // Not atomic, because the group must order the calls.
      running_ = false;
    };
  }
  void End() { ended_ = true; }
  uint32_t newest() const { return newest_; }

 private:
  std::atomic<bool> running_{false};
  std::atomic<bool> ended_{false};
  uint32_t newest_ = 0;
};

TEST(DynamicEndpointGroupStressTest, WatchesAreOrderedCompleteAndEndForGood) {
  constexpr int kSetters = 4;
  constexpr int kLists = 2000;
  constexpr int kWatchers = 3;
  TestGroup group;
  Checker lasting[kWatchers];
  std::vector<std::unique_ptr<Subscription>> lasting_watches;
  for (Checker& checker : lasting) {
    lasting_watches.push_back(group.Watch(checker.callback()));
  }
  std::vector<std::thread> setters;
  for (int i = 0; i < kSetters; ++i) {
    setters.emplace_back([&group] {
      for (int j = 0; j < kLists; ++j) group.SetNext();
    });
  }
  std::atomic<bool> over{false};
  std::vector<std::thread> comers_and_goers;
  for (int i = 0; i < kWatchers; ++i) {
    comers_and_goers.emplace_back([&group, &over] {
      do {
        Checker checker;
        auto watch = group.Watch(checker.callback());
        std::this_thread::yield();
        watch.reset();
        checker.End();
        EXPECT_LE(checker.newest(), NumberOf(*group.endpoints()));
      } while (!over);
    });
  }
  for (std::thread& setter : setters) setter.join();
  over = true;
  for (std::thread& thread : comers_and_goers) thread.join();
  EXPECT_EQ(*group.endpoints(), Numbered(kSetters * kLists));
  for (Checker& checker : lasting) {
    EXPECT_EQ(checker.newest(), uint32_t{kSetters * kLists});
  }
}

TEST(DynamicEndpointGroupStressTest, NoCallbackAfterClose) {
  for (int round = 0; round < 200; ++round) {
    TestGroup group;
    Checker checkers[3];
    std::vector<std::unique_ptr<Subscription>> watches;
    for (Checker& checker : checkers) {
      watches.push_back(group.Watch(checker.callback()));
    }
    Event started;
    std::atomic<bool> over{false};
    std::thread setter([&] {
      while (!over) {
        group.SetNext();
        started.Notify();
        std::this_thread::yield();  // Close() needs the lock too.
      }
    });
    std::thread watcher([&] {
      while (!over) {
        group.Watch([](ListPtr) {});
        std::this_thread::yield();
      }
    });
    EXPECT_TRUE(started.Wait());
    group.Close();
    for (Checker& checker : checkers) checker.End();
    for (int i = 0; i < 20; ++i) std::this_thread::yield();
    over = true;
    setter.join();
    watcher.join();
  }
}

}  // namespace
}  // namespace multi_backend
