// ZookeeperConnection: a session with a ZooKeeper ensemble (libzookeeper_mt)
// that is replaced by a new one when it ends, and requests on it.
//
//   ZookeeperConnection connection(options, on_watch, [&] { thread.Wake(); });
//   while (!signal->stopped()) {
//     const auto look = connection.Tend();  // Runs on_watch and on_children.
//     if (look.connected && …) connection.GetChildren("/users", on_children);
//     signal->Wait(look.again);
//   }
//
// A session ends when the server says so, and also when it has been without a
// connection for kReconnectPatience: a server whose data was wiped, or set back
// to older ones, refuses the sessions of clients that saw newer ones for ever,
// and one with very many watches could not set them again.  A server that takes
// a connection and says nothing, as one does that is starting, is given up
// after 1 s at first.  What is asked for
// in a session that ends is never answered, and its watches are gone.
//
// libzookeeper's log is dropped.
//
// Threads: everything is for one thread, the owner's, on which the callbacks
// run, but `wake`, which the library's two threads call.  Close() and the
// destructor wait for these, and at most 1.5 s for a server that has frozen.
#ifndef MULTI_BACKEND_RESOLVER_ZOOKEEPER_CONNECTION_H_
#define MULTI_BACKEND_RESOLVER_ZOOKEEPER_CONNECTION_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
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

struct _zhandle;
struct ACL_vector;

namespace multi_backend {

class ZookeeperConnection {
 public:
  static constexpr absl::Duration kReconnectPatience = absl::Seconds(1);

  struct Options {
    std::string servers;  // As ZookeeperTarget's.
    absl::Duration session_timeout = absl::Seconds(10);
    std::string credentials_file;  // As ReadZookeeperCredentials() takes it.
    BackoffOptions backoff;        // Between sessions that cannot be begun.
    size_t max_data_bytes = 0;     // Of a node; the rest is left out.
  };

  struct Look {
    bool connected = false;
    int session = 0;     // Counts the sessions.
    int connection = 0;  // Counts the connections, of all sessions.
    // Why there is no connection, if that is so for longer than usual.
    absl::Status error;
    absl::Duration again;  // When to look again, if nothing wakes the owner.
  };

  struct Reply {
    int code = 0;  // ZOK, ZNONODE, …
    std::string data;
    std::vector<std::string> names;

    // The connection is lost, or the session: the next one is to ask again.
    bool lost() const;
  };
  using Done = std::function<void(Reply)>;
  // A watch has fired: ZOO_CHILD_EVENT, ….
  using OnWatch = std::function<void(int event, const std::string& path)>;

  // `wake`: called when there is something new for Tend().
  ZookeeperConnection(Options options, OnWatch on_watch,
                      std::function<void()> wake);
  ~ZookeeperConnection();
  ZookeeperConnection(const ZookeeperConnection&) = delete;
  ZookeeperConnection& operator=(const ZookeeperConnection&) = delete;

  // Runs the callbacks of all that has come; begins a session when there is
  // none, or the last one has ended.
  Look Tend();
  // The present session ends, and with it what has come of it; another one
  // begins after `pause`.
  void EndSession(absl::Duration pause);
  // A session that has a connection ends on the server, too.  No callback runs
  // after this, and no other method may be called.
  void Close();

  // The first three set a watch; GetData() only when there is a node.
  void GetChildren(const std::string& path, Done done);
  void GetData(const std::string& path, Done done);
  void GetWhetherExists(const std::string& path, Done done);
  // A persistent node without data, or one that goes with the session: open to
  // everybody; with credentials the latter is open for reading only.
  void CreateNode(const std::string& path, Done done);
  void CreateEphemeral(const std::string& path, const std::string& data,
                       Done done);
  // Deletes and creates, at once for everybody who looks.
  void ReplaceByEphemeral(const std::string& path, const std::string& data,
                          Done done);

 private:
  using Clock = std::chrono::steady_clock;
  struct Request;
  struct Calls;  // The library's callbacks.

  absl::Status Open();
  void CloseHandle();
  void EndIfOver(Clock::time_point now);
  // Whether the server that was connected to owes an answer for too long.
  bool IsSilent(Clock::time_point now);
  void RetryLater(absl::Status problem);
  void RunSteps();
  const struct ACL_vector* AclOfEphemeral() const;
  // Sends by `send`, which returns the library's code.
  template <typename Send>
  void Ask(Done done, Send send);

  // The library's threads':
  void OnState(int state);
  void OnReply(const void* context, Reply reply);
  // `answered`: the request that it answers, if it does.
  void AddStep(std::function<void()> step, const Request* answered = nullptr);

  const Options options_;
  const OnWatch on_watch_;
  const std::function<void()> wake_;

  // The owner's thread's.
  struct _zhandle* handle_ = nullptr;
  int session_ = 0;
  bool has_credentials_ = false;
  Clock::time_point open_at_;  // The next handle, when there is none.
  Clock::time_point down_since_;
  bool down_ = true;
  absl::optional<Clock::time_point> silent_since_;
  absl::Duration silence_patience_;
  // Why the last session could not be begun, or was refused.
  absl::Status problem_;
  Backoff backoff_;
  std::minstd_rand random_;

  std::mutex mu_;
  bool connected_ ABSL_GUARDED_BY(mu_) = false;
  int connections_ ABSL_GUARDED_BY(mu_) = 0;
  // Of the present session.
  bool established_ ABSL_GUARDED_BY(mu_) = false;
  int end_state_ ABSL_GUARDED_BY(mu_) = 0;       // Not 0: it is over.
  Clock::time_point lost_ ABSL_GUARDED_BY(mu_);  // Or when it was begun.
  absl::flat_hash_set<const Request*> requests_ ABSL_GUARDED_BY(mu_);
  std::vector<std::function<void()>> steps_ ABSL_GUARDED_BY(mu_);
  bool woken_ ABSL_GUARDED_BY(mu_) = false;  // For what is in steps_.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ZOOKEEPER_CONNECTION_H_
