// HostQueue: when to resolve which of many host names.
//
//   HostQueue queue(options);
//   queue.Add("a.example:80", now);
//   while (auto host = queue.TakeNext(now)) { … begin to resolve *host … }
//   queue.OnAnswer("a.example:80", /*ok=*/true, now, unit);
//   … look again at queue.next_due() …
//
// Each resolution takes a socket or a thread, so a discovered list of thousands
// of names must not begin them all at once.  Hosts are resolved in the order in
// which they became due.
//
// After an answer a host rests until Refresh(), after an error for a backoff.
//
// Cost: O(log n) for each function, and O(n log n) for a Refresh() after n
// answers.  Pure; thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_SOURCE_HOST_QUEUE_H_
#define MULTI_BACKEND_RESOLVER_SOURCE_HOST_QUEUE_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/resolver/source/backoff.h"

namespace multi_backend {

class HostQueue {
 public:
  struct Options {
    size_t most_at_once = 32;
    // A host is not resolved again within this time.
    absl::Duration min_interval = absl::Seconds(30);
    BackoffOptions backoff = {absl::Seconds(1), absl::Minutes(2), 0.2};
  };
  explicit HostQueue(Options options) : options_(options) {}

  // Makes a new host due.  Does nothing for a known one.
  void Add(const std::string& host, absl::Time now);
  // Forgets the host, also one that is being resolved.
  void Remove(const std::string& host);

  // The next host to resolve, which counts as being resolved until OnAnswer().
  // nullopt: none is due, or enough are being resolved.
  absl::optional<std::string> TakeNext(absl::Time now);
  // `ok`: the host has addresses.  `unit`: a random number of [0, 1].
  void OnAnswer(const std::string& host, bool ok, absl::Time now, double unit);

  // Makes the hosts that rest after an answer due, at the earliest
  // `min_interval` after they were resolved.
  void Refresh(absl::Time now);
  // Makes the hosts that wait for a backoff due.
  void ResetBackoff(absl::Time now);

  // When TakeNext() may have a host.  InfiniteFuture: not before a call of
  // another function.
  absl::Time next_due() const;

 private:
  struct Host {
    explicit Host(const BackoffOptions& options) : backoff(options) {}
    Backoff backoff;
    bool running = false;
    bool failed = false;  // The newest answer was an error.
    absl::Time started;
    // A time for which it is in `due_`; InfiniteFuture = it is not.
    absl::Time due = absl::InfiniteFuture();
  };

  void SetDue(const std::string& host, Host& state, absl::Time due);

  const Options options_;
  std::map<std::string, Host> hosts_;
  std::set<std::pair<absl::Time, std::string>> due_;
  std::set<std::string> resting_;
  size_t running_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_SOURCE_HOST_QUEUE_H_
