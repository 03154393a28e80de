#include "multi_backend/lb_policy/grpc/policy_mailbox.h"

#include <memory>

#include "gtest/gtest.h"
#include "multi_backend/lb_policy/grpc/testing/virtual_time.h"

namespace multi_backend {
namespace {

class NoReceiver final : public PolicyMailbox::Receiver {
 public:
  void OnRequestsLocked(uint32_t) override { ADD_FAILURE() << "stopped"; }
  std::shared_ptr<grpc_core::WorkSerializer> Serializer() override {
    ADD_FAILURE() << "stopped";
    return nullptr;
  }
  grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy> KeepAlive()
      override {
    ADD_FAILURE() << "stopped";
    return nullptr;
  }
};

// A probe may raise while its channel ends, and with the channel its engine.
TEST(PolicyMailboxTest, AThreadThatRaisesAfterStopDoesNotUseTheEngine) {
  VirtualTime time;
  NoReceiver receiver;
  auto mailbox = std::make_shared<PolicyMailbox>(&receiver);
  mailbox->SetEngine(time.engine()->shared_from_this());
  mailbox->Stop();
  time.Close();  // From here on, any use of the engine fails the test.
  time.RunOutsideCore([&]() { mailbox->Raise(PolicyMailbox::kReplan); });
}

TEST(PolicyMailboxTest, WhatWasRaisedBeforeStopIsNotDelivered) {
  VirtualTime time;
  NoReceiver receiver;
  auto mailbox = std::make_shared<PolicyMailbox>(&receiver);
  mailbox->SetEngine(time.engine()->shared_from_this());
  time.RunOutsideCore([&]() {
    mailbox->Raise(PolicyMailbox::kReplan);
    mailbox->Stop();
  });
}

}  // namespace
}  // namespace multi_backend
