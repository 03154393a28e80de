// What does one resolver update cost the policy, and how many pickers does it
// publish, against stock round_robin in the same process?
//
// "unchanged": the same list again.  "1 % churn": every hundredth endpoint is
// replaced by a new one.  Ours and the peer run in turns; the best of each
// counts.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multi_backend/bench/floor_table.h"
#include "multi_backend/lb_policy/grpc/testing/policy_driver.h"
#include "multi_backend/lb_policy/grpc/testing/ready_channel.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/port/core.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;

struct Cost {
  double milliseconds = std::numeric_limits<double>::max();
  size_t pickers = 0;  // Of one update.

  void Merge(const Cost& other) {
    milliseconds = std::min(milliseconds, other.milliseconds);
    pickers = std::max(pickers, other.pickers);
  }
};

Cost TimeUpdate(ReadyChannel& channel, const core::AddressList& addresses) {
  const size_t before = channel.pickers_made();
  const auto start = std::chrono::steady_clock::now();
  channel.Update(addresses);
  const std::chrono::duration<double, std::milli> spent =
      std::chrono::steady_clock::now() - start;
  return {spent.count(), channel.pickers_made() - before};
}

// The list of `generation`: each one differs from the one before in one
// endpoint of a hundred.
core::AddressList Churned(size_t n, size_t generation) {
  core::AddressList list = PolicyDriver::Addresses(n);
  const core::AddressList fresh =
      PolicyDriver::Addresses(n / 100, n + generation * (n / 100));
  for (size_t i = 0; i < fresh.size(); ++i) list[i * 100] = fresh[i];
  return list;
}

struct Subject {
  explicit Subject(absl::string_view config) : channel(config, ChannelArgs()) {}
  ReadyChannel channel;
  Cost unchanged;
  Cost churn;

  void Turn(size_t n, size_t generation) {
    const core::AddressList list = Churned(n, 2 * generation);
    channel.Update(list);
    channel.OpenRest();
    unchanged.Merge(TimeUpdate(channel, list));
    churn.Merge(TimeUpdate(channel, Churned(n, 2 * generation + 1)));
    channel.OpenRest();
  }
};

int Run(const BenchFlags& flags) {
  FloorTable table("update", "milliseconds");
  bool pickers_wrong = false;
  for (size_t n : flags.smoke ? std::vector<size_t>{100}
                              : std::vector<size_t>{100, 1000, 10000}) {
    Subject ours(R"([{"multi_backend":{}}])");
    Subject stock(R"([{"round_robin":{}}])");
    for (size_t turn = 0; turn < (flags.smoke ? 2u : 5u); ++turn) {
      ours.Turn(n, turn);
      stock.Turn(n, turn);
    }
    const bool judged = n == 10000;
    table.Add({"unchanged list", absl::StrCat(n), ours.unchanged.milliseconds,
               stock.unchanged.milliseconds,
               judged ? absl::optional<double>(0.02) : absl::nullopt});
    table.Add({"1 % churn", absl::StrCat(n), ours.churn.milliseconds,
               stock.churn.milliseconds,
               judged ? absl::optional<double>(0.04) : absl::nullopt});
    std::printf(
        "  pickers at %zu: unchanged %zu (stock %zu), churn %zu (stock "
        "%zu)\n",
        n, ours.unchanged.pickers, stock.unchanged.pickers, ours.churn.pickers,
        stock.churn.pickers);
    pickers_wrong |= ours.unchanged.pickers != 0 || ours.churn.pickers != 1;
  }
  if (flags.check && pickers_wrong) {
    std::fprintf(stderr,
                 "update: an unchanged list must publish no picker, "
                 "and a changed one exactly one\n");
    return 1;
  }
  return table.ExitCode(flags);
}

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  if (!multi_backend::Register().ok()) return 1;
  grpc_init();
  const int code =
      multi_backend::Run(multi_backend::BenchFlags::Parse(argc, argv));
  grpc_shutdown();
  return code;
}
