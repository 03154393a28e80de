#include "multi_backend/tests/testing/hostile_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>

#include "absl/types/optional.h"

namespace multi_backend {
namespace {

constexpr int kPollMillis = 20;
constexpr timeval kSendTimeout = {2, 0};

uint32_t ReadBigEndian(absl::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) {
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  return value;
}

}  // namespace

// One connection.  Runs on a thread of its own.
class HostileServer::Connection {
 public:
  Connection(HostileServer* server, int fd) : server_(server), fd_(fd) {
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &kSendTimeout,
               sizeof(kSendTimeout));
  }
  ~Connection() { close(fd_); }

  void Serve() {
    const Hostility& greeter = server_->Next();
    if (!Send(greeter.greeting)) return;
    if (greeter.hangs_up) return End(greeter.after);
    if (!Take(http2::kClientPreface.size()).has_value()) return;
    while (TakeFrame()) {
    }
  }

 private:
  // Handles one frame of the client.  Returns false at the connection's end.
  bool TakeFrame() {
    const auto head = Take(http2::kFrameHeaderSize);
    if (!head.has_value()) return false;
    const absl::string_view header = *head;
    const uint8_t type = static_cast<uint8_t>(header[3]);
    const uint8_t flags = static_cast<uint8_t>(header[4]);
    const uint32_t stream = ReadBigEndian(header.substr(5, 4)) & 0x7fffffff;
    const auto payload = Take(ReadBigEndian(header.substr(0, 3)));
    if (!payload.has_value()) return false;
    switch (type) {
      case http2::kSettings:
        return (flags & http2::kAck) != 0 ||
               Send(http2::FrameOf(http2::kSettings, http2::kAck, 0, ""));
      case http2::kPing:
        return (flags & http2::kAck) != 0 ||
               Send(http2::FrameOf(http2::kPing, http2::kAck, 0, *payload));
      case http2::kHeaders:
      case http2::kData:
        return OnRequest(type, flags, stream);
      default:
        return true;
    }
  }

  bool OnRequest(uint8_t type, uint8_t flags, uint32_t stream) {
    if (type == http2::kHeaders) {
      current_ = &server_->Next();
      server_->requests_.fetch_add(1);
    }
    const bool early = type == http2::kHeaders && current_->answers_early;
    if (current_->answers_early && !early) return true;
    if (!early && (flags & http2::kEndStream) == 0) return true;
    if (current_->answer == nullptr) return true;
    if (!Send(current_->answer(stream))) return false;
    if (current_->after == Hostility::After::kStay) return true;
    End(current_->after);
    return current_->after == Hostility::After::kHalfClose;
  }

  void End(Hostility::After after) {
    if (after == Hostility::After::kReset) {
      const linger at_once = {1, 0};
      setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    } else if (after == Hostility::After::kHalfClose) {
      shutdown(fd_, SHUT_WR);
    }
  }

  bool Send(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // Returns the next `count` bytes; nullopt if the connection ends first.
  absl::optional<std::string> Take(size_t count) {
    while (buffer_.size() < count) {
      pollfd readable = {fd_, POLLIN, 0};
      if (server_->stopped_) return absl::nullopt;
      if (poll(&readable, 1, kPollMillis) == 0) continue;
      char chunk[16384];
      const ssize_t size = read(fd_, chunk, sizeof(chunk));
      if (size <= 0) return absl::nullopt;
      buffer_.append(chunk, static_cast<size_t>(size));
    }
    std::string taken = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return taken;
  }

  HostileServer* const server_;
  const int fd_;
  std::string buffer_;
  // Answers the newest request.
  const Hostility* current_ = nullptr;
};

HostileServer::HostileServer(Hostility hostility)
    : only_(std::move(hostility)),
      choose_([this]() -> const Hostility& { return only_; }),
      acceptor_([this] { Accept(); }) {}

HostileServer::HostileServer(Choose choose)
    : choose_(std::move(choose)), acceptor_([this] { Accept(); }) {}

HostileServer::~HostileServer() {
  stopped_ = true;
  shutdown(listener_.fd(), SHUT_RDWR);
  acceptor_.join();
  absl::MutexLock lock(&mutex_);
  for (auto& one : threads_) one.first.join();
}

const Hostility& HostileServer::Next() {
  absl::MutexLock lock(&choosing_);
  return choose_();
}

void HostileServer::Accept() {
  while (!stopped_) {
    const int fd = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    accepted_.fetch_add(1);
    auto ended = std::make_shared<std::atomic<bool>>(false);
    absl::MutexLock lock(&mutex_);
    for (auto& one : threads_) {
      if (one.second->load()) one.first.join();
    }
    threads_.erase(
        std::remove_if(threads_.begin(), threads_.end(),
                       [](const auto& one) { return !one.first.joinable(); }),
        threads_.end());
    threads_.emplace_back(std::thread([this, fd, ended] {
                            Connection(this, fd).Serve();
                            *ended = true;
                          }),
                          ended);
  }
}

}  // namespace multi_backend
