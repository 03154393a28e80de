// The code of docs/pool.md.
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/examples/snippets/snippets.h"
#include "multi_backend/multi_backend.h"

namespace snippets {

absl::StatusOr<WatchedChannels> CreateWatchedChannel(const std::string& target,
                                                     const Credentials& creds) {
  // [pool_channel]
  auto pool = multi_backend::BackendPool::Create();
  multi_backend::ChannelOptions options;
  options.pool = pool;
  auto channel =
      multi_backend::CreateChannel(target, creds, std::move(options));
  if (!channel.ok()) return channel.status();
  // [/pool_channel]
  return WatchedChannels{pool, {*channel}};
}

absl::StatusOr<WatchedChannels> CreateSharingChannels(
    const std::string& target, const Credentials& creds,
    const std::string& reads_json, const std::string& writes_json) {
  // [pool_shared]
  auto pool = multi_backend::BackendPool::Create();
  multi_backend::ChannelOptions reads_options;
  reads_options.service_config_json = reads_json;
  reads_options.pool = pool;
  multi_backend::ChannelOptions writes_options;
  writes_options.service_config_json = writes_json;
  writes_options.pool = pool;
  auto reads =
      multi_backend::CreateChannel(target, creds, std::move(reads_options));
  auto writes =
      multi_backend::CreateChannel(target, creds, std::move(writes_options));
  // [/pool_shared]
  if (!reads.ok()) return reads.status();
  if (!writes.ok()) return writes.status();
  return WatchedChannels{pool, {*reads, *writes}};
}

// [pool_snapshots]
void PrintBackends(const multi_backend::BackendPool& pool, std::ostream& out) {
  for (const multi_backend::BackendSnapshot& backend : pool.GetAllBackends()) {
    out << backend.address << " " << multi_backend::StateName(backend.state);
    if (!backend.reason.empty()) {
      out << " since " << backend.since << ": " << backend.reason;
    }
    out << " (" << backend.in_flight << " in flight, " << backend.failures
        << " of " << backend.calls << " failed)\n";
  }
}
// [/pool_snapshots]

// [pool_take_out]
// Returns true when no call of these channels runs on the backend any more.
bool TakeOut(multi_backend::BackendPool& pool, absl::string_view address,
             absl::Duration timeout) {
  const auto is_idle = [&] {
    for (const multi_backend::BackendSnapshot& backend :
         pool.GetAllBackends()) {
      if (backend.address == address && backend.in_flight > 0) return false;
    }
    return true;
  };
  pool.MarkUnhealthy(address, "maintenance");
  const absl::Time deadline = absl::Now() + timeout;
  while (!is_idle()) {
    if (absl::Now() >= deadline) return false;
    absl::SleepFor(absl::Milliseconds(20));
  }
  return true;
}
// [/pool_take_out]

void BringBack(multi_backend::BackendPool& pool, absl::string_view address) {
  // [pool_bring_back]
  pool.MarkHealthy(address, "maintenance is over");
  // [/pool_bring_back]
}

// [pool_events]
// Prints the events after number `seen` and returns the newest number.
uint64_t PrintNewEvents(const multi_backend::BackendPool& pool, uint64_t seen,
                        std::ostream& out) {
  for (const multi_backend::PoolEvent& event : pool.GetEvents(seen)) {
    if (event.sequence != seen + 1) {
      out << event.sequence - seen - 1 << " events are lost\n";
    }
    out << event.time << " " << event.ToString() << "\n";
    seen = event.sequence;
  }
  return seen;
}
// [/pool_events]

}  // namespace snippets
