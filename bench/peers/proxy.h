// Proxy: HAProxy or nginx as an HTTP/2 proxy before backends, as a child
// process on loopback with a configuration of ours, unprivileged.
//
//   if (Proxy::Installed(Proxy::Kind::kHaproxy)) {
//     auto proxy = Proxy::Start(Proxy::Kind::kHaproxy, options);  // StatusOr
//     … calls to (*proxy)->address() …
//
// The settings are the best that its documentation has for gRPC: HTTP/2 on both
// sides, connections kept open, no access log, buffers that hold the requests.
// nginx runs without its master, as one process, so that its CPU is counted and
// it ends with this object.
//
// Every wait is bounded.  Not thread-safe.
#ifndef MULTI_BACKEND_BENCH_PEERS_PROXY_H_
#define MULTI_BACKEND_BENCH_PEERS_PROXY_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/tests/testing/store_process.h"

namespace multi_backend {

class Proxy {
 public:
  enum class Kind { kHaproxy, kNginx };

  struct Options {
    std::vector<std::string> backends;
    // They get calls when all of `backends` are down.
    std::vector<std::string> spares;
    bool least_busy = false;  // The backend with the fewest calls is next.
    // Finds backends that fail: checks, retries on another backend, and an
    // answer within 0.1 s or the backend has failed.
    bool faults = false;
  };

  static bool Installed(Kind kind);
  static absl::string_view Name(Kind kind);
  static absl::string_view HowToInstall(Kind kind);
  // "HAProxy version 2.6.12-1 …", as the program says it.
  static std::string Version(Kind kind);

  // Returns when the proxy listens.
  static absl::StatusOr<std::unique_ptr<Proxy>> Start(Kind kind,
                                                      const Options& options);
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  std::string address() const { return process_->address(); }
  absl::Duration ProcessorTime() const;

 private:
  explicit Proxy(std::unique_ptr<StoreProcess> process)
      : process_(std::move(process)) {}
  absl::Status Launch(Kind kind, const Options& options);

  const std::unique_ptr<StoreProcess> process_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PEERS_PROXY_H_
