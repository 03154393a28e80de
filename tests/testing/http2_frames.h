// Builds HTTP/2 frames byte by byte (RFC 9113), also such as no server should
// send.  Header blocks use HPACK literals that enter no table (RFC 7541,
// section 6.2.2), so each block stands alone.
//
//   Headers(stream, {{":status", "200"}, {"content-type", "text/html"}})
//
// Pure.
#ifndef MULTI_BACKEND_TESTS_TESTING_HTTP2_FRAMES_H_
#define MULTI_BACKEND_TESTS_TESTING_HTTP2_FRAMES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multi_backend {
namespace http2 {

// Frame types and flags, RFC 9113, section 6.
enum Type : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};
constexpr uint8_t kAck = 0x1;
constexpr uint8_t kEndStream = 0x1;
constexpr uint8_t kEndHeaders = 0x4;
constexpr uint8_t kPadded = 0x8;

// What a client sends before its first frame.
constexpr absl::string_view kClientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kFrameHeaderSize = 9;

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// The lowest `bytes` bytes of `value`, the highest first.
inline std::string BigEndian(uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
  return out;
}

inline std::string FrameOf(uint8_t type, uint8_t flags, uint32_t stream,
                           absl::string_view payload) {
  return absl::StrCat(BigEndian(payload.size(), 3), BigEndian(type, 1),
                      BigEndian(flags, 1), BigEndian(stream, 4), payload);
}

// A string of HPACK (RFC 7541, section 5.2), without Huffman coding.
inline std::string HpackString(absl::string_view text) {
  std::string out;
  if (text.size() < 127) {
    out.push_back(static_cast<char>(text.size()));
  } else {
    out.push_back(127);
    size_t rest = text.size() - 127;
    for (; rest >= 128; rest /= 128) {
      out.push_back(static_cast<char>(rest % 128 + 128));
    }
    out.push_back(static_cast<char>(rest));
  }
  return absl::StrCat(out, text);
}

inline std::string HpackBlock(const HeaderList& headers) {
  std::string out;
  for (const auto& header : headers) {
    out.push_back('\0');
    absl::StrAppend(&out, HpackString(header.first),
                    HpackString(header.second));
  }
  return out;
}

inline std::string Headers(uint32_t stream, const HeaderList& headers,
                           uint8_t flags = kEndHeaders) {
  return FrameOf(kHeaders, flags, stream, HpackBlock(headers));
}

inline std::string Data(uint32_t stream, absl::string_view payload,
                        uint8_t flags = 0) {
  return FrameOf(kData, flags, stream, payload);
}

// A gRPC message with its prefix: a flag for compression and the length.
inline std::string GrpcMessage(absl::string_view message, char flag = 0) {
  return absl::StrCat(std::string(1, flag), BigEndian(message.size(), 4),
                      message);
}

inline std::string RstStream(uint32_t stream, uint32_t code) {
  return FrameOf(kRstStream, 0, stream, BigEndian(code, 4));
}

inline std::string GoAway(uint32_t last_stream, uint32_t code,
                          absl::string_view debug = "") {
  return FrameOf(
      kGoAway, 0, 0,
      absl::StrCat(BigEndian(last_stream, 4), BigEndian(code, 4), debug));
}

inline std::string WindowUpdate(uint32_t stream, uint32_t increment) {
  return FrameOf(kWindowUpdate, 0, stream, BigEndian(increment, 4));
}

// Each setting is an identifier (RFC 9113, section 6.5.2) and a value.
inline std::string Settings(
    const std::vector<std::pair<uint16_t, uint32_t>>& settings = {}) {
  std::string payload;
  for (const auto& setting : settings) {
    absl::StrAppend(&payload, BigEndian(setting.first, 2),
                    BigEndian(setting.second, 4));
  }
  return FrameOf(kSettings, 0, 0, payload);
}

inline std::string Ping(uint64_t opaque, uint8_t flags = 0) {
  return FrameOf(kPing, flags, 0, BigEndian(opaque, 8));
}

}  // namespace http2
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_HTTP2_FRAMES_H_
