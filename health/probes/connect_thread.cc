#include "multi_backend/health/probes/connect_thread.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "multi_backend/health/timers/process_thread.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {
namespace {

using Clock = std::chrono::steady_clock;
using AttemptPtr = std::shared_ptr<ConnectThread::Attempt>;

// Longer than any useful timeout, and adding it to the current time does not
// overflow.
constexpr absl::Duration kLongestTimeout = absl::Hours(24);
// How many names are resolved at a time.  A name may take half a minute while
// its DNS server is away, so the limit is far above what a server that works
// needs.
constexpr size_t kMostLookups = 256;
// How often the thread looks for orders when it cannot be woken, because the
// process had no descriptor left for the event.
constexpr absl::Duration kUnwokenWait = absl::Milliseconds(100);

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }

  int get() const { return fd_; }

 private:
  int fd_;
};

struct SocketAddress {
  sockaddr_storage storage;
  socklen_t length;
};

absl::Status FailedToConnect(const Endpoint& where, int error) {
  // Its text ends with that of strerror(), which need not be thread-safe.
  const absl::Status status = absl::ErrnoToStatus(
      error, absl::StrCat("Failed to connect to ", where.address()));
  return absl::UnavailableError(status.message());
}

// The addresses of the host.  With AI_NUMERICHOST in `flags`, no name is
// resolved.
absl::StatusOr<std::vector<SocketAddress>> AddressesOf(const Endpoint& where,
                                                       int flags) {
  addrinfo hints = {};
  hints.ai_flags = flags | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(
      where.host.c_str(), absl::StrCat(where.port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat(
        "Could not resolve host: ", where.host, ": ", gai_strerror(error)));
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    SocketAddress address = {};
    address.length = one->ai_addrlen;
    memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    addresses.push_back(address);
  }
  freeaddrinfo(found);
  return addresses;
}

// One attempt under way.
struct Connecting {
  AttemptPtr attempt;
  Clock::time_point end;
  // Empty while the name is being resolved.
  std::vector<SocketAddress> addresses;
  size_t next = 0;
  Descriptor socket;          // To the address before `next`.
  Clock::time_point next_at;  // Then the next address is tried.
  absl::Status error = absl::DeadlineExceededError("no connection in time");

  // Goes on to the next address that can be tried.  Returns false when none is
  // left.
  bool TryNext(Clock::time_point now);
};

bool Connecting::TryNext(Clock::time_point now) {
  socket = Descriptor();
  while (next < addresses.size()) {
    const auto left = static_cast<int64_t>(addresses.size() - next);
    const SocketAddress& address = addresses[next++];
    socket = Descriptor(::socket(address.storage.ss_family,
                                 SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                                 /*protocol=*/0));
    if (socket.get() >= 0 &&
        (connect(socket.get(),
                 reinterpret_cast<const sockaddr*>(&address.storage),
                 address.length) == 0 ||
         errno == EINPROGRESS)) {
      next_at = now + (end - now) / left;
      return true;
    }
    error = FailedToConnect(attempt->where(), errno);
    socket = Descriptor();
  }
  return false;
}

// Takes the attempt one step further.  Returns its result, or nullopt when it
// has none yet.
absl::optional<absl::Status> Advance(Connecting& connecting, bool has_event,
                                     Clock::time_point now) {
  if (has_event) {
    int error = 0;
    socklen_t length = sizeof(error);
    getsockopt(connecting.socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error == 0) return absl::OkStatus();
    connecting.error = FailedToConnect(connecting.attempt->where(), error);
    if (!connecting.TryNext(now)) return connecting.error;
  }
  if (now >= connecting.end) {
    return absl::DeadlineExceededError("no connection in time");
  }
  if (connecting.socket.get() >= 0 && now >= connecting.next_at &&
      !connecting.TryNext(now)) {
    return connecting.error;
  }
  return absl::nullopt;
}

}  // namespace

struct ConnectThread::State : std::enable_shared_from_this<State> {
  struct Order {
    // kResolved is for all attempts that wait for a name.
    enum class Kind { kStart, kResolved, kDrop };
    Kind kind;
    AttemptPtr attempt;  // Null for kResolved.
    // Only for kResolved: the result of resolving the name.
    std::string name;
    absl::StatusOr<std::vector<SocketAddress>> addresses =
        std::vector<SocketAddress>();
  };

  const Descriptor wake{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Mutex mu;
  std::vector<Order> orders ABSL_GUARDED_BY(mu);
  bool stopped ABSL_GUARDED_BY(mu) = false;
  std::thread thread ABSL_GUARDED_BY(mu);
  // Only the thread uses the rest.
  absl::flat_hash_map<Attempt*, Connecting> running;
  // The attempts that wait for the name of an endpoint ("host:port"), which is
  // being resolved or stands in `unresolved`.
  absl::flat_hash_map<std::string, std::vector<AttemptPtr>> waiting;
  std::deque<Endpoint> unresolved;
  size_t lookups = 0;

  void Wake();
  void Loop();
  void Obey(const Order& order);
  void Begin(const AttemptPtr& attempt);
  void Resolve();
  bool StartLookup(const Endpoint& endpoint);
  void OnResolved(const std::string& name,
                  const absl::StatusOr<std::vector<SocketAddress>>& addresses);
  void Connect(Attempt* attempt,
               const absl::StatusOr<std::vector<SocketAddress>>& addresses);
  // Waits for an event, an order or the next time-out, and acts on it.
  void Wait();
  void Finish(Attempt* attempt, const absl::Status& status);
};

void ConnectThread::State::Wake() {
  const uint64_t one = 1;
  // A write can only fail when the thread is about to wake anyway.
  if (write(wake.get(), &one, sizeof(one)) < 0) return;
}

void ConnectThread::State::Finish(Attempt* attempt,
                                  const absl::Status& status) {
  const auto found = running.find(attempt);
  if (found == running.end()) return;
  const AttemptPtr kept = std::move(found->second.attempt);
  running.erase(found);
  kept->OnFinished(status);
}

void ConnectThread::State::Begin(const AttemptPtr& attempt) {
  Attempt* const key = attempt.get();
  Connecting& connecting = running[key];
  connecting.end = Clock::now() + absl::ToChronoNanoseconds(std::min(
                                      attempt->timeout(), kLongestTimeout));
  connecting.attempt = attempt;
  const Endpoint& where = attempt->where();
  const auto addresses = AddressesOf(where, AI_NUMERICHOST);
  if (addresses.ok()) return Connect(key, addresses);
  const auto added = waiting.try_emplace(where.address());
  std::vector<AttemptPtr>& attempts = added.first->second;
  // Others may have ended while their name was being resolved.
  attempts.erase(std::remove_if(attempts.begin(), attempts.end(),
                                [this](const AttemptPtr& other) {
                                  return !running.contains(other.get());
                                }),
                 attempts.end());
  attempts.push_back(attempt);
  if (!added.second) return;
  unresolved.push_back(where);
  Resolve();
}

void ConnectThread::State::Resolve() {
  while (lookups < kMostLookups && !unresolved.empty()) {
    const Endpoint endpoint = std::move(unresolved.front());
    unresolved.pop_front();
    if (StartLookup(endpoint)) {
      ++lookups;
    } else {
      OnResolved(endpoint.address(),
                 absl::UnavailableError(absl::StrCat(
                     "Could not resolve host: ", endpoint.host,
                     ": the process cannot start another thread")));
    }
  }
}

bool ConnectThread::State::StartLookup(const Endpoint& endpoint) {
  try {
    StartProcessThread("mb_probe_name", [self = shared_from_this(), endpoint] {
      Order order{Order::Kind::kResolved, nullptr, endpoint.address(),
                  AddressesOf(endpoint, /*flags=*/0)};
      MutexLock lock(&self->mu);
      self->orders.push_back(std::move(order));
      self->Wake();
    }).detach();
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

void ConnectThread::State::OnResolved(
    const std::string& name,
    const absl::StatusOr<std::vector<SocketAddress>>& addresses) {
  const auto found = waiting.find(name);
  const std::vector<AttemptPtr> attempts = std::move(found->second);
  waiting.erase(found);
  for (const AttemptPtr& attempt : attempts) Connect(attempt.get(), addresses);
}

void ConnectThread::State::Connect(
    Attempt* attempt,
    const absl::StatusOr<std::vector<SocketAddress>>& addresses) {
  const auto found = running.find(attempt);
  if (found == running.end()) return;
  if (!addresses.ok()) return Finish(attempt, addresses.status());
  Connecting& connecting = found->second;
  connecting.addresses = *addresses;
  if (!connecting.TryNext(Clock::now())) Finish(attempt, connecting.error);
}

void ConnectThread::State::Obey(const Order& order) {
  switch (order.kind) {
    case Order::Kind::kStart:
      return Begin(order.attempt);
    case Order::Kind::kResolved:
      --lookups;
      OnResolved(order.name, order.addresses);
      return Resolve();
    case Order::Kind::kDrop:
      running.erase(order.attempt.get());
  }
}

void ConnectThread::State::Wait() {
  std::vector<pollfd> polled = {{wake.get(), POLLIN, 0}};
  std::vector<Attempt*> attempts;
  Clock::time_point first = Clock::time_point::max();
  for (const auto& entry : running) {
    const Connecting& connecting = entry.second;
    const int fd = connecting.socket.get();
    // While the name is being resolved this is -1, which poll() ignores.
    polled.push_back({fd, POLLOUT, 0});
    attempts.push_back(entry.first);
    first = std::min(first, fd < 0 ? connecting.end : connecting.next_at);
  }
  absl::Duration wait = running.empty()
                            ? absl::InfiniteDuration()
                            : absl::FromChrono(first - Clock::now());
  if (wake.get() < 0) wait = std::min(wait, kUnwokenWait);
  const timespec timeout =
      absl::ToTimespec(std::max(wait, absl::ZeroDuration()));
  ppoll(polled.data(), polled.size(),
        wait == absl::InfiniteDuration() ? nullptr : &timeout,
        /*sigmask=*/nullptr);
  uint64_t wakes = 0;
  if (read(wake.get(), &wakes, sizeof(wakes)) < 0) wakes = 0;
  const Clock::time_point now = Clock::now();
  for (size_t i = 0; i < attempts.size(); ++i) {
    const auto ended =
        Advance(running[attempts[i]], polled[i + 1].revents != 0, now);
    if (ended.has_value()) Finish(attempts[i], *ended);
  }
}

void ConnectThread::State::Loop() {
  while (true) {
    std::vector<Order> taken;
    {
      MutexLock lock(&mu);
      if (stopped) break;
      taken.swap(orders);
    }
    for (const Order& order : taken) Obey(order);
    Wait();
  }
  running.clear();
}

std::shared_ptr<ConnectThread> ConnectThread::Shared() {
  static auto& shared = *new ProcessWide<ConnectThread>;
  return shared.Get(
      [] { return std::shared_ptr<ConnectThread>(new ConnectThread); });
}

ConnectThread::ConnectThread() : state_(std::make_shared<State>()) {}

ConnectThread::~ConnectThread() {
  std::thread thread;
  {
    MutexLock lock(&state_->mu);
    state_->stopped = true;
    thread = std::move(state_->thread);
  }
  state_->Wake();
  EndProcessThread(std::move(thread));
}

void ConnectThread::Start(std::shared_ptr<Attempt> attempt) {
  MutexLock lock(&state_->mu);
  state_->orders.push_back(
      {State::Order::Kind::kStart, std::move(attempt), ""});
  if (state_->thread.joinable()) {
    state_->Wake();
    return;
  }
  state_->thread =
      StartProcessThread("mb_probe_tcp", [state = state_] { state->Loop(); });
}

void ConnectThread::Drop(const std::shared_ptr<Attempt>& attempt) {
  MutexLock lock(&state_->mu);
  state_->orders.push_back({State::Order::Kind::kDrop, attempt, ""});
  state_->Wake();
}

}  // namespace multi_backend
