// Links all components side by side and uses each of them.  Prints the names of
// those that do not work.
#include <grpcpp/grpcpp.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"
#include "multi_backend/probes.h"
#include "multi_backend/sources.h"

int main() {
  int failed = 0;
  const auto check = [&failed](const char* component, bool works) {
    if (works) return;
    std::cout << component << "\n";
    ++failed;
  };
  check("core", multi_backend::Register().ok());
  check("dns", multi_backend::RegisterDns().ok());
  check("zookeeper", multi_backend::RegisterZookeeper().ok());
  check("etcd", multi_backend::RegisterEtcd().ok());
  check("http_probe", multi_backend::RegisterHttpProbe().ok());

  const auto metrics = multi_backend::Metrics::Create();
  check("metrics", !multi_backend::PrometheusText(metrics->Collect()).empty());
  check("prometheus", multi_backend::MakeCollectable(metrics) != nullptr);
  const auto monitor = multi_backend::Monitor::Create();
  check("admin_service", multi_backend::MakeAdminService(monitor) != nullptr);
  multi_backend::StatusOptions options;
  options.monitor = monitor;
  check("status_server", multi_backend::ServeStatus(std::move(options)).ok());
  return failed == 0 ? 0 : 1;
}
