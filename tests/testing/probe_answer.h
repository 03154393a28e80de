// AskOnce: runs a probe once and returns its result.
#ifndef MULTI_BACKEND_TESTS_TESTING_PROBE_ANSWER_H_
#define MULTI_BACKEND_TESTS_TESTING_PROBE_ANSWER_H_

#include <chrono>
#include <cstdlib>
#include <future>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/health/probes/probe.h"

namespace multi_backend {

// Ends the program when no result comes within 30 s.
inline ProbeResult AskOnce(Probe& probe,
                           absl::Duration timeout = absl::Seconds(10)) {
  // Shared, because set_value() may still be running when this returns.
  const auto promise = std::make_shared<std::promise<ProbeResult>>();
  auto future = promise->get_future();
  probe.Start(timeout, [promise](ProbeResult result) {
    promise->set_value(std::move(result));
  });

  if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready) {
    ADD_FAILURE() << "no result";
    abort();
  }
  return future.get();
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_PROBE_ANSWER_H_
