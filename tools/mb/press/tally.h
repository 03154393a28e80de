// PressTally: counts the calls of a load by backend.
#ifndef MULTI_BACKEND_TOOLS_MB_PRESS_TALLY_H_
#define MULTI_BACKEND_TOOLS_MB_PRESS_TALLY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/tools/mb/output/report.pb.h"

namespace multi_backend {
namespace mb {

// Durations in buckets, each 5 % longer than the one before, from 1 us to about
// 5 minutes.  Longer ones count as that.  Thread-compatible.
class PressHistogram {
 public:
  void Add(absl::Duration latency);
  void Merge(const PressHistogram& other);
  // The upper end of the bucket with the `quantile` of the values, 0 to 1; zero
  // without values.
  absl::Duration Quantile(double quantile) const;

 private:
  static constexpr size_t kBuckets = 400;

  std::array<uint32_t, kBuckets> counts_{};
  uint64_t total_ = 0;
};

// Memory: 2 KB for each backend.  Thread-compatible.
class PressTally {
 public:
  // `backend`: "ip:port", or "" for a call that reached none.
  void Add(const std::string& backend, absl::StatusCode status,
           absl::Duration latency);
  void Merge(const PressTally& other);

  // `seconds` and `total` are for the report.
  v1::PressReport Report(double seconds, bool total) const;

 private:
  struct Row {
    uint64_t calls = 0;
    uint64_t failed = 0;
    PressHistogram latencies;
  };

  std::map<std::string, Row> rows_;
  std::map<std::string, uint64_t> statuses_;
};

// A line with the sums and a table of the backends.  Printable.
std::string FormatReport(const v1::PressReport& report);

// "127.0.0.1:80" of the peer "ipv4:127.0.0.1:80", "[::1]:80" of
// "ipv6:%5B::1%5D:80".  "" for the peer of a call without a connection, which
// is the channel's target in gRPC.
std::string BackendOfPeer(absl::string_view peer);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_PRESS_TALLY_H_
