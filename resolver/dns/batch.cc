#include "multi_backend/resolver/dns/batch.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

// Few enough not to look like an attack, and enough to ask for a hundred
// targets of SRV records in two round trips.
constexpr size_t kMaxUnderWay = 64;
// The largest payload that passes every path without fragments (DNS flag day
// 2020).
constexpr int kUdpPayload = 1232;
// /etc/hosts has no TTL.
constexpr absl::Duration kHostsFileTtl = absl::Seconds(30);

int TypeNumber(DnsType type) {
  switch (type) {
    case DnsType::kA:
      return ns_t_a;
    case DnsType::kAaaa:
      return ns_t_aaaa;
    case DnsType::kSrv:
      return ns_t_srv;
    case DnsType::kTxt:
      return ns_t_txt;
  }
  return ns_t_a;
}

bool HasRecords(const DnsAnswer& answer, DnsType type) {
  switch (type) {
    case DnsType::kA:
    case DnsType::kAaaa:
      return !answer.addresses.empty();
    case DnsType::kSrv:
      return !answer.services.empty();
    case DnsType::kTxt:
      return !answer.texts.empty();
  }
  return false;
}

absl::Status StatusOfError(int error) {
  switch (error) {
    case ARES_ENOTFOUND:
      return absl::NotFoundError("the name does not exist");
    case ARES_ENODATA:
      return absl::NotFoundError("the name has no such records");
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
      return absl::CancelledError("cancelled");
    default:
      return absl::UnavailableError(ares_strerror(error));
  }
}

DnsResult ResultOf(DnsType type, int error, const unsigned char* packet,
                   int size) {
  if (error != ARES_SUCCESS) return StatusOfError(error);
  DnsResult answer = ParseDnsAnswer(packet, static_cast<size_t>(size));
  if (answer.ok() && !HasRecords(*answer, type)) {
    return StatusOfError(ARES_ENODATA);
  }
  return answer;
}

// c-ares marks a socket as close-on-exec only after it has made it.  A program
// that another thread starts in between would inherit the socket.
ares_socket_t MakeSocket(int family, int type, int protocol, void* /*arg*/) {
  return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
}

int CloseSocket(ares_socket_t fd, void* /*arg*/) { return close(fd); }

int ConnectSocket(ares_socket_t fd, const sockaddr* address,
                  ares_socklen_t size, void* /*arg*/) {
  return connect(fd, address, size);
}

ares_ssize_t ReceiveFrom(ares_socket_t fd, void* buffer, size_t size, int flags,
                         sockaddr* from, ares_socklen_t* from_size,
                         void* /*arg*/) {
  return recvfrom(fd, buffer, size, flags, from, from_size);
}

ares_ssize_t SendAll(ares_socket_t fd, const iovec* parts, int count,
                     void* /*arg*/) {
  // Unlike writev(), a lost TCP connection raises no SIGPIPE.
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = static_cast<size_t>(count);
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

constexpr ares_socket_functions kSocketFunctions = {
    MakeSocket, CloseSocket, ConnectSocket, ReceiveFrom, SendAll};

}  // namespace

DnsBatch::DnsBatch(std::vector<DnsQuestion> questions,
                   const DnsClientOptions& options, absl::Time now,
                   OnResult on_result)
    : questions_(std::move(questions)),
      system_(options.servers.empty()),
      total_timeout_(options.total_timeout),
      end_(now + options.total_timeout),
      on_result_(std::move(on_result)),
      waiting_(questions_.size()) {
  const int error = Open(options);
  if (error == ARES_SUCCESS) {
    StartMore();
    return;
  }
  while (next_ < questions_.size()) Report(next_++, StatusOfError(error));
}

DnsBatch::~DnsBatch() {
  dropped_ = true;
  // Ends the questions under way by calling their callbacks.
  if (channel_ != nullptr) ares_destroy(channel_);
}

absl::Time DnsBatch::AddDescriptors(absl::Time now,
                                    std::vector<pollfd>& polled) const {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets;
  const int ready =
      ares_getsock(channel_, sockets.data(), static_cast<int>(sockets.size()));
  for (size_t i = 0; i < sockets.size(); ++i) {
    short events = 0;
    if (ARES_GETSOCK_READABLE(ready, i)) events |= POLLIN;
    if (ARES_GETSOCK_WRITABLE(ready, i)) events |= POLLOUT;
    if (events == 0) break;
    polled.push_back({sockets[i], events, 0});
  }
  timeval longest = absl::ToTimeval(std::max(end_ - now, absl::ZeroDuration()));
  timeval buffer;
  return now +
         absl::DurationFromTimeval(*ares_timeout(channel_, &longest, &buffer));
}

void DnsBatch::Act(const pollfd* polled, size_t count, absl::Time now) {
  bool any = false;
  for (size_t i = 0; i < count; ++i) {
    const short events = polled[i].revents;
    if (events == 0) continue;
    any = true;
    const bool failed = (events & (POLLERR | POLLHUP | POLLNVAL)) != 0;
    ares_process_fd(
        channel_,
        failed || (events & POLLIN) != 0 ? polled[i].fd : ARES_SOCKET_BAD,
        (events & POLLOUT) != 0 ? polled[i].fd : ARES_SOCKET_BAD);
  }
  if (!any) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  StartMore();
  if (now >= end_ && !done()) GiveUp();
}

int DnsBatch::Open(const DnsClientOptions& options) {
  ares_options wanted = {};
  wanted.flags = ARES_FLAG_EDNS;
  wanted.ednspsz = kUdpPayload;
  wanted.timeout = static_cast<int>(absl::ToInt64Milliseconds(options.timeout));
  wanted.tries = options.tries;
  const int error = ares_init_options(
      &channel_, &wanted,
      ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  if (error != ARES_SUCCESS) return error;
  ares_set_socket_functions(channel_, &kSocketFunctions, nullptr);
  if (system_) return ARES_SUCCESS;
  return ares_set_servers_ports_csv(channel_, options.servers.c_str());
}

void DnsBatch::StartMore() {
  while (next_ < questions_.size() && under_way_ < kMaxUnderWay) {
    const size_t index = next_++;
    const DnsQuestion& question = questions_[index];
    if (system_ && TakeFromHostsFile(index)) continue;
    waiting_[index] = {this, index};
    ++under_way_;
    // Only the system's servers come with a search list.
    const auto ask = system_ ? &ares_search : &ares_query;
    ask(channel_, question.name.c_str(), ns_c_in, TypeNumber(question.type),
        &OnAnswer, &waiting_[index]);
  }
}

bool DnsBatch::TakeFromHostsFile(size_t index) {
  const DnsQuestion& question = questions_[index];
  if (question.type != DnsType::kA && question.type != DnsType::kAaaa) {
    return false;
  }
  const int family = question.type == DnsType::kA ? AF_INET : AF_INET6;
  hostent* host = nullptr;
  if (ares_gethostbyname_file(channel_, question.name.c_str(), family, &host) !=
      ARES_SUCCESS) {
    return false;
  }
  DnsAnswer answer;
  answer.ttl = kHostsFileTtl;
  for (char** address = host->h_addr_list; *address != nullptr; ++address) {
    char text[INET6_ADDRSTRLEN];
    inet_ntop(family, *address, text, sizeof(text));
    answer.addresses.push_back({question.name, text, kHostsFileTtl});
  }
  ares_free_hostent(host);
  if (answer.addresses.empty()) return false;
  Report(index, std::move(answer));
  return true;
}

void DnsBatch::OnAnswer(void* arg, int error, int /*timeouts*/,
                        unsigned char* packet, int size) {
  const Waiting& waiting = *static_cast<Waiting*>(arg);
  DnsBatch& batch = *waiting.batch;
  --batch.under_way_;
  if (batch.given_up_ && error == ARES_ECANCELLED) {
    batch.Report(waiting.index, batch.Late());
    return;
  }
  batch.Report(waiting.index, ResultOf(batch.questions_[waiting.index].type,
                                       error, packet, size));
}

void DnsBatch::Report(size_t index, DnsResult result) {
  if (dropped_) return;
  if (system_ && !result.ok()) result = NameServersIn(result.status());
  on_result_(questions_[index], std::move(result));
}

void DnsBatch::GiveUp() {
  given_up_ = true;
  while (next_ < questions_.size()) Report(next_++, Late());
  // Calls OnAnswer() for each question under way.
  ares_cancel(channel_);
}

absl::Status DnsBatch::Late() const {
  return absl::DeadlineExceededError(
      absl::StrCat("no answer after ", absl::FormatDuration(total_timeout_)));
}

// Only for the system's servers: configured ones are part of the target's name.
absl::Status DnsBatch::NameServersIn(const absl::Status& error) const {
  std::vector<std::string> names;
  ares_addr_port_node* servers = nullptr;
  ares_get_servers_ports(channel_, &servers);
  for (const auto* server = servers; server; server = server->next) {
    char ip[INET6_ADDRSTRLEN];
    inet_ntop(server->family, &server->addr, ip, sizeof(ip));
    const int port = server->udp_port == 0 ? 53 : server->udp_port;
    names.push_back(Endpoint::Of(ip, static_cast<uint16_t>(port)).address());
  }
  ares_free_data(servers);
  return absl::Status(error.code(),
                      absl::StrCat(error.message(), " (asked ",
                                   absl::StrJoin(names, ", "), ")"));
}

}  // namespace multi_backend
