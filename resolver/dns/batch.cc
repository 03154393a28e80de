#include "multi_backend/resolver/dns/batch.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/resolver/dns/cares.h"

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
                   size_t size) {
  if (error != ARES_SUCCESS) return StatusOfError(error);
  DnsResult answer = ParseDnsAnswer(packet, size);
  if (answer.ok() && !HasRecords(*answer, type)) {
    return StatusOfError(ARES_ENODATA);
  }
  return answer;
}

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
  polled.insert(polled.end(), sockets_.begin(), sockets_.end());
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
  wanted.sock_state_cb = &OnSocketState;
  wanted.sock_state_cb_data = &sockets_;
  int error =
      ares_init_options(&channel_, &wanted,
                        ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS |
                            ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (error != ARES_SUCCESS) return error;
  error = SetCaresSocketFunctions(channel_);
  if (error != ARES_SUCCESS || system_) return error;
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
    AskCares(channel_,
             {question.name.c_str(), TypeNumber(question.type),
              /*search=*/system_, kUdpPayload},
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

void DnsBatch::OnSocketState(void* arg, ares_socket_t fd, int readable,
                             int writable) {
  std::vector<pollfd>& sockets = *static_cast<std::vector<pollfd>*>(arg);
  auto it =
      std::find_if(sockets.begin(), sockets.end(),
                   [fd](const pollfd& socket) { return socket.fd == fd; });
  const int events =
      (readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0);
  if (events == 0) {
    if (it != sockets.end()) sockets.erase(it);
    return;
  }
  if (it == sockets.end()) it = sockets.insert(it, {fd, 0, 0});
  it->events = static_cast<short>(events);
}

void DnsBatch::OnAnswer(void* arg, int error, const unsigned char* packet,
                        size_t size) {
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
  return absl::Status(error.code(), absl::StrCat(error.message(), " (asked ",
                                                 CaresServers(channel_), ")"));
}

}  // namespace multi_backend
