// Calls whose metadata is refused before gRPC sees it.  gRPC itself would end
// the process.
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/interceptors/call_view.h"
#include "multi_backend/interceptors/grpc/routing_interceptor.h"
#include "multi_backend/interceptors/testing/echo.grpc.pb.h"
#include "multi_backend/interceptors/testing/recording_server.h"

namespace multi_backend {
namespace {

using testing::Echo;
using testing::EchoRequest;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ReceivedMetadata;
using testing::RecordingServer;

RoutingConfig RouteAll(std::string role) {
  RoutingConfig config;
  config.routes.emplace_back();
  config.routes[0].role = std::move(role);
  return config;
}

RoutingConfig KeyFrom(std::string header) {
  RoutingConfig config;
  config.sticky_key.emplace();
  config.sticky_key->header = std::move(header);
  return config;
}

using Factory = grpc::experimental::ClientInterceptorFactoryInterface;

// Counts the calls for which `factory` makes an interceptor.
class CountingFactory final : public Factory {
 public:
  CountingFactory(std::unique_ptr<Factory> factory, std::atomic<int>* made)
      : factory_(std::move(factory)), made_(made) {}

  grpc::experimental::Interceptor* CreateClientInterceptor(
      grpc::experimental::ClientRpcInfo* info) override {
    auto* const interceptor = factory_->CreateClientInterceptor(info);
    if (interceptor != nullptr) ++*made_;
    return interceptor;
  }

 private:
  const std::unique_ptr<Factory> factory_;
  std::atomic<int>* const made_;
};

class RefusedMetadataTest : public ::testing::Test {
 protected:
  // A channel whose interceptors are made for `configs`, in this order.
  std::shared_ptr<grpc::Channel> Channel(
      const std::vector<RoutingConfig>& configs) {
    std::vector<std::unique_ptr<Factory>> factories;
    for (const RoutingConfig& config : configs) {
      auto factory =
          MakeInterceptorFactory(std::make_shared<const RoutingConfig>(config));
      EXPECT_TRUE(factory.ok()) << factory.status();
      factories.push_back(*std::move(factory));
    }
    return ChannelWith(std::move(factories));
  }

  // A channel with the interceptor of CreateChannel() alone.
  std::shared_ptr<grpc::Channel> KeyChannel(StickyKeyFunction function,
                                            bool is_only = true) {
    std::vector<std::unique_ptr<Factory>> factories;
    factories.push_back(std::make_unique<CountingFactory>(
        MakeKeyInterceptor(std::move(function), is_only).factory, &made_));
    return ChannelWith(std::move(factories));
  }

  std::shared_ptr<grpc::Channel> ChannelWith(
      std::vector<std::unique_ptr<Factory>> factories) {
    return grpc::experimental::CreateCustomChannelWithInterceptors(
        server_.address(), grpc::InsecureChannelCredentials(), {},
        std::move(factories));
  }

  std::atomic<int> made_{0};  // Interceptors of a KeyChannel().
  RecordingServer server_;
};

using Entry = std::pair<std::string, std::string>;

// Adds the entry, and bounds the call.
void Prepare(grpc::ClientContext& context, const Entry& entry) {
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(30));
  context.AddMetadata("x-first", "good");
  context.AddMetadata(entry.first, entry.second);
  context.AddMetadata("z-last", "good");
}

grpc::Status CallSync(Echo::Stub& stub, const Entry& entry) {
  grpc::ClientContext context;
  Prepare(context, entry);
  EchoRequest reply;
  return stub.Get(&context, EchoRequest(), &reply);
}

grpc::Status CallAsync(Echo::Stub& stub, const Entry& entry) {
  grpc::ClientContext context;
  Prepare(context, entry);
  grpc::CompletionQueue queue;
  EchoRequest reply;
  grpc::Status status;
  const auto reader = stub.AsyncGet(&context, EchoRequest(), &queue);
  reader->Finish(&reply, &status, &queue);
  void* tag;
  bool ok = false;
  EXPECT_TRUE(queue.Next(&tag, &ok));
  EXPECT_TRUE(ok) << "gRPC promises this of Finish()";
  return status;
}

grpc::Status CallCallback(Echo::Stub& stub, const Entry& entry) {
  grpc::ClientContext context;
  Prepare(context, entry);
  const EchoRequest request;
  EchoRequest reply;
  std::promise<grpc::Status> done;
  stub.async()->Get(&context, &request, &reply, [&done](grpc::Status status) {
    done.set_value(std::move(status));
  });
  return done.get_future().get();
}

grpc::Status CallServerStream(Echo::Stub& stub, const Entry& entry) {
  grpc::ClientContext context;
  Prepare(context, entry);
  const auto reader = stub.Watch(&context, EchoRequest());
  EchoRequest reply;
  EXPECT_FALSE(reader->Read(&reply));
  return reader->Finish();
}

grpc::Status CallClientStream(Echo::Stub& stub, const Entry& entry) {
  grpc::ClientContext context;
  Prepare(context, entry);
  EchoRequest reply;
  const auto writer = stub.Push(&context, &reply);
  EXPECT_FALSE(writer->Write(EchoRequest()));
  writer->WritesDone();
  return writer->Finish();
}

grpc::Status CallCorkedStream(Echo::Stub& stub, const Entry& entry) {
  grpc::ClientContext context;
  Prepare(context, entry);
  context.set_initial_metadata_corked(true);
  EchoRequest reply;
  const auto writer = stub.Push(&context, &reply);
  writer->Write(EchoRequest());
  EXPECT_FALSE(writer->Write(EchoRequest()));
  writer->WritesDone();
  return writer->Finish();
}

grpc::Status CallBidiStream(Echo::Stub& stub, const Entry& entry) {
  grpc::ClientContext context;
  Prepare(context, entry);
  const auto stream = stub.Chat(&context);
  EXPECT_FALSE(stream->Write(EchoRequest()));
  stream->WritesDone();
  EchoRequest reply;
  EXPECT_FALSE(stream->Read(&reply));
  return stream->Finish();
}

// A bidirectional stream of the callback API that reads and writes once.
class ChatReactor final
    : public grpc::ClientBidiReactor<EchoRequest, EchoRequest> {
 public:
  ChatReactor(Echo::Stub& stub, grpc::ClientContext* context) {
    stub.async()->Chat(context, this);
    StartWrite(&request_);
    StartRead(&reply_);
    StartCall();
  }
  void OnWriteDone(bool ok) override { EXPECT_FALSE(ok); }
  void OnReadDone(bool ok) override { EXPECT_FALSE(ok); }
  void OnDone(const grpc::Status& status) override { done_.set_value(status); }
  grpc::Status Await() { return done_.get_future().get(); }

 private:
  const EchoRequest request_;
  EchoRequest reply_;
  std::promise<grpc::Status> done_;
};

grpc::Status CallReactor(Echo::Stub& stub, const Entry& entry) {
  grpc::ClientContext context;
  Prepare(context, entry);
  return ChatReactor(stub, &context).Await();
}

struct WayToCall {
  const char* name;
  grpc::Status (*call)(Echo::Stub&, const Entry&);
};

const WayToCall kWaysToCall[] = {
    {"synchronous unary", CallSync},
    {"asynchronous unary", CallAsync},
    {"callback unary", CallCallback},
    {"server-side stream", CallServerStream},
    {"client-side stream", CallClientStream},
    {"corked client-side stream", CallCorkedStream},
    {"bidirectional stream", CallBidiStream},
    {"bidirectional stream with callbacks", CallReactor},
};

// Entries on which core aborts, and the library's own key.
const Entry kRefused[] = {
    {"x-lf", "a\nb"},
    {"x-cr", "a\rb"},
    {"x-nul", std::string("\0", 1)},
    {"x-utf8", "na\xc3\xafve"},
    {"X-Upper", "v"},
    {"", "v"},
    {":path", "/other"},
    {"x y", "v"},
    {"grpclb_client_stats", "v"},
    {"mb-call-bin", "forged"},
    {"mb-call-bin", ""},
};

TEST_F(RefusedMetadataTest, FailsThatCallAloneOnEveryWayToCall) {
  // With and without something to say about the call.
  for (const auto& channel :
       {Channel({RouteAll("primary")}), Channel({RoutingConfig()}),
        KeyChannel(nullptr), KeyChannel(nullptr, /*is_only=*/false)}) {
    const auto stub = Echo::NewStub(channel);
    for (const WayToCall& way : kWaysToCall) {
      for (const Entry& entry : kRefused) {
        const grpc::Status status = way.call(*stub, entry);
        EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT)
            << way.name << ", " << entry.first;
        EXPECT_THAT(
            status.error_message(),
            HasSubstr(absl::StrCat("the call was not sent: metadata key \"",
                                   entry.first, "\"")))
            << way.name;
      }
    }
    EXPECT_THAT(server_.TakeCalls(), IsEmpty());
    EXPECT_TRUE(CallSync(*stub, {"x-bin", "a\n\xff"}).ok());
    EXPECT_EQ(server_.TakeCalls().size(), 1u);
  }
}

TEST_F(RefusedMetadataTest, OnlyCallsThatNeedAnInterceptorHaveOne) {
  const auto stub = Echo::NewStub(KeyChannel(nullptr));
  EXPECT_TRUE(CallSync(*stub, {"x", "v"}).ok());
  EXPECT_EQ(made_, 0);
  EXPECT_FALSE(CallSync(*stub, {"x", "\n"}).ok());
  EXPECT_EQ(made_, 1);

  const auto beside_others = Echo::NewStub(KeyChannel(nullptr, false));
  EXPECT_TRUE(CallSync(*beside_others, {"x", "v"}).ok());
  EXPECT_EQ(made_, 2) << "another interceptor may add metadata";

  const auto with_function = Echo::NewStub(
      KeyChannel([](const CallView&) { return std::string("key"); }));
  EXPECT_TRUE(CallSync(*with_function, {"x", "v"}).ok());
  EXPECT_EQ(made_, 3);
}

TEST_F(RefusedMetadataTest, OtherKeysUnderTheLibrarysPrefixAreDelivered) {
  const auto stub = Echo::NewStub(Channel({RouteAll("primary")}));
  for (const char* key : {"mb-", "mb-call", "mb-role", "mb-call-bin-bin"}) {
    ASSERT_TRUE(CallSync(*stub, {key, "v"}).ok()) << key;
    const std::vector<ReceivedMetadata> calls = server_.TakeCalls();
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_EQ(calls[0].count(key), 1u) << key;
    EXPECT_EQ(calls[0].count("mb-call-bin"), 1u) << key;
  }
}

// Returns the roles in the labels of the one call since the last TakeCalls().
std::vector<std::string> RolesOf(RecordingServer& server) {
  std::vector<std::string> roles;
  for (const ReceivedMetadata& call : server.TakeCalls()) {
    const auto labels = call.equal_range("mb-call-bin");
    for (auto entry = labels.first; entry != labels.second; ++entry) {
      const auto label = DecodeCallLabel(entry->second);
      EXPECT_TRUE(label.has_value());
      if (label.has_value()) roles.emplace_back(label->role);
    }
  }
  return roles;
}

TEST_F(RefusedMetadataTest, OfChainedInterceptorsTheLastWithARouteDecides) {
  const struct {
    const char* name;
    std::vector<RoutingConfig> configs;
    std::vector<std::string> roles;
  } kRows[] = {
      {"both", {RouteAll("first"), RouteAll("second")}, {"second"}},
      {"the first one", {RouteAll("first"), RoutingConfig()}, {"first"}},
      {"the second one", {RoutingConfig(), RouteAll("second")}, {"second"}},
      {"neither", {RoutingConfig(), RoutingConfig()}, {}},
      {"a route, then a key", {RouteAll("first"), KeyFrom("x")}, {"first"}},
      {"a key, then a route", {KeyFrom("x"), RouteAll("second")}, {"second"}},
  };
  for (const auto& row : kRows) {
    const auto stub = Echo::NewStub(Channel(row.configs));
    ASSERT_TRUE(CallSync(*stub, {"x", "v"}).ok()) << row.name;
    EXPECT_EQ(RolesOf(server_), row.roles) << row.name;
  }
}

// A label of this process that an application copies is as good as a chained
// interceptor's.
TEST_F(RefusedMetadataTest, AGenuineLabelNextToAForgedOneDoesNotHelp) {
  const auto stub = Echo::NewStub(Channel({RouteAll("primary")}));
  grpc::ClientContext context;
  Prepare(context, {"mb-call-bin", "forged"});
  context.AddMetadata("mb-call-bin",
                      EncodeCallLabel(EncodeCallLabelPrefix(CallLabel()), 1));
  EchoRequest reply;
  EXPECT_EQ(stub->Get(&context, EchoRequest(), &reply).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(RolesOf(server_), IsEmpty());
}

}  // namespace
}  // namespace multi_backend
