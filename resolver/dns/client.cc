#include "multi_backend/resolver/dns/client.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/ip_address.h"

namespace multi_backend {
namespace {

// Few enough not to look like an attack, and enough to ask for a hundred
// targets of SRV records in two round trips.
constexpr size_t kMaxUnderWay = 64;
constexpr size_t kMaxServers = 8;
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

// The state of one Ask(): a c-ares channel and the questions on it.
class Batch {
 public:
  Batch(const std::vector<DnsQuestion>& questions,
        const DnsClientOptions& options)
      : questions_(questions), system_(options.servers.empty()) {
    results_.assign(questions.size(), absl::CancelledError("cancelled"));
    waiting_.resize(questions.size());
    error_ = Open(options);
  }

  ~Batch() {
    // Ends the questions under way by calling their callbacks.
    if (channel_ != nullptr) ares_destroy(channel_);
  }

  std::vector<DnsResult> Run(absl::Duration timeout,
                             SourceThread::Signal& signal) {
    if (error_ != ARES_SUCCESS) {
      results_.assign(questions_.size(), StatusOfError(error_));
      return std::move(results_);
    }
    const auto end =
        std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
    while (true) {
      StartMore();
      if (under_way_ == 0 || signal.stopped()) break;
      const auto left =
          absl::FromChrono(end - std::chrono::steady_clock::now());
      if (left <= absl::ZeroDuration()) {
        GiveUp(timeout);
        break;
      }
      Wait(left, signal);
    }
    if (signal.stopped()) ares_cancel(channel_);
    if (system_) NameServersInErrors();
    return std::move(results_);
  }

 private:
  struct Waiting {
    Batch* batch = nullptr;
    size_t index = 0;
  };

  int Open(const DnsClientOptions& options) {
    ares_options wanted = {};
    wanted.flags = ARES_FLAG_EDNS;
    wanted.ednspsz = kUdpPayload;
    wanted.timeout =
        static_cast<int>(absl::ToInt64Milliseconds(options.timeout));
    wanted.tries = options.tries;
    const int error =
        ares_init_options(&channel_, &wanted,
                          ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ |
                              ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (error != ARES_SUCCESS || system_) return error;
    return ares_set_servers_ports_csv(channel_, options.servers.c_str());
  }

  void StartMore() {
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

  bool TakeFromHostsFile(size_t index) {
    const DnsQuestion& question = questions_[index];
    if (question.type != DnsType::kA && question.type != DnsType::kAaaa) {
      return false;
    }
    const int family = question.type == DnsType::kA ? AF_INET : AF_INET6;
    hostent* host = nullptr;
    if (ares_gethostbyname_file(channel_, question.name.c_str(), family,
                                &host) != ARES_SUCCESS) {
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
    results_[index] = std::move(answer);
    return true;
  }

  static void OnAnswer(void* arg, int error, int /*timeouts*/,
                       unsigned char* packet, int size) {
    const Waiting& waiting = *static_cast<Waiting*>(arg);
    Batch& batch = *waiting.batch;
    --batch.under_way_;
    // A question that was given up already has its result.
    if (batch.given_up_ || waiting.index >= batch.results_.size()) return;
    batch.results_[waiting.index] =
        ResultOf(batch.questions_[waiting.index].type, error, packet, size);
  }

  void GiveUp(absl::Duration timeout) {
    const absl::Status late = absl::DeadlineExceededError(
        absl::StrCat("no answer after ", absl::FormatDuration(timeout)));
    for (DnsResult& result : results_) {
      if (absl::IsCancelled(result.status())) result = late;
    }
    given_up_ = true;
  }

  // Only for the system's servers: configured ones are part of the target's
  // name.
  void NameServersInErrors() {
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
    for (DnsResult& result : results_) {
      if (result.ok() || absl::IsCancelled(result.status())) continue;
      result = absl::Status(result.status().code(),
                            absl::StrCat(result.status().message(), " (asked ",
                                         absl::StrJoin(names, ", "), ")"));
    }
  }

  // Waits for a socket, a timer of c-ares, or the signal.
  void Wait(absl::Duration timeout, SourceThread::Signal& signal) {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets;
    const int ready = ares_getsock(channel_, sockets.data(),
                                   static_cast<int>(sockets.size()));
    std::array<pollfd, ARES_GETSOCK_MAXNUM + 1> polled;
    nfds_t count = 0;
    for (size_t i = 0; i < sockets.size(); ++i) {
      short events = 0;
      if (ARES_GETSOCK_READABLE(ready, i)) events |= POLLIN;
      if (ARES_GETSOCK_WRITABLE(ready, i)) events |= POLLOUT;
      if (events == 0) break;
      polled[count++] = {sockets[i], events, 0};
    }
    const nfds_t of_channel = count;
    polled[count++] = {signal.wake_fd(), POLLIN, 0};
    timeval longest = absl::ToTimeval(timeout);
    timeval buffer;
    const timeval* const next = ares_timeout(channel_, &longest, &buffer);
    absl::Duration wait = absl::DurationFromTimeval(*next);
    // Without a descriptor the signal cannot end the wait, so it is polled.
    if (signal.wake_fd() < 0) wait = std::min(wait, absl::Milliseconds(100));
    poll(polled.data(), count, PollTimeout(wait));
    // A wake during a resolution needs no second one.
    signal.TakeWake();
    bool any = false;
    for (nfds_t i = 0; i < of_channel; ++i) {
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
  }

  const std::vector<DnsQuestion>& questions_;
  const bool system_;
  ares_channel channel_ = nullptr;
  int error_ = ARES_SUCCESS;
  std::vector<DnsResult> results_;
  std::vector<Waiting> waiting_;  // Arguments of callbacks; never moved.
  size_t next_ = 0;
  size_t under_way_ = 0;
  bool given_up_ = false;
};

// c-ares expects "address[:port]", with IPv6 addresses in brackets.
absl::StatusOr<std::string> NormalServers(absl::string_view servers) {
  std::vector<std::string> normal;
  if (servers.empty()) return std::string();
  for (absl::string_view server : absl::StrSplit(servers, ',')) {
    const absl::string_view digits = "0123456789";
    const size_t colon = server.rfind(':');
    const bool has_port = colon != absl::string_view::npos &&
                          colon + 1 < server.size() &&
                          server.find_first_not_of(digits, colon + 1) ==
                              absl::string_view::npos &&
                          (server[0] == '[' ? server[colon - 1] == ']'
                                            : server.find(':') == colon);
    const auto endpoint = Endpoint::Parse(
        has_port ? std::string(server) : absl::StrCat(server, ":53"));
    if (!endpoint.ok() || !IpAddress::Parse(endpoint->host).has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("DNS server \"", absl::CHexEscape(server.substr(0, 100)),
                       "\": write address or address:port, IPv6 in brackets"));
    }
    normal.push_back(endpoint->address());
  }
  if (normal.size() > kMaxServers) {
    return absl::InvalidArgumentError(
        absl::StrCat(normal.size(), " DNS servers, at most ", kMaxServers));
  }
  return absl::StrJoin(normal, ",");
}

}  // namespace

absl::StatusOr<DnsClient> DnsClient::Make(const DnsClientOptions& options) {
  auto servers = NormalServers(options.servers);
  if (!servers.ok()) return servers.status();
  // Never cleaned up, because other code in the process may use c-ares, too.
  static const int initialized = ares_library_init(ARES_LIB_INIT_ALL);
  if (initialized != ARES_SUCCESS) return StatusOfError(initialized);
  DnsClientOptions normal = options;
  normal.servers = *std::move(servers);
  return DnsClient(std::move(normal));
}

DnsClient::DnsClient(DnsClientOptions options) : options_(std::move(options)) {}

std::vector<DnsResult> DnsClient::Ask(const std::vector<DnsQuestion>& questions,
                                      SourceThread::Signal& signal) const {
  if (questions.empty()) return {};
  Batch batch(questions, options_);
  return batch.Run(options_.total_timeout, signal);
}

}  // namespace multi_backend
