#include "multi_backend/tests/testing/slow_names.h"

#include <dlfcn.h>
#include <netdb.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "absl/strings/match.h"

namespace multi_backend {
namespace {

struct State {
  std::mutex mutex;
  std::condition_variable changed;
  bool active = false;
  int waiting = 0;
  int most_waiting = 0;
  int begun = 0;
};

// Never destroyed, because a resolver's thread may outlive main().
State& GetState() {
  static auto& state = *new State;
  return state;
}

bool IsSlow(const char* name, const addrinfo* hints) {
  return name != nullptr && absl::EndsWith(name, ".slow.test") &&
         (hints == nullptr || (hints->ai_flags & AI_NUMERICHOST) == 0);
}

}  // namespace

// Takes the place of the C library's function in the whole process.
extern "C" int getaddrinfo(const char* name, const char* service,
                           const addrinfo* hints, addrinfo** found) {
  static const auto real =
      reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  if (!IsSlow(name, hints)) return real(name, service, hints, found);
  State& state = GetState();
  std::unique_lock<std::mutex> lock(state.mutex);
  ++state.begun;
  state.most_waiting = std::max(state.most_waiting, ++state.waiting);
  state.changed.wait(lock, [&state] { return !state.active; });
  --state.waiting;
  state.changed.notify_all();
  return EAI_AGAIN;
}

SlowNames::SlowNames() {
  State& state = GetState();
  std::lock_guard<std::mutex> lock(state.mutex);
  state.active = true;
  state.most_waiting = 0;
  state.begun = 0;
}

SlowNames::~SlowNames() {
  Release();
  State& state = GetState();
  std::unique_lock<std::mutex> lock(state.mutex);
  state.changed.wait(lock, [&state] { return state.waiting == 0; });
}

int SlowNames::waiting() const {
  State& state = GetState();
  std::lock_guard<std::mutex> lock(state.mutex);
  return state.waiting;
}

int SlowNames::most_waiting() const {
  State& state = GetState();
  std::lock_guard<std::mutex> lock(state.mutex);
  return state.most_waiting;
}

int SlowNames::begun() const {
  State& state = GetState();
  std::lock_guard<std::mutex> lock(state.mutex);
  return state.begun;
}

void SlowNames::Release() {
  State& state = GetState();
  std::lock_guard<std::mutex> lock(state.mutex);
  state.active = false;
  state.changed.notify_all();
}

}  // namespace multi_backend
