// PrometheusServer: a real Prometheus as a child process on the loopback
// interface, which scrapes one address every 250 ms.
//
//   MB_REQUIRE_PACKAGE(PrometheusServer::Installed(),
//                      PrometheusServer::kHowToInstall);
//   auto server = PrometheusServer::Start("127.0.0.1:9464");  // StatusOr
//   auto samples = (*server)->Query("rate(calls_total[5s])");
//
// Every wait is bounded.  The child dies with this object, and with the thread
// that started it.  Threads: only the one that started it.
#ifndef MULTI_BACKEND_TESTS_TESTING_PROMETHEUS_SERVER_H_
#define MULTI_BACKEND_TESTS_TESTING_PROMETHEUS_SERVER_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/tests/testing/required_package.h"
#include "multi_backend/tests/testing/store_process.h"

namespace multi_backend {

class PrometheusServer {
 public:
  struct Sample {
    std::map<std::string, std::string> labels;
    double value = 0;
  };
  using Samples = std::vector<Sample>;

  static constexpr char kHowToInstall[] =
      "Prometheus is not installed (package prometheus): run tools/setup "
      "--tests";
  static bool Installed();

  // Returns when the server answers queries.
  static absl::StatusOr<std::unique_ptr<PrometheusServer>> Start(
      absl::string_view scraped_address);
  PrometheusServer(const PrometheusServer&) = delete;
  PrometheusServer& operator=(const PrometheusServer&) = delete;

  // The result of an instant query, which is a vector.
  absl::StatusOr<Samples> Query(absl::string_view expression);

  // Asks until `enough` is true of the result, which it returns.
  absl::StatusOr<Samples> Await(absl::string_view expression,
                                absl::FunctionRef<bool(const Samples&)> enough);

 private:
  explicit PrometheusServer(std::unique_ptr<StoreProcess> process)
      : process_(std::move(process)) {}
  absl::Status Launch(absl::string_view scraped_address);
  // The body of an answer with the code 200.
  absl::StatusOr<std::string> Get(absl::string_view path_and_query);

  const std::unique_ptr<StoreProcess> process_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_PROMETHEUS_SERVER_H_
