// Responses that begin and break off.  They are never retried, but they are
// failures of their backend, whatever status gRPC makes of them.

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/tests/testing/loopback_listener.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

enum FrameType : uint8_t { kHeaders = 1, kReset = 3, kSettings = 4 };
constexpr uint8_t kAck = 1;
constexpr uint8_t kEndStream = 1;
constexpr uint8_t kEndHeaders = 4;

std::string BigEndian(uint32_t number, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) {
    text.push_back(static_cast<char>(number >> (8 * i) & 0xFF));
  }
  return text;
}

std::string Frame(FrameType type, uint8_t flags, uint32_t stream,
                  absl::string_view payload) {
  return absl::StrCat(BigEndian(static_cast<uint32_t>(payload.size()), 3),
                      BigEndian(type, 1), BigEndian(flags, 1),
                      BigEndian(stream, 4), payload);
}

// In HPACK: ":status: <status>", "content-type: application/grpc".
std::string ResponseHeaders(absl::string_view status) {
  return absl::StrCat(absl::string_view("\x08\x03", 2), status,
                      absl::string_view("\x0f\x10\x10", 3), "application/grpc");
}

// What the server sends in answer to a request, after which it may end the
// connection.
struct Answer {
  std::string status = "200";
  bool ends = false;         // HEADERS end the stream.
  int reset_with = -1;       // RST_STREAM with this code, if not negative.
  bool disconnects = false;  // The connection ends.
};

// Serves one connection over HTTP/2, on a thread.
class Http2Server {
 public:
  explicit Http2Server(Answer answer) : answer_(std::move(answer)) {
    thread_ = std::thread([this]() { Serve(); });
  }
  ~Http2Server() {
    shutdown(listener_.fd(), SHUT_RDWR);
    if (connection_ >= 0) shutdown(connection_, SHUT_RDWR);
    thread_.join();
    if (connection_ >= 0) close(connection_);
  }

  std::string address() const { return listener_.address(); }

 private:
  // Whether that many bytes came before the connection's end.
  bool Read(size_t size, std::string& text) {
    text.resize(size);
    return recv(connection_, &text[0], size, MSG_WAITALL) ==
           static_cast<ssize_t>(size);
  }
  void Write(const std::string& text) {
    send(connection_, text.data(), text.size(), MSG_NOSIGNAL);
  }

  void Serve() {
    const int accepted = accept(listener_.fd(), nullptr, nullptr);
    if (accepted < 0) return;
    connection_ = accepted;
    std::string text;
    if (!Read(24, text)) return;  // The client's preface.
    Write(Frame(kSettings, 0, 0, ""));
    std::string header;
    while (Read(9, header)) {
      const auto byte = [&header](size_t i) {
        return static_cast<uint32_t>(static_cast<uint8_t>(header[i]));
      };
      if (!Read(byte(0) << 16 | byte(1) << 8 | byte(2), text)) return;
      const uint32_t stream =
          byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8);
      if (byte(3) == kSettings && (byte(4) & kAck) == 0) {
        Write(Frame(kSettings, kAck, 0, ""));
      }
      if (byte(3) == kHeaders && !Respond(stream)) return;
    }
  }

  // Whether the connection stays.
  bool Respond(uint32_t stream) {
    Write(Frame(kHeaders, kEndHeaders | (answer_.ends ? kEndStream : 0), stream,
                ResponseHeaders(answer_.status)));
    if (answer_.reset_with >= 0) {
      Write(Frame(kReset, 0, stream,
                  BigEndian(static_cast<uint32_t>(answer_.reset_with), 4)));
    }
    if (answer_.disconnects) shutdown(connection_, SHUT_RDWR);
    return !answer_.disconnects;
  }

  const Answer answer_;
  const LoopbackListener listener_;
  std::atomic<int> connection_{-1};
  std::thread thread_;
};

struct Case {
  const char* name;
  Answer answer;
  grpc::StatusCode code;
  uint64_t failures;
  const char* state;
};

const Case kCases[] = {
    {"ResetWithAnInternalError",
     {"200", false, 2, false},
     grpc::StatusCode::INTERNAL,
     1,
     "ALIVE"},
    {"ResetWithCancel",
     {"200", false, 8, false},
     grpc::StatusCode::CANCELLED,
     1,
     "ALIVE"},
    {"ResetWithEnhanceYourCalm",
     {"200", false, 11, false},
     grpc::StatusCode::RESOURCE_EXHAUSTED,
     0,
     "OVERLOADED"},
    {"TheConnectionEnds",
     {"200", false, -1, true},
     grpc::StatusCode::UNAVAILABLE,
     1,
     "ALIVE"},
    {"AProxySays503",
     {"503", true, -1, false},
     grpc::StatusCode::UNAVAILABLE,
     1,
     "ALIVE"},
    {"AProxySays404",
     {"404", true, -1, false},
     grpc::StatusCode::UNIMPLEMENTED,
     0,
     "ALIVE"},
};

class BrokenStreamTest : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Cases, BrokenStreamTest, ::testing::ValuesIn(kCases),
                         [](const ::testing::TestParamInfo<Case>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(BrokenStreamTest, IsItsBackendsFailure) {
  const Http2Server server(GetParam().answer);
  auto client = UsersClient::Make(absl::StrCat("static:///", server.address()),
                                  ServiceConfig(R"("health":{"passive":{}})"));
  ASSERT_TRUE(client.ok()) << client.status();
  const CallOutcome outcome = (*client)->Call();
  EXPECT_EQ(outcome.status.error_code(), GetParam().code) << outcome.ToString();
  EXPECT_TRUE(WaitUntil([&]() { return (*client)->IsIdle(); }));
  const BackendSnapshot backend = (*client)->Backend(server.address());
  EXPECT_EQ(backend.calls, 1u);
  EXPECT_EQ(backend.failures, GetParam().failures);
  if (!GetParam().answer.disconnects) {
    EXPECT_EQ(StateName(backend.state), GetParam().state) << backend.reason;
  }
}

}  // namespace
}  // namespace multi_backend
