#include "multi_backend/tests/testing/probed_server.h"

#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"

namespace multi_backend {
namespace {

constexpr absl::string_view kCheck = "/grpc.health.v1.Health/Check";

// A serialized HealthCheckResponse, whose only field is the status.
grpc::ByteBuffer HealthResponse(bool serving) {
  const char bytes[] = {0x08, static_cast<char>(serving ? 1 : 2)};
  const grpc::Slice slice(bytes, sizeof(bytes));
  return grpc::ByteBuffer(&slice, 1);
}

std::string Text(grpc::string_ref text) {
  return std::string(text.data(), text.size());
}

}  // namespace

// Handles one call: reads the request, answers, and ends.
class ProbedServer::Reactor final : public grpc::ServerGenericBidiReactor {
 public:
  Reactor(ProbedServer::Answer answer, bool is_check) : answer_(answer) {
    if (is_check && answer != Answer::kUnimplemented) {
      response_ = HealthResponse(answer == Answer::kServing);
    } else {
      const grpc::Slice empty;
      response_ = grpc::ByteBuffer(&empty, 1);
    }
    StartRead(&request_);
  }

  void OnReadDone(bool) override {
    if (answer_ == Answer::kUnimplemented) {
      Finish(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, ""));
      return;
    }
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void OnDone() override { delete this; }

 private:
  const Answer answer_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

class ProbedServer::Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(ProbedServer* server) : server_(server) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    const Answer answer = server_->OnCall(*context);
    return new Reactor(answer, context->method() == kCheck);
  }

 private:
  ProbedServer* const server_;
};

ProbedServer::ProbedServer(
    Answers answers, const std::shared_ptr<grpc::ServerCredentials>& creds)
    : answers_(std::move(answers)), service_(std::make_unique<Service>(this)) {
  // Otherwise gRPC's own health service answers.
  grpc::EnableDefaultHealthCheckService(false);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", creds, &port);
  builder.RegisterCallbackGenericService(service_.get());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    std::cerr << "cannot listen" << std::endl;
    abort();
  }
  address_ = absl::StrCat("127.0.0.1:", port);
}

ProbedServer::~ProbedServer() {
  server_->Shutdown(absl::ToChronoTime(absl::Now()));
}

ProbedServer::Answer ProbedServer::OnCall(
    grpc::GenericCallbackServerContext& context) {
  Seen seen;
  seen.method = context.method();
  seen.peer = context.peer();
  seen.at = absl::Now();
  for (const auto& entry : context.client_metadata()) {
    seen.metadata.emplace_back(Text(entry.first), Text(entry.second));
  }
  const bool is_check = seen.method == kCheck;
  MutexLock lock(&mutex_);
  seen_.push_back(std::move(seen));
  return is_check ? answers_(check_count_++) : Answer::kServing;
}

std::vector<ProbedServer::Seen> ProbedServer::Select(bool checks) const {
  std::vector<Seen> selected;
  MutexLock lock(&mutex_);
  for (const Seen& seen : seen_) {
    if ((seen.method == kCheck) == checks) selected.push_back(seen);
  }
  return selected;
}

}  // namespace multi_backend
