#include "multi_backend/tools/mb/output/interruption.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>

namespace multi_backend {
namespace mb {
namespace {

// What the signal handler uses: lock-free, so that it may.
std::atomic<bool> g_happened{false};
std::atomic<int> g_event{-1};

void Signal(int event) {
  const uint64_t one = 1;
  // It fails only when the counter is full, and then Wait() returns anyway.
  const ssize_t written = write(event, &one, sizeof(one));
  (void)written;
}

void OnSignal(int) {
  const int error = errno;
  g_happened = true;
  Signal(g_event);
  errno = error;
}

}  // namespace

Interruption& Interruption::Install() {
  static Interruption& interruption = *new Interruption();
  return interruption;
}

Interruption::Interruption() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  // Without file descriptors left the program could not do its work either.
  if (event_ < 0) abort();
  g_event = event_;
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  // The second signal has its default again.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool Interruption::happened() const { return g_happened; }

void Interruption::Wake() { Signal(event_); }

void Interruption::Wait(absl::Duration longest) {
  if (happened()) return;
  longest = std::min(longest, absl::Hours(1));
  pollfd event = {event_, POLLIN, 0};
  // Rounded up, lest a short wait becomes a busy loop.
  const int millis = static_cast<int>(
      absl::ToInt64Milliseconds(absl::Ceil(longest, absl::Milliseconds(1))));
  if (poll(&event, 1, std::max(millis, 0)) <= 0) return;
  uint64_t count;
  const ssize_t size = read(event_, &count, sizeof(count));
  (void)size;
}

}  // namespace mb
}  // namespace multi_backend
