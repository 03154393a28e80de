// GrpcLog: catches what is written to gRPC's log in this process.
//
// One of these at a time.  Thread-safe.
#ifndef MULTI_BACKEND_TESTS_TESTING_GRPC_LOG_H_
#define MULTI_BACKEND_TESTS_TESTING_GRPC_LOG_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "multi_backend/port/log.h"

namespace multi_backend {

class GrpcLog {
 public:
  struct Line {
    LogSeverity severity;
    std::string text;
  };

  // Catches lines of every severity that contain `part`.
  explicit GrpcLog(absl::string_view part = "");
  // Restores the default.
  ~GrpcLog();

  std::vector<Line> lines() const;
  // The same without severities.
  std::vector<std::string> texts() const;

  // What gRPC makes of a warning: gRPC 1.51 has no such severity.
  static LogSeverity SeverityOfWarnings();

 private:
  class Sink;

  const std::unique_ptr<Sink> sink_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_GRPC_LOG_H_
