// The best settings that gRPC's own channels have for backends that fail, for
// the peers of a bench.
#ifndef MULTI_BACKEND_BENCH_CALLS_STOCK_SETTINGS_H_
#define MULTI_BACKEND_BENCH_CALLS_STOCK_SETTINGS_H_

#include <grpcpp/grpcpp.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// A service config with the LB policy `policy` and with retries.
inline std::string StockConfig(absl::string_view policy) {
  return absl::StrCat(R"({"loadBalancingConfig":[)", policy,
                      R"(],"methodConfig":[{"name":[{}],"retryPolicy":{
      "maxAttempts":3,"initialBackoff":"0.01s","maxBackoff":"0.1s",
      "backoffMultiplier":2,"retryableStatusCodes":["UNAVAILABLE"]}}]})");
}

// Peers and this library try to reconnect to a lost backend equally often.
inline void SetReconnectBackoff(grpc::ChannelArguments& args) {
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
}

// Pings find a backend that hangs.
inline void SetKeepalive(grpc::ChannelArguments& args) {
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 500);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 500);
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_CALLS_STOCK_SETTINGS_H_
