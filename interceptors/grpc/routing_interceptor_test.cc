#include "multi_backend/interceptors/grpc/routing_interceptor.h"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/interceptors/key_hash.h"
#include "multi_backend/interceptors/sticky_key.h"
#include "multi_backend/interceptors/testing/echo.grpc.pb.h"
#include "multi_backend/interceptors/testing/recording_server.h"

namespace multi_backend {
namespace {

using testing::Echo;
using testing::EchoNothing;
using testing::EchoRequest;
using ::testing::ElementsAre;
using testing::ReceivedMetadata;
using testing::RecordingServer;

constexpr char kService[] = "multi_backend.testing.Echo";

RouteConfig Route(std::string method, std::string role) {
  RouteConfig route;
  route.method = std::move(method);
  route.role = std::move(role);
  return route;
}

RoutingConfig KeyFromHeader(std::string header) {
  RoutingConfig config;
  config.sticky_key.emplace();
  config.sticky_key->header = std::move(header);
  return config;
}

RoutingConfig KeyFromField(std::string path) {
  RoutingConfig config;
  config.sticky_key.emplace();
  config.sticky_key->request_field = std::move(path);
  return config;
}

// Bounds every wait in these tests.
void Bound(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(30));
}

class RoutingInterceptorTest : public ::testing::Test {
 protected:
  std::shared_ptr<grpc::Channel> Channel(
      const RoutingConfig& config, StickyKeyFunction function = nullptr,
      const grpc::ChannelArguments& args = {}) {
    auto factory = MakeInterceptorFactory(
        std::make_shared<const RoutingConfig>(config), std::move(function));
    EXPECT_TRUE(factory.ok()) << factory.status();
    std::vector<
        std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
        factories;
    factories.push_back(*std::move(factory));
    return grpc::experimental::CreateCustomChannelWithInterceptors(
        server_.address(), grpc::InsecureChannelCredentials(), args,
        std::move(factories));
  }

  std::unique_ptr<Echo::Stub> Stub(const RoutingConfig& config,
                                   StickyKeyFunction function = nullptr) {
    return Echo::NewStub(Channel(config, std::move(function)));
  }

  // Returns the metadata of the one call since the last TakeCall().
  ReceivedMetadata TakeCall() {
    const std::vector<ReceivedMetadata> calls = server_.TakeCalls();
    EXPECT_EQ(calls.size(), 1u);
    return calls.empty() ? ReceivedMetadata() : calls[0];
  }

  // Returns the keys of all entries under the library's prefix.
  static std::vector<std::string> Ours(const ReceivedMetadata& metadata) {
    std::vector<std::string> keys;
    for (const auto& entry : metadata) {
      if (absl::StartsWith(entry.first, "mb-")) keys.push_back(entry.first);
    }
    return keys;
  }

  // Returns the key hash in the label of the one call since the last
  // TakeCall(); nullopt for a call without a label or key.
  absl::optional<uint64_t> TakeKeyHash() {
    const ReceivedMetadata metadata = TakeCall();
    const auto entry = metadata.find(std::string(kCallLabelKey));
    if (entry == metadata.end()) return absl::nullopt;
    EXPECT_THAT(Ours(metadata), ElementsAre("mb-call-bin"));
    const absl::optional<CallLabel> label = DecodeCallLabel(entry->second);
    EXPECT_TRUE(label.has_value()) << entry->second;
    return label.has_value() ? label->key_hash : absl::nullopt;
  }

  RecordingServer server_;
};

TEST_F(RoutingInterceptorTest, TheLabelSaysWhatTheFirstMatchingRuleSays) {
  RoutingConfig config;
  config.routes = {Route("Get", "replica"), Route("(Get|Set)", "primary")};
  config.routes[0].when_unavailable = WhenUnavailable::kRole;
  config.routes[0].fallback_role = "primary";
  config.routes[1].retry = RetryMode::kNever;
  const auto stub = Stub(config);
  EchoRequest reply;

  grpc::ClientContext get;
  Bound(get);
  ASSERT_TRUE(stub->Get(&get, EchoRequest(), &reply).ok());
  ReceivedMetadata metadata = TakeCall();
  ASSERT_THAT(Ours(metadata), ElementsAre("mb-call-bin"));
  std::string value = metadata.find("mb-call-bin")->second;
  absl::optional<CallLabel> label = DecodeCallLabel(value);
  ASSERT_TRUE(label.has_value());
  EXPECT_EQ(label->role, "replica");
  EXPECT_EQ(label->when_unavailable, WhenUnavailable::kRole);
  EXPECT_EQ(label->fallback_role, "primary");
  EXPECT_EQ(label->retry, RetryMode::kDefault);
  EXPECT_EQ(label->key_hash, absl::nullopt);

  grpc::ClientContext set;
  Bound(set);
  ASSERT_TRUE(stub->Set(&set, EchoRequest(), &reply).ok());
  metadata = TakeCall();
  ASSERT_THAT(Ours(metadata), ElementsAre("mb-call-bin"));
  value = metadata.find("mb-call-bin")->second;
  label = DecodeCallLabel(value);
  ASSERT_TRUE(label.has_value());
  EXPECT_EQ(label->role, "primary");
  EXPECT_EQ(label->when_unavailable, WhenUnavailable::kFail);
  EXPECT_EQ(label->retry, RetryMode::kNever);
}

TEST_F(RoutingInterceptorTest, ACallThatNothingIsSaidAboutHasNoLabel) {
  RoutingConfig config = KeyFromHeader("x-user");
  config.routes = {Route("Set", "primary")};
  grpc::ClientContext context;
  Bound(context);
  EchoRequest reply;
  ASSERT_TRUE(Stub(config)->Get(&context, EchoRequest(), &reply).ok());
  EXPECT_THAT(Ours(TakeCall()), ElementsAre());
}

TEST_F(RoutingInterceptorTest, TheHeadersFirstValueIsTheKey) {
  const auto stub = Stub(KeyFromHeader("x-user"));
  const struct {
    const char* name;
    std::vector<std::string> values;
    absl::optional<uint64_t> hash;
  } kCases[] = {
      {"one value", {"u1"}, HashStickyKey("u1")},
      {"the first of two", {"u2", "a"}, HashStickyKey("u2")},
      {"no value", {}, absl::nullopt},
      {"an empty value is no key", {""}, absl::nullopt},
  };
  for (const auto& c : kCases) {
    grpc::ClientContext context;
    Bound(context);
    context.AddMetadata("x-use", "no");
    context.AddMetadata("x-user-id", "no");
    for (const std::string& value : c.values) {
      context.AddMetadata("x-user", value);
    }
    EchoRequest reply;
    ASSERT_TRUE(stub->Get(&context, EchoRequest(), &reply).ok());
    EXPECT_EQ(TakeKeyHash(), c.hash) << c.name;
  }
}

TEST_F(RoutingInterceptorTest, ABinaryHeaderIsAKeyOfAnyBytes) {
  const std::string key("a\0b\n\xff", 5);
  grpc::ClientContext context;
  Bound(context);
  context.AddMetadata("x-user-bin", key);
  EchoRequest reply;
  ASSERT_TRUE(Stub(KeyFromHeader("x-user-bin"))
                  ->Get(&context, EchoRequest(), &reply)
                  .ok());
  EXPECT_EQ(TakeKeyHash(), HashStickyKey(key));
}

// A way to make a call.  Returns what the server echoed.
struct WayToCall {
  const char* name;
  std::function<EchoRequest(const std::shared_ptr<grpc::Channel>&,
                            const EchoRequest&)>
      call;
  bool request_known_at_start;
};

EchoRequest CallSync(const std::shared_ptr<grpc::Channel>& channel,
                     const EchoRequest& request) {
  grpc::ClientContext context;
  Bound(context);
  EchoRequest reply;
  EXPECT_TRUE(Echo::NewStub(channel)->Get(&context, request, &reply).ok());
  return reply;
}

EchoRequest CallAsync(const std::shared_ptr<grpc::Channel>& channel,
                      const EchoRequest& request) {
  const auto stub = Echo::NewStub(channel);
  grpc::ClientContext context;
  Bound(context);
  grpc::CompletionQueue queue;
  EchoRequest reply;
  grpc::Status status;
  auto reader = stub->PrepareAsyncGet(&context, request, &queue);
  reader->StartCall();
  reader->Finish(&reply, &status, &queue);
  void* tag;
  bool ok;
  EXPECT_TRUE(queue.Next(&tag, &ok));
  EXPECT_TRUE(status.ok()) << status.error_message();
  return reply;
}

EchoRequest CallCallback(const std::shared_ptr<grpc::Channel>& channel,
                         const EchoRequest& request) {
  const auto stub = Echo::NewStub(channel);
  grpc::ClientContext context;
  Bound(context);
  EchoRequest reply;
  std::promise<grpc::Status> done;
  stub->async()->Get(&context, &request, &reply, [&done](grpc::Status status) {
    done.set_value(std::move(status));
  });
  EXPECT_TRUE(done.get_future().get().ok());
  return reply;
}

EchoRequest CallGeneric(const std::shared_ptr<grpc::Channel>& channel,
                        const EchoRequest& request) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  Bound(context);
  grpc::ByteBuffer sent;
  bool own;
  EXPECT_TRUE(
      grpc::SerializationTraits<EchoRequest>::Serialize(request, &sent, &own)
          .ok());
  grpc::CompletionQueue queue;
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader;
  {
    // The name is overwritten before the call starts.
    std::string method = absl::StrCat("/", kService, "/Get");
    reader = stub.PrepareUnaryCall(&context, method, sent, &queue);
    method.assign(method.size(), '?');
  }
  reader->StartCall();
  grpc::ByteBuffer received;
  grpc::Status status;
  reader->Finish(&received, &status, &queue);
  void* tag;
  bool ok;
  EXPECT_TRUE(queue.Next(&tag, &ok));
  EXPECT_TRUE(status.ok()) << status.error_message();
  EchoRequest reply;
  EXPECT_TRUE(
      grpc::SerializationTraits<EchoRequest>::Deserialize(&received, &reply)
          .ok());
  return reply;
}

EchoRequest CallServerStream(const std::shared_ptr<grpc::Channel>& channel,
                             const EchoRequest& request) {
  const auto stub = Echo::NewStub(channel);
  grpc::ClientContext context;
  Bound(context);
  const auto reader = stub->Watch(&context, request);
  EchoRequest reply;
  EXPECT_TRUE(reader->Read(&reply));
  EXPECT_TRUE(reader->Finish().ok());
  return reply;
}

EchoRequest CallClientStream(const std::shared_ptr<grpc::Channel>& channel,
                             const EchoRequest& request, bool corked) {
  const auto stub = Echo::NewStub(channel);
  grpc::ClientContext context;
  Bound(context);
  context.set_initial_metadata_corked(corked);
  EchoRequest reply;
  const auto writer = stub->Push(&context, &reply);
  EXPECT_TRUE(writer->Write(request));
  EXPECT_TRUE(writer->WritesDone());
  EXPECT_TRUE(writer->Finish().ok());
  return reply;
}

EchoRequest CallBidiStream(const std::shared_ptr<grpc::Channel>& channel,
                           const EchoRequest& request) {
  const auto stub = Echo::NewStub(channel);
  grpc::ClientContext context;
  Bound(context);
  const auto stream = stub->Chat(&context);
  EXPECT_TRUE(stream->Write(request));
  EXPECT_TRUE(stream->WritesDone());
  EchoRequest reply;
  EXPECT_TRUE(stream->Read(&reply));
  EXPECT_TRUE(stream->Finish().ok());
  return reply;
}

const WayToCall kWaysToCall[] = {
    {"synchronous unary", CallSync, true},
    {"asynchronous unary", CallAsync, true},
    {"callback unary", CallCallback, true},
    {"generic unary", CallGeneric, true},
    {"server-side stream", CallServerStream, true},
    {"client-side stream",
     [](const std::shared_ptr<grpc::Channel>& channel,
        const EchoRequest& request) {
       return CallClientStream(channel, request, false);
     },
     false},
    {"corked client-side stream",
     [](const std::shared_ptr<grpc::Channel>& channel,
        const EchoRequest& request) {
       return CallClientStream(channel, request, true);
     },
     true},
    {"bidirectional stream", CallBidiStream, false},
};

EchoRequest RequestOfUser(int64_t id, size_t text_size) {
  EchoRequest request;
  request.set_text(std::string(text_size, 't'));
  request.mutable_user()->set_id(id);
  return request;
}

TEST_F(RoutingInterceptorTest, AKeyFromTheRequestIsThereWhenTheRequestIs) {
  const auto channel = Channel(KeyFromField("user.id"));
  // The second size is larger than one block of a serialized message.
  for (const size_t size : {size_t{10}, size_t{3'000'000}}) {
    const EchoRequest request = RequestOfUser(77, size);
    for (const WayToCall& way : kWaysToCall) {
      const EchoRequest reply = way.call(channel, request);
      EXPECT_TRUE(reply.SerializeAsString() == request.SerializeAsString())
          << way.name << " changed the request";
      EXPECT_EQ(TakeKeyHash(), way.request_known_at_start
                                   ? absl::make_optional(HashStickyKey("77"))
                                   : absl::nullopt)
          << way.name;
    }
  }
}

TEST_F(RoutingInterceptorTest, ARequestWithoutTheFieldHasNoKey) {
  const auto stub = Stub(KeyFromField("user.id"));
  grpc::ClientContext unset;
  Bound(unset);
  EchoRequest reply;
  ASSERT_TRUE(stub->Get(&unset, EchoRequest(), &reply).ok());
  EXPECT_EQ(TakeKeyHash(), absl::nullopt);
  grpc::ClientContext other_type;
  Bound(other_type);
  EchoNothing nothing;
  // The status does not matter: the server does not echo an empty request.
  stub->Clear(&other_type, EchoNothing(), &nothing);
  EXPECT_EQ(TakeKeyHash(), absl::nullopt);
}

TEST_F(RoutingInterceptorTest, TheFunctionSeesTheCallAndItsKeyWins) {
  RoutingConfig config = KeyFromHeader("x-user");
  config.routes = {Route("None", "none")};
  std::string seen;
  const auto function =
      [&seen](const CallView& call) -> absl::optional<std::string> {
    const auto request = call.serialized_request();
    EchoRequest parsed;
    const bool known = request.has_value() &&
                       parsed.ParseFromArray(request->data(),
                                             static_cast<int>(request->size()));
    EXPECT_EQ(call.serialized_request(), request);  // Asked twice.
    seen = absl::StrCat(call.full_method(), " ", call.service(), " ",
                        call.method(), " ",
                        call.GetMetadata("x-user").value_or("unset"), " ",
                        call.GetMetadata("mb-call-bin").value_or("unset"));
    return known ? absl::StrCat("key", parsed.user().id()) : "late";
  };
  const auto channel = Channel(config, function);
  for (const WayToCall& way : kWaysToCall) {
    way.call(channel, RequestOfUser(5, 100));
    EXPECT_EQ(TakeKeyHash(),
              HashStickyKey(way.request_known_at_start ? "key5" : "late"))
        << way.name;
    EXPECT_TRUE(absl::StartsWith(seen, absl::StrCat("/", kService, "/")))
        << way.name << ": " << seen;
  }

  grpc::ClientContext context;
  Bound(context);
  context.AddMetadata("x-user", "u9");
  EchoRequest reply;
  ASSERT_TRUE(Echo::NewStub(channel)
                  ->Set(&context, RequestOfUser(6, 3'000'000), &reply)
                  .ok());
  EXPECT_EQ(TakeKeyHash(), HashStickyKey("key6"));
  EXPECT_EQ(seen,
            "/multi_backend.testing.Echo/Set multi_backend.testing.Echo "
            "Set u9 unset");
}

TEST_F(RoutingInterceptorTest, AFunctionMayGiveAnyKeyOrNone) {
  const struct {
    const char* name;
    absl::optional<std::string> key;
    bool counts;
  } kCases[] = {
      {"none", absl::nullopt, false},
      {"an empty one is none", "", false},
      {"odd bytes", std::string("\0\n\xc3\xa9\xff", 5), true},
      {"100 KB", std::string(100'000, 'k'), true},
  };
  for (const auto& c : kCases) {
    // The header is set, but only the function decides.
    const auto stub =
        Stub(KeyFromHeader("x-user"), [&c](const CallView&) { return c.key; });
    grpc::ClientContext context;
    Bound(context);
    context.AddMetadata("x-user", "u1");
    EchoRequest reply;
    ASSERT_TRUE(stub->Get(&context, EchoRequest(), &reply).ok()) << c.name;
    EXPECT_EQ(TakeKeyHash(), c.counts
                                 ? absl::make_optional(HashStickyKey(*c.key))
                                 : absl::nullopt)
        << c.name;
  }
}

TEST_F(RoutingInterceptorTest, AnApplicationsInterceptorMaySetTheKeysHeader) {
  class SetsHeader final : public grpc::experimental::Interceptor {
   public:
    void Intercept(
        grpc::experimental::InterceptorBatchMethods* batch) override {
      if (batch->QueryInterceptionHookPoint(
              grpc::experimental::InterceptionHookPoints::
                  PRE_SEND_INITIAL_METADATA)) {
        batch->GetSendInitialMetadata()->emplace("x-user", "from-interceptor");
      }
      batch->Proceed();
    }
  };
  class Factory final
      : public grpc::experimental::ClientInterceptorFactoryInterface {
   public:
    grpc::experimental::Interceptor* CreateClientInterceptor(
        grpc::experimental::ClientRpcInfo*) override {
      return new SetsHeader();
    }
  };
  std::vector<
      std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
      factories;
  factories.push_back(std::make_unique<Factory>());
  factories.push_back(
      MakeInterceptorFactory(
          std::make_shared<const RoutingConfig>(KeyFromHeader("x-user")))
          .value());
  const auto channel = grpc::experimental::CreateCustomChannelWithInterceptors(
      server_.address(), grpc::InsecureChannelCredentials(), {},
      std::move(factories));
  CallSync(channel, RequestOfUser(1, 1));
  EXPECT_EQ(TakeKeyHash(), HashStickyKey("from-interceptor"));
}

// Core's words for perTryTimeout, which a server may use, too.
TEST_F(RoutingInterceptorTest, NoStatusIsRewritten) {
  const auto stub = Stub({});
  for (const grpc::Status& sent :
       {grpc::Status::OK,
        grpc::Status(grpc::StatusCode::CANCELLED,
                     "retry perAttemptRecvTimeout exceeded")}) {
    server_.SetStatus(sent);
    grpc::ClientContext context;
    Bound(context);
    EchoRequest reply;
    const grpc::Status status = stub->Get(&context, EchoRequest(), &reply);
    EXPECT_EQ(status.error_code(), sent.error_code());
    EXPECT_EQ(status.error_message(), sent.error_message());
  }
}

TEST_F(RoutingInterceptorTest, ACallCancelledBeforeItStartsIsLeftAlone) {
  const auto stub = Stub(KeyFromField("user.id"));
  grpc::ClientContext context;
  Bound(context);
  context.TryCancel();
  EchoRequest reply;
  EXPECT_EQ(stub->Get(&context, EchoRequest(), &reply).error_code(),
            grpc::StatusCode::CANCELLED);
}

TEST(MakeInterceptorFactoryTest, ABadConfigurationIsRefusedWithItsField) {
  RoutingConfig pattern;
  pattern.routes = {Route("(", "r")};
  RoutingConfig both = KeyFromHeader("x-user");
  both.sticky_key->request_field = "user.id";
  const struct {
    RoutingConfig config;
    const char* message;
  } kCases[] = {
      {pattern, "field:routes[0].match.method error:missing ): ("},
      {both,
       "field:stickyKey error:must have exactly one of header and "
       "requestField"},
      {KeyFromHeader(""),
       "field:stickyKey error:must have exactly one of header and "
       "requestField"},
      {KeyFromHeader("mb-call-bin"),
       "field:stickyKey.header error:is reserved"},
  };
  for (const auto& c : kCases) {
    const auto factory =
        MakeInterceptorFactory(std::make_shared<const RoutingConfig>(c.config));
    EXPECT_EQ(factory.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(factory.status().message(),
              absl::StrCat("errors validating multi_backend config: [",
                           c.message, "]"));
  }
}

}  // namespace
}  // namespace multi_backend
