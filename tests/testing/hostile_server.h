// HostileServer: an HTTP/2 server on plain sockets that misbehaves as the test
// says.  It accepts on the loopback interface, reads requests as a client of
// gRPC sends them, and answers each with the bytes of a Hostility.
//
//   HostileServer server(Hostility{
//       "no status", [](uint32_t stream) {
//         return http2::Headers(stream, {{":status", "200"}},
//                               http2::kEndHeaders | http2::kEndStream);
//       }});
//   ... calls to server.address() ...
//
// Where the Hostility says nothing else, the server behaves: it sends SETTINGS,
// acknowledges those of the client, and answers PINGs.
//
// Threads: each connection has one.  accepted() and requests() may be called
// from any thread.  The destructor closes all connections.
#ifndef MULTI_BACKEND_TESTS_TESTING_HOSTILE_SERVER_H_
#define MULTI_BACKEND_TESTS_TESTING_HOSTILE_SERVER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "multi_backend/tests/testing/http2_frames.h"
#include "multi_backend/tests/testing/loopback_listener.h"

namespace multi_backend {

struct Hostility {
  // What the server does with the connection after the answer.
  enum class After { kStay, kClose, kReset, kHalfClose };

  std::string name;
  // Returns the answer to the request on `stream`.  Null: it never comes.
  std::function<std::string(uint32_t stream)> answer;
  After after = After::kStay;
  // What is sent when a connection opens.
  std::string greeting = http2::Settings();
  // Whether the connection ends after the greeting.
  bool hangs_up = false;
  // Whether the answer comes before the end of the request.
  bool answers_early = false;
};

class HostileServer {
 public:
  // Returns what the server does next.  It is called for each connection and
  // for each request, by one thread at a time.
  using Choose = std::function<const Hostility&()>;

  explicit HostileServer(Hostility hostility);
  // The Hostility that `choose` returns must outlive the server.
  explicit HostileServer(Choose choose);
  ~HostileServer();
  HostileServer(const HostileServer&) = delete;
  HostileServer& operator=(const HostileServer&) = delete;

  std::string address() const { return listener_.address(); }
  int64_t accepted() const { return accepted_.load(); }
  int64_t requests() const { return requests_.load(); }

 private:
  class Connection;

  void Accept();
  const Hostility& Next();

  const Hostility only_;
  const Choose choose_;
  const LoopbackListener listener_;
  std::atomic<bool> stopped_{false};
  std::atomic<int64_t> accepted_{0};
  std::atomic<int64_t> requests_{0};
  absl::Mutex choosing_;
  absl::Mutex mutex_;
  // Joined by the destructor, and when they have ended by the accepting thread.
  std::vector<std::pair<std::thread, std::shared_ptr<std::atomic<bool>>>>
      threads_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_HOSTILE_SERVER_H_
