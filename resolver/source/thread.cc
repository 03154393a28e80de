#include "multi_backend/resolver/source/thread.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace multi_backend {

SourceThread::Signal::Signal() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

SourceThread::Signal::~Signal() {
  if (fd_ >= 0) close(fd_);
}

void SourceThread::Signal::Notify() {
  const uint64_t one = 1;
  // A write fails only when the counter is full, and then it is readable.
  if (fd_ >= 0) (void)!write(fd_, &one, sizeof(one));
}

bool SourceThread::Signal::TakeWake() {
  // A stop stays readable for every later wait.
  if (!stopped() && fd_ >= 0) {
    uint64_t count = 0;
    (void)!read(fd_, &count, sizeof(count));
    // The read may have taken the notice of a stop.
    if (stopped()) Notify();
  }
  return woken_.exchange(false);
}

void SourceThread::Signal::Wait(absl::Duration timeout) const {
  if (fd_ < 0) timeout = std::min(timeout, absl::Milliseconds(100));
  if (stopped()) return;
  pollfd wake = {fd_, POLLIN, 0};
  poll(&wake, 1, PollTimeout(timeout));
}

void SourceThread::Start(const char* name, std::function<void()> body) {
  // The lock makes the body's own Stop() wait until thread_ is set.
  MutexLock lock(&mu_);
  if (signal_->stopped()) return;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), name);
}

void SourceThread::Stop() {
  std::thread thread;
  {
    MutexLock lock(&mu_);
    signal_->stopped_.store(true, std::memory_order_release);
    signal_->Notify();
    if (!thread_.joinable()) return;
    thread = std::move(thread_);
  }
  if (thread.get_id() == std::this_thread::get_id()) {
    thread.detach();
  } else {
    thread.join();
  }
}

void SourceThread::Wake() {
  signal_->woken_.store(true);
  signal_->Notify();
}

int PollTimeout(absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration()) return -1;
  timeout = std::min(std::max(timeout, absl::ZeroDuration()), absl::Hours(24));
  return static_cast<int>(
      absl::ToInt64Milliseconds(absl::Ceil(timeout, absl::Milliseconds(1))));
}

}  // namespace multi_backend
