#include "multi_backend/interceptors/route_use.h"

#include <string>

#include "gtest/gtest.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class RouteUsePeer {
 public:
  static Mutex& mutex(RouteUse& use) { return use.mutex_; }
};

namespace {

TEST(RouteUseTest, CountsAndCutsTheMethod) {
  RouteUse use;
  EXPECT_EQ(use.last_method(), "");
  use.Count("/p.S/A", 1);
  use.Count(std::string(1000, 'x'), 2);
  EXPECT_EQ(use.matches(), 2u);
  EXPECT_EQ(use.last_method(), std::string(RouteUse::kMaxMethodBytes, 'x'));
}

TEST(RouteUseTest, ACallDoesNotWaitForAReader) {
  RouteUse use;
  use.Count("/p.S/A", 1);
  Mutex& mutex = RouteUsePeer::mutex(use);
  mutex.Lock();
  use.Count("/p.S/B", 2);
  mutex.Unlock();
  EXPECT_EQ(use.matches(), 2u);
  EXPECT_EQ(use.last_method(), "/p.S/A");
  use.Count("/p.S/B", 2);
  EXPECT_EQ(use.last_method(), "/p.S/B");
}

}  // namespace
}  // namespace multi_backend
