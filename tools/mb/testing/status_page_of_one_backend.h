// StatusPageOfOneBackend: the fixture of tests against a status page, whose
// application has one channel with one backend.
#ifndef MULTI_BACKEND_TOOLS_MB_TESTING_STATUS_PAGE_OF_ONE_BACKEND_H_
#define MULTI_BACKEND_TOOLS_MB_TESTING_STATUS_PAGE_OF_ONE_BACKEND_H_

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/observability/admin/http/status_server.h"
#include "multi_backend/observability/admin/monitor.h"
#include "multi_backend/observability/testing/fixed_channel.h"

namespace multi_backend {
namespace mb {
namespace testing {

class StatusPageOfOneBackend : public ::testing::Test {
 protected:
  StatusPageOfOneBackend() {
    status_.target = "static:///10.0.0.1:1";
    status_.state = "READY";
    status_.backends.emplace_back();
    status_.backends[0].address = "10.0.0.1:1";
    status_.backends[0].name = "10.0.0.1:1";
    status_.backends[0].state = "ALIVE";
    // The pool knows the backend as long as it has the mark.
    pool_->MarkUnhealthy("10.0.0.1:1", "for a test");
    channel_ = std::make_shared<FixedChannel>(status_, pool_);
    monitor_->OnChannel(channel_);
  }

  void Serve(bool enable_actions, const std::string& token = "") {
    StatusOptions options;
    options.monitor = monitor_;
    options.enable_actions = enable_actions;
    options.token = token;
    auto server = ServeStatus(std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  ChannelStatus status_;
  const std::shared_ptr<BackendPool> pool_ = BackendPool::Create();
  std::shared_ptr<FixedChannel> channel_;  // Says `status_`.
  const std::shared_ptr<Monitor> monitor_ = Monitor::Create();
  std::unique_ptr<StatusServer> server_;
};

}  // namespace testing
}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_TESTING_STATUS_PAGE_OF_ONE_BACKEND_H_
