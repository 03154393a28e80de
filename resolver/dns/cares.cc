#include "multi_backend/resolver/dns/cares.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "absl/strings/str_join.h"

// The releases of c-ares that brought the successors of deprecated functions.
#define MULTI_BACKEND_CARES_LISTS_SERVERS (ARES_VERSION >= 0x011800)  // 1.24
#define MULTI_BACKEND_CARES_HAS_RECORDS (ARES_VERSION >= 0x011c00)    // 1.28
#define MULTI_BACKEND_CARES_SENDS_BUFFERS (ARES_VERSION >= 0x012200)  // 1.34

#if MULTI_BACKEND_CARES_LISTS_SERVERS
#include "absl/strings/str_split.h"
#else
#include <arpa/inet.h>

#include <cstdint>
#include <vector>

#include "multi_backend/resolver/endpoint/endpoint.h"
#endif

namespace multi_backend {
namespace {

// The answer to one question, for c-ares' callbacks.
struct Waiting {
  OnCaresAnswer on_answer;
  void* arg;
};

// c-ares marks a socket as close-on-exec only after it has made it.  A program
// that another thread starts in between would inherit the socket.
ares_socket_t MakeSocket(int family, int type, int protocol, void* /*arg*/) {
  return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
}

int CloseSocket(ares_socket_t fd, void* /*arg*/) { return close(fd); }

ares_ssize_t ReceiveFrom(ares_socket_t fd, void* buffer, size_t size, int flags,
                         sockaddr* from, ares_socklen_t* from_size,
                         void* /*arg*/) {
  return recvfrom(fd, buffer, size, flags, from, from_size);
}

#if MULTI_BACKEND_CARES_SENDS_BUFFERS

// Leaves the sockets' options as the system sets them.
int SetNoOption(ares_socket_t /*fd*/, ares_socket_opt_t /*option*/,
                const void* /*value*/, ares_socklen_t /*size*/, void* /*arg*/) {
  errno = ENOSYS;
  return -1;
}

int ConnectSocket(ares_socket_t fd, const sockaddr* address,
                  ares_socklen_t size, unsigned int /*flags*/, void* /*arg*/) {
  return connect(fd, address, size);
}

// The sockets are connected, so the address is known.
ares_ssize_t Send(ares_socket_t fd, const void* data, size_t size, int flags,
                  const sockaddr* /*to*/, ares_socklen_t /*to_size*/,
                  void* /*arg*/) {
  return send(fd, data, size, flags | MSG_NOSIGNAL);
}

constexpr ares_socket_functions_ex kSocketFunctions = {
    /*version=*/1,
    ARES_SOCKFUNC_FLAG_NONBLOCKING,
    MakeSocket,
    CloseSocket,
    SetNoOption,
    ConnectSocket,
    ReceiveFrom,
    Send,
    /*agetsockname=*/nullptr,
    /*abind=*/nullptr,
    /*aif_nametoindex=*/nullptr,
    /*aif_indextoname=*/nullptr};

#else

int ConnectSocket(ares_socket_t fd, const sockaddr* address,
                  ares_socklen_t size, void* /*arg*/) {
  return connect(fd, address, size);
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

#endif

#if MULTI_BACKEND_CARES_HAS_RECORDS

// Hands the answer on as a packet, because the reader of the C library reads it
// on all releases.
void OnRecords(void* arg, ares_status_t status, size_t /*timeouts*/,
               const ares_dns_record_t* records) {
  const std::unique_ptr<Waiting> waiting(static_cast<Waiting*>(arg));
  unsigned char* packet = nullptr;
  size_t size = 0;
  if (status == ARES_SUCCESS) status = ares_dns_write(records, &packet, &size);
  waiting->on_answer(waiting->arg, static_cast<int>(status), packet, size);
  ares_free_string(packet);
}

// Makes the question as ares_query() does, which ares_search_dnsrec() expects
// from its caller.
ares_status_t MakeQuery(const CaresQuestion& question,
                        ares_dns_record_t** query) {
  ares_status_t status = ares_dns_record_create(
      query, /*id=*/0, ARES_FLAG_RD, ARES_OPCODE_QUERY, ARES_RCODE_NOERROR);
  if (status != ARES_SUCCESS) return status;
  status = ares_dns_record_query_add(
      *query, question.name, static_cast<ares_dns_rec_type_t>(question.type),
      ARES_CLASS_IN);
  if (status != ARES_SUCCESS) return status;
  ares_dns_rr_t* edns = nullptr;
  status = ares_dns_record_rr_add(&edns, *query, ARES_SECTION_ADDITIONAL, "",
                                  ARES_REC_TYPE_OPT, ARES_CLASS_IN, /*ttl=*/0);
  if (status != ARES_SUCCESS) return status;
  status =
      ares_dns_rr_set_u16(edns, ARES_RR_OPT_UDP_SIZE,
                          static_cast<unsigned short>(question.udp_payload));
  if (status != ARES_SUCCESS) return status;
  status = ares_dns_rr_set_u8(edns, ARES_RR_OPT_VERSION, 0);
  if (status != ARES_SUCCESS) return status;
  status = ares_dns_rr_set_u16(edns, ARES_RR_OPT_FLAGS, 0);
  if (status != ARES_SUCCESS) return status;
  // A search for a name that cannot be asked would end with "out of memory".
  unsigned char* packet = nullptr;
  size_t size = 0;
  status = ares_dns_write(*query, &packet, &size);
  ares_free_string(packet);
  return status;
}

#else

void OnPacket(void* arg, int error, int /*timeouts*/, unsigned char* packet,
              int size) {
  const std::unique_ptr<Waiting> waiting(static_cast<Waiting*>(arg));
  waiting->on_answer(waiting->arg, error, packet, static_cast<size_t>(size));
}

#endif

}  // namespace

int SetCaresSocketFunctions(ares_channel channel) {
#if MULTI_BACKEND_CARES_SENDS_BUFFERS
  return ares_set_socket_functions_ex(channel, &kSocketFunctions, nullptr);
#else
  ares_set_socket_functions(channel, &kSocketFunctions, nullptr);
  return ARES_SUCCESS;
#endif
}

void AskCares(ares_channel channel, const CaresQuestion& question,
              OnCaresAnswer on_answer, void* arg) {
  auto waiting = std::make_unique<Waiting>(Waiting{on_answer, arg});
#if MULTI_BACKEND_CARES_HAS_RECORDS
  if (!question.search) {
    ares_query_dnsrec(channel, question.name, ARES_CLASS_IN,
                      static_cast<ares_dns_rec_type_t>(question.type),
                      &OnRecords, waiting.release(), /*qid=*/nullptr);
    return;
  }
  ares_dns_record_t* query = nullptr;
  const ares_status_t status = MakeQuery(question, &query);
  if (status == ARES_SUCCESS) {
    ares_search_dnsrec(channel, query, &OnRecords, waiting.release());
  } else {
    OnRecords(waiting.release(), status, /*timeouts=*/0, /*records=*/nullptr);
  }
  ares_dns_record_destroy(query);
#else
  const auto ask = question.search ? &ares_search : &ares_query;
  ask(channel, question.name, ns_c_in, question.type, &OnPacket,
      waiting.release());
#endif
}

std::string CaresServers(ares_channel channel) {
#if MULTI_BACKEND_CARES_LISTS_SERVERS
  char* const list = ares_get_servers_csv(channel);
  if (list == nullptr) return "";
  std::string servers =
      absl::StrJoin(absl::StrSplit(list, ',', absl::SkipEmpty()), ", ");
  ares_free_string(list);
  return servers;
#else
  std::vector<std::string> servers;
  ares_addr_port_node* list = nullptr;
  ares_get_servers_ports(channel, &list);
  for (const auto* server = list; server != nullptr; server = server->next) {
    char ip[INET6_ADDRSTRLEN];
    inet_ntop(server->family, &server->addr, ip, sizeof(ip));
    const int port = server->udp_port == 0 ? 53 : server->udp_port;
    servers.push_back(Endpoint::Of(ip, static_cast<uint16_t>(port)).address());
  }
  ares_free_data(list);
  return absl::StrJoin(servers, ", ");
#endif
}

}  // namespace multi_backend
