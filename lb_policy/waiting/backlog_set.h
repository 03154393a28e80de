// BacklogSet: the backlogs of one channel, keyed by the path of their balancer.
//
// A backlog lives as long as the set, because a waiting call may outlive the
// plan and the policy under which it began to wait.
//
// Thread-safe.
#ifndef MULTI_BACKEND_LB_POLICY_WAITING_BACKLOG_SET_H_
#define MULTI_BACKEND_LB_POLICY_WAITING_BACKLOG_SET_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "multi_backend/lb_policy/waiting/backlog.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class BacklogSet {
 public:
  // Returns the backlog of the balancer at `path`, and makes it if there is
  // none.  `config` applies from now on.  The pointer is valid as long as the
  // set.
  Backlog* Get(const std::string& path, const BacklogConfig& config) {
    MutexLock lock(&mutex_);
    std::unique_ptr<Backlog>& backlog = backlogs_[path];
    if (backlog == nullptr) {
      backlog = std::make_unique<Backlog>(config);
    } else {
      backlog->SetConfig(config);
    }
    return backlog.get();
  }

 private:
  Mutex mutex_;
  std::map<std::string, std::unique_ptr<Backlog>> backlogs_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_WAITING_BACKLOG_SET_H_
