// The best settings that gRPC's own channels have, for what is compared with
// them.
#ifndef MULTI_BACKEND_TESTS_TESTING_STOCK_SETTINGS_H_
#define MULTI_BACKEND_TESTS_TESTING_STOCK_SETTINGS_H_

#include <grpcpp/grpcpp.h>
#include <stdlib.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// A service config with the LB policy `policy` and with retries.  `more` are
// further members.
inline std::string StockConfig(absl::string_view policy,
                               absl::string_view more = "") {
  return absl::StrCat(R"({"loadBalancingConfig":[)", policy,
                      R"(],"methodConfig":[{"name":[{}],"retryPolicy":{
      "maxAttempts":3,"initialBackoff":"0.01s","maxBackoff":"0.1s",
      "backoffMultiplier":2,"retryableStatusCodes":["UNAVAILABLE"]}}])",
                      more.empty() ? "" : ",", more, "}");
}

// The member of a service config with which core opens up to `connections` to
// one backend when the server allows no more streams (gRFC A105).  gRPC 1.51
// ignores it, and later releases do so without EnableConnectionScaling().
inline std::string ConnectionScaling(int connections) {
  return absl::StrCat(R"("connectionScaling":{"maxConnectionsPerSubchannel":)",
                      connections, "}");
}

// Call it before the process makes a channel.
inline void EnableConnectionScaling() {
  setenv("GRPC_EXPERIMENTAL_MAX_CONCURRENT_STREAMS_CONNECTION_SCALING", "true",
         /*overwrite=*/1);
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

#endif  // MULTI_BACKEND_TESTS_TESTING_STOCK_SETTINGS_H_
