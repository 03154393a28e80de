#include "multi_backend/observability/admin/http/connections.h"

#include <algorithm>

namespace multi_backend {

Connection* Connections::Add(int fd, absl::Time now, Connection** surplus) {
  *surplus = nullptr;
  if (open_.size() - closing_ >= max_) {
    const auto oldest = std::find_if(
        open_.begin(), open_.end(),
        [](const Connection& open) { return !open.viewer && !open.closing; });
    if (oldest != open_.end()) {
      oldest->closing = true;
      ++closing_;
      *surplus = &*oldest;
    }
  }
  Connection connection;
  connection.fd = fd;
  connection.since = now;
  open_.push_back(connection);
  return &open_.back();
}

void Connections::Remove(Connection* connection) {
  const auto found = Find(connection);
  if (found == open_.end()) return;
  if (found->closing) --closing_;
  open_.erase(found);
}

void Connections::Progress(Connection* connection, absl::Time now) {
  const auto found = Find(connection);
  if (found == open_.end()) return;
  found->since = now;
  open_.splice(open_.end(), open_, found);
}

std::vector<Connection*> Connections::Overdue(absl::Time now) {
  std::vector<Connection*> overdue;
  for (Connection& connection : open_) {
    if (now - connection.since < max_time_) break;
    if (connection.viewer || connection.closing) continue;
    connection.closing = true;
    ++closing_;
    overdue.push_back(&connection);
  }
  return overdue;
}

std::list<Connection>::iterator Connections::Find(
    const Connection* connection) {
  return std::find_if(
      open_.begin(), open_.end(),
      [connection](const Connection& open) { return &open == connection; });
}

}  // namespace multi_backend
