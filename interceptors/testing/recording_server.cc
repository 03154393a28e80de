#include "multi_backend/interceptors/testing/recording_server.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/byte_buffer.h"

namespace multi_backend {
namespace testing {

// Reads all requests, then answers with the first of them and ends the call.
class RecordingServer::Call final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Call(grpc::Status status) : status_(std::move(status)) {
    StartRead(&next_);
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      if (!has_first_) first_ = next_;
      has_first_ = true;
      StartRead(&next_);
      return;
    }
    if (has_first_ && status_.ok()) {
      StartWriteAndFinish(&first_, grpc::WriteOptions(), status_);
    } else {
      Finish(status_);
    }
  }

  void OnDone() override { delete this; }

 private:
  const grpc::Status status_;
  bool has_first_ = false;
  grpc::ByteBuffer first_;
  grpc::ByteBuffer next_;
};

class RecordingServer::Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(RecordingServer* owner) : owner_(owner) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    ReceivedMetadata metadata;
    for (const auto& entry : context->client_metadata()) {
      metadata.emplace(std::string(entry.first.data(), entry.first.size()),
                       std::string(entry.second.data(), entry.second.size()));
    }
    absl::MutexLock lock(&owner_->mu_);
    owner_->calls_.push_back(std::move(metadata));
    return new Call(owner_->status_);
  }

 private:
  RecordingServer* const owner_;
};

RecordingServer::RecordingServer() : service_(std::make_unique<Service>(this)) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterCallbackGenericService(service_.get());
  server_ = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port);
}

RecordingServer::~RecordingServer() {
  server_->Shutdown(std::chrono::system_clock::now());
}

std::vector<ReceivedMetadata> RecordingServer::TakeCalls() {
  absl::MutexLock lock(&mu_);
  return std::exchange(calls_, {});
}

void RecordingServer::SetStatus(const grpc::Status& status) {
  absl::MutexLock lock(&mu_);
  status_ = status;
}

}  // namespace testing
}  // namespace multi_backend
