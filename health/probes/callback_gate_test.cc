#include "multi_backend/health/probes/callback_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

namespace multi_backend {
namespace {

TEST(CallbackGateTest, RunsCallbacksUntilItIsClosed) {
  CallbackGate gate;
  int calls = 0;
  gate.Run([&] { ++calls; });
  gate.Close();
  gate.Close();
  gate.Run([&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(CallbackGateTest, MayBeClosedByACallback) {
  CallbackGate gate;
  gate.Run([&] { gate.Run([&] { gate.Close(); }); });
  gate.Run([] { FAIL() << "closed"; });
}

TEST(CallbackGateTest, CloseWaitsForCallbacksOfOtherThreads) {
  for (int round = 0; round < 200; ++round) {
    auto open = std::make_shared<CallbackGate>();
    std::promise<void> inside;
    std::atomic<bool> left{false};
    std::thread other([&, open] {
      open->Run([&] {
        inside.set_value();
        std::this_thread::yield();
        left = true;
      });
    });
    inside.get_future().wait();
    open->Close();
    EXPECT_TRUE(left);
    other.join();
  }
}

}  // namespace
}  // namespace multi_backend
