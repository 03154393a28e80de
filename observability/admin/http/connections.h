// Connections: which connections a server has, and which one must go.
//
// A client that sends its request slowly, or reads its answer slowly, costs
// only a place.  When the places are used up, the connection that has been slow
// for longest is closed, so a client that is quick is always served.
//
// Pure.  Threads: one.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_CONNECTIONS_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_CONNECTIONS_H_

#include <cstddef>
#include <list>
#include <vector>

#include "absl/time/time.h"

namespace multi_backend {

struct Connection {
  int fd = -1;
  // Since when the client has something to do: to send a request, or to read
  // the answer.
  absl::Time since;
  bool viewer = false;   // It follows the events, so it may stay.
  bool closing = false;  // It was told to go.
};

class Connections {
 public:
  // `max_time` is how long a client has for each request and each answer.
  Connections(size_t max, absl::Duration max_time)
      : max_(max), max_time_(max_time) {}

  // Adds a connection.  Sets `*surplus` to the one that must be closed for it,
  // or to null.
  Connection* Add(int fd, absl::Time now, Connection** surplus);
  void Remove(Connection* connection);
  // A new request or a new answer begins.
  void Progress(Connection* connection, absl::Time now);
  // Those whose time is over.
  std::vector<Connection*> Overdue(absl::Time now);

  size_t size() const { return open_.size(); }

 private:
  std::list<Connection>::iterator Find(const Connection* connection);

  const size_t max_;
  const absl::Duration max_time_;
  // Ordered by `since`.
  std::list<Connection> open_;
  size_t closing_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_CONNECTIONS_H_
