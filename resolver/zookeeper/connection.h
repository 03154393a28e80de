// ZookeeperConnection: a session with a ZooKeeper ensemble (libzookeeper_mt),
// which is replaced by a new one when it ends, and the requests on it.
//
//   ZookeeperConnection connection(options, on_watch, [&] { thread.Wake(); });
//   while (!signal->stopped()) {
//     const auto status = connection.Poll();  // Runs on_watch and on_children.
//     if (status.connected && …) connection.GetChildren("/users", on_children);
//     signal->Wait(status.again);
//   }
//
// A session ends when the server says so, when it has been without a connection
// for kReconnectPatience, and when several connections in a row have not lasted
// as long.  The second is for a server whose data was wiped or set back, which
// refuses clients that saw newer data, for as long as they try.  The third is
// for a server that ends the connection of a client which sets too many watches
// again in one request (jute.maxbuffer).
//
// A server that accepts a connection but does not answer, as a starting server
// does, is given up after 1 s at first, and later after up to 10 s.
//
// When a session ends, its open requests are never answered and its watches are
// gone.
//
// libzookeeper's log is dropped.
//
// Threads: one thread, the owner's, calls all methods, and the callbacks run on
// it.  Only `wake` is called by the library's two threads.  Close() and the
// destructor wait for these threads, and at most 1.5 s for a server that has
// frozen.
#ifndef MULTI_BACKEND_RESOLVER_ZOOKEEPER_CONNECTION_H_
#define MULTI_BACKEND_RESOLVER_ZOOKEEPER_CONNECTION_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/resolver/source/backoff.h"
#include "multi_backend/sync/mutex.h"

struct _zhandle;
struct ACL_vector;

namespace multi_backend {

class ZookeeperConnection {
 public:
  static constexpr absl::Duration kReconnectPatience = absl::Seconds(1);

  struct Options {
    std::string servers;  // As ZookeeperTarget::servers.
    absl::Duration session_timeout = absl::Seconds(10);
    std::string credentials_file;  // As ReadZookeeperCredentials() takes it.
    BackoffOptions backoff;        // Between sessions that fail to begin.
    size_t max_data_bytes = 0;  // The data of a node beyond this are cut off.
  };

  struct Status {
    bool connected = false;
    int session = 0;     // The number of sessions so far.
    int connection = 0;  // The number of connections so far, over all sessions.
    // Why there is no connection, once that lasts longer than usual.
    absl::Status error;
    absl::Duration again;  // When to call Poll() again.
  };

  struct Reply {
    int code = 0;  // ZOK, ZNONODE, …
    std::string data;
    std::vector<std::string> names;

    // Whether the connection or the session was lost, so that the request must
    // be made again on the next one.
    bool lost() const;
  };
  using Done = std::function<void(Reply)>;
  // Called when a watch has fired: ZOO_CHILD_EVENT, ….
  using OnWatch = std::function<void(int event, const std::string& path)>;

  // `wake` is called when there is something new for Poll() to handle.
  ZookeeperConnection(Options options, OnWatch on_watch,
                      std::function<void()> wake);
  ~ZookeeperConnection();
  ZookeeperConnection(const ZookeeperConnection&) = delete;
  ZookeeperConnection& operator=(const ZookeeperConnection&) = delete;

  // Runs the callbacks for everything that has arrived.  Begins a session when
  // there is none or the last one has ended.
  Status Poll();
  // Ends the present session and drops what has arrived from it.  The next
  // session begins after `pause`.
  void EndSession(absl::Duration pause);
  // Also ends a connected session on the server.  No callback runs after this,
  // and no other method may be called.
  void Close();

  // GetChildren(), GetData() and GetWhetherExists() set a watch; GetData() does
  // so only when the node exists.
  void GetChildren(const std::string& path, Done done);
  void GetData(const std::string& path, Done done);
  void GetWhetherExists(const std::string& path, Done done);
  // CreateNode() makes a persistent node without data, open to everybody.
  // CreateEphemeral() makes a node that ends with the session.  It is open to
  // everybody, too, but with credentials everybody else may only read it.
  void CreateNode(const std::string& path, Done done);
  void CreateEphemeral(const std::string& path, const std::string& data,
                       Done done);
  // Deletes the node and creates it again in one step, so that no client sees
  // it missing.
  void ReplaceByEphemeral(const std::string& path, const std::string& data,
                          Done done);

 private:
  using Clock = std::chrono::steady_clock;
  struct Request;
  struct Calls;  // The library's callbacks.

  absl::Status Open();
  void CloseHandle();
  void EndIfOver(Clock::time_point now);
  // Whether the server has owed an answer for too long.
  bool IsSilent(Clock::time_point now);
  void RetryLater(absl::Status problem);
  void RunSteps();
  const struct ACL_vector* AclOfEphemeral() const;
  // Sends a request by `send`, which returns the library's code.
  template <typename Send>
  void Ask(Done done, Send send);

  // Called by the library's threads.
  void OnState(int state);
  void OnReply(const void* context, Reply reply);
  // `answered`: the request that this step answers; null if it answers none.
  void PostCallback(std::function<void()> step,
                    const Request* answered = nullptr);

  const Options options_;
  const OnWatch on_watch_;
  const std::function<void()> wake_;

  // Used by the owner's thread only.
  struct _zhandle* handle_ = nullptr;
  int session_ = 0;
  bool has_credentials_ = false;
  Clock::time_point open_at_;  // When to begin the next session.
  Clock::time_point down_since_;
  bool down_ = true;
  absl::optional<Clock::time_point> silent_since_;
  absl::Duration silence_patience_;
  // Why the last session could not begin or was refused.
  absl::Status problem_;
  Backoff backoff_;
  std::minstd_rand random_;

  Mutex mu_;
  bool connected_ ABSL_GUARDED_BY(mu_) = false;
  int connections_ ABSL_GUARDED_BY(mu_) = 0;
  // For the present session.
  bool established_ ABSL_GUARDED_BY(mu_) = false;
  int end_state_ ABSL_GUARDED_BY(mu_) = 0;       // Not 0: the session is over.
  Clock::time_point lost_ ABSL_GUARDED_BY(mu_);  // Or the session's begin.
  Clock::time_point connected_at_ ABSL_GUARDED_BY(mu_);
  // How many connections in a row have ended before kReconnectPatience.
  int short_connections_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_set<const Request*> requests_ ABSL_GUARDED_BY(mu_);
  std::vector<std::function<void()>> steps_ ABSL_GUARDED_BY(mu_);
  bool woken_ ABSL_GUARDED_BY(mu_) = false;  // wake_ was called for steps_.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ZOOKEEPER_CONNECTION_H_
