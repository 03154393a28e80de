// Uses a fake etcd, for answers that a real one gives too seldom or never.
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/method_handler.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/grpc/etcd/endpoint_group.h"
#include "multi_backend/resolver/grpc/etcd/etcd.pb.h"
#include "multi_backend/tests/testing/group_recorder.h"
#include "multi_backend/tests/testing/hostile_server.h"
#include "multi_backend/tests/testing/hostilities.h"

namespace multi_backend {
namespace {

using etcd::AuthenticateRequest;
using etcd::AuthenticateResponse;
using etcd::RangeRequest;
using etcd::RangeResponse;
using etcd::WatchRequest;
using etcd::WatchResponse;
using WatchStream = grpc::ServerReaderWriter<WatchResponse, WatchRequest>;

// What the server answers.  `call` counts the calls from 0.
struct Script {
  std::function<grpc::Status(int call, const RangeRequest&, RangeResponse*)>
      range;
  // The stream ends when this function returns.
  std::function<void(int call, const WatchRequest&, WatchStream*)> watch;
  std::string token = "token";
};

// Registers its methods as generated code does.  etcd.proto says why it has no
// services.
class FakeEtcd : public grpc::Service {
 public:
  explicit FakeEtcd(Script script) : script_(std::move(script)) {
    AddUnary<RangeRequest, RangeResponse>(
        "/etcdserverpb.KV/Range",
        [](FakeEtcd* self, grpc::ServerContext*, const RangeRequest* request,
           RangeResponse* response) {
          return self->script_.range(self->Next(self->ranges_), *request,
                                     response);
        });
    AddUnary<AuthenticateRequest, AuthenticateResponse>(
        "/etcdserverpb.Auth/Authenticate",
        [](FakeEtcd* self, grpc::ServerContext*, const AuthenticateRequest*,
           AuthenticateResponse* response) {
          response->set_token(self->script_.token);
          return grpc::Status::OK;
        });
    AddMethod(new grpc::internal::RpcServiceMethod(
        "/etcdserverpb.Watch/Watch", grpc::internal::RpcMethod::BIDI_STREAMING,
        new grpc::internal::BidiStreamingHandler<FakeEtcd, WatchRequest,
                                                 WatchResponse>(
            [](FakeEtcd* self, grpc::ServerContext*, WatchStream* stream) {
              WatchRequest request;
              if (stream->Read(&request)) {
                self->script_.watch(self->Next(self->watches_), request,
                                    stream);
              }
              return grpc::Status::OK;
            },
            this)));
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeEtcd() override { server_->Shutdown(std::chrono::system_clock::now()); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  template <typename Request, typename Response, typename Function>
  void AddUnary(const char* method, Function function) {
    AddMethod(new grpc::internal::RpcServiceMethod(
        method, grpc::internal::RpcMethod::NORMAL_RPC,
        new grpc::internal::RpcMethodHandler<FakeEtcd, Request, Response>(
            function, this)));
  }

  int Next(int& count) {
    std::lock_guard<std::mutex> lock(mu_);
    return count++;
  }

  const Script script_;
  int port_ = 0;
  std::mutex mu_;
  int ranges_ = 0;
  int watches_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

void AddEntry(RangeResponse* response, const std::string& key,
              const std::string& value) {
  auto* const entry = response->add_kvs();
  entry->set_key(key);
  entry->set_value(value);
}

// Answers with one endpoint, "10.0.0.<call + 1>:1".
grpc::Status OneEndpoint(int call, const RangeRequest&,
                         RangeResponse* response) {
  response->mutable_header()->set_revision(10 + call);
  response->set_count(1);
  AddEntry(response, "/u/a", absl::StrCat("10.0.0.", call + 1, ":1"));
  return grpc::Status::OK;
}

void SendCreated(WatchStream* stream) {
  WatchResponse created;
  created.set_created(true);
  stream->Write(created);
}

void AwaitEnd(WatchStream* stream) {
  WatchRequest request;
  while (stream->Read(&request)) {
  }
}

void QuietWatch(int, const WatchRequest&, WatchStream* stream) {
  SendCreated(stream);
  AwaitEnd(stream);
}

std::unique_ptr<GroupRecorder> Follow(const FakeEtcd& server,
                                      EtcdSourceOptions options = {}) {
  options.client.call_timeout = absl::Milliseconds(300);
  auto group = EtcdEndpointGroup::Make(server.address(), "/u/", options);
  EXPECT_TRUE(group.ok()) << group.status();
  return std::make_unique<GroupRecorder>(*group);
}

TEST(EtcdOddAnswersTest, AWatchThatACompactionCancelsIsReadAnew) {
  int64_t start_revision = 0;
  FakeEtcd server({OneEndpoint, [&](int call, const WatchRequest& request,
                                    WatchStream* stream) {
                     if (call > 0) return QuietWatch(call, request, stream);
                     start_revision = request.create_request().start_revision();
                     SendCreated(stream);
                     WatchResponse compacted;
                     compacted.set_canceled(true);
                     compacted.set_compact_revision(100);
                     stream->Write(compacted);
                     AwaitEnd(stream);
                   }});
  const auto recorder = Follow(server);
  EXPECT_TRUE(recorder->WaitFor({"10.0.0.2:1"}));
  EXPECT_EQ(start_revision, 11);
  EXPECT_EQ(recorder->emptied(), 0);
}

TEST(EtcdOddAnswersTest, AWatchThatIsNeverMadeIsGivenUp) {
  FakeEtcd server({OneEndpoint, [](int call, const WatchRequest& request,
                                   WatchStream* stream) {
                     if (call > 0) return QuietWatch(call, request, stream);
                     AwaitEnd(stream);
                   }});
  EXPECT_TRUE(Follow(server)->WaitFor({"10.0.0.2:1"}));
}

TEST(EtcdOddAnswersTest, AServerWithoutALeaderIsLeft) {
  FakeEtcd server({OneEndpoint, [](int call, const WatchRequest& request,
                                   WatchStream* stream) {
                     if (call > 0) return QuietWatch(call, request, stream);
                     SendCreated(stream);
                     WatchResponse canceled;
                     canceled.set_canceled(true);
                     canceled.set_cancel_reason("etcdserver: no leader\n");
                     stream->Write(canceled);
                     AwaitEnd(stream);
                   }});
  const auto recorder = Follow(server);
  EXPECT_TRUE(recorder->WaitForError("no leader\\n"));
  EXPECT_TRUE(recorder->WaitFor({"10.0.0.2:1"}));
}

TEST(EtcdOddAnswersTest, PagesAreOfOneRevisionEvenWhenThatIsCompacted) {
  // A page has one key.  In the first round a compaction makes the second page
  // unreadable.
  FakeEtcd server(
      {[](int call, const RangeRequest& request, RangeResponse* response) {
         if (call == 1) {
           return grpc::Status(grpc::StatusCode::OUT_OF_RANGE, "compacted");
         }
         const bool first = request.key() == "/u/";
         EXPECT_EQ(request.revision(), first ? 0 : 20);
         EXPECT_EQ(request.range_end(), "/u0");
         response->mutable_header()->set_revision(first ? 20 : 30);
         response->set_count(first ? 2 : 1);
         response->set_more(first);
         AddEntry(response, first ? "/u/a" : "/u/b",
                  first ? "10.0.0.1:1" : "10.0.0.2:1");
         return grpc::Status::OK;
       },
       [](int call, const WatchRequest& request, WatchStream* stream) {
         EXPECT_EQ(request.create_request().start_revision(), 21);
         QuietWatch(call, request, stream);
       }});
  const auto recorder = Follow(server);
  EXPECT_TRUE(recorder->WaitFor({"10.0.0.1:1", "10.0.0.2:1"}));
  EXPECT_EQ(recorder->newest().size(), 2u);
}

TEST(EtcdOddAnswersTest, PagesThatGoInCirclesEnd) {
  FakeEtcd server(
      {[](int call, const RangeRequest& request, RangeResponse* response) {
         OneEndpoint(call, request, response);
         response->set_more(true);
         return grpc::Status::OK;
       },
       QuietWatch});
  EXPECT_TRUE(Follow(server)->WaitForError("the keys are not in order"));
}

TEST(EtcdOddAnswersTest, ATokenThatIsNoMetadataEndsNothing) {
  FakeEtcd server({OneEndpoint, QuietWatch, "two\nlines"});
  EtcdSourceOptions options;
  options.client.user = "root";
  const auto recorder = Follow(server, options);
  EXPECT_TRUE(recorder->WaitForError("token is not printable"));
  EXPECT_TRUE(recorder->newest().empty());
}

// Core ends the process here if its retries are on.
TEST(EtcdOddAnswersTest, AnAnswerWithoutAStatusEndsNothing) {
  HostileServer server(NoStatusHostility());
  EtcdSourceOptions options;
  options.client.call_timeout = absl::Milliseconds(300);
  auto group = EtcdEndpointGroup::Make(server.address(), "/u/", options);
  ASSERT_TRUE(group.ok()) << group.status();
  EXPECT_TRUE(GroupRecorder(*group).WaitForError("No status received"));
}

TEST(EtcdOddAnswersTest, MoreKeysThanAllowedEndTheWatchBeforeTheyFillMemory) {
  FakeEtcd server(
      {OneEndpoint, [](int, const WatchRequest&, WatchStream* stream) {
         SendCreated(stream);
         WatchResponse flood;
         for (int i = 0; i < 100; ++i) {
           auto* const kv = flood.add_events()->mutable_kv();
           kv->set_key(absl::StrCat("/u/x", i));
           kv->set_value("10.0.0.9:1");
         }
         stream->Write(flood);
         AwaitEnd(stream);
       }});
  EndpointPolicy::Options limits;
  limits.limits.max_endpoints = 50;
  EtcdSourceOptions options;
  options.policy = *EndpointPolicy::Make(limits);
  const auto recorder = Follow(server, options);
  EXPECT_TRUE(recorder->WaitForError("101 endpoints, at most 50"));
  EXPECT_EQ(recorder->newest().size(), 1u);
}

}  // namespace
}  // namespace multi_backend
