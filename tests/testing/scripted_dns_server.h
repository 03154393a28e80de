// ScriptedDnsServer: a DNS server for tests that answers what the test says,
// and leaves questions unanswered until the test gives their answer.
//
//   ScriptedDnsServer server;
//   server.Answer("A users.example", {DnsRecordOf("users.example",
//   "10.0.0.1")}); server.Hold("AAAA users.example");   // No answer until
//   Answer() is called.
//
// A question that is neither answered nor held has no records.  UDP on the
// loopback interface only.
//
// Thread-safe.
#ifndef MULTI_BACKEND_TESTS_TESTING_SCRIPTED_DNS_SERVER_H_
#define MULTI_BACKEND_TESTS_TESTING_SCRIPTED_DNS_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace multi_backend {

struct DnsRecord {
  std::string owner;
  uint16_t type = 0;
  uint32_t ttl = 0;  // Seconds.
  std::string data;
  bool additional = false;  // Stands in the additional section.
};

namespace dns_wire {

constexpr uint16_t kA = 1;
constexpr uint16_t kAaaa = 28;
constexpr uint16_t kSrv = 33;

inline std::string Number(uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) {
    text.push_back(static_cast<char>(value >> (8 * i)));
  }
  return text;
}

inline std::string Name(const std::string& name) {
  std::string wire;
  for (const absl::string_view label : absl::StrSplit(name, '.')) {
    absl::StrAppend(&wire, Number(static_cast<uint32_t>(label.size()), 1),
                    label);
  }
  wire.push_back('\0');
  return wire;
}

inline std::string Record(const DnsRecord& record) {
  return absl::StrCat(Name(record.owner), Number(record.type, 2), Number(1, 2),
                      Number(record.ttl, 4),
                      Number(static_cast<uint32_t>(record.data.size()), 2),
                      record.data);
}

}  // namespace dns_wire

// An A or AAAA record, depending on `ip`.
inline DnsRecord DnsRecordOf(const std::string& owner, const std::string& ip,
                             uint32_t ttl = 3600) {
  const bool v6 = ip.find(':') != std::string::npos;
  char data[16];
  inet_pton(v6 ? AF_INET6 : AF_INET, ip.c_str(), data);
  return {owner, v6 ? dns_wire::kAaaa : dns_wire::kA, ttl,
          std::string(data, v6 ? 16 : 4)};
}

inline DnsRecord SrvRecordOf(const std::string& owner,
                             const std::string& target, uint16_t port,
                             uint32_t ttl = 3600) {
  return {owner, dns_wire::kSrv, ttl,
          absl::StrCat(dns_wire::Number(1, 2), dns_wire::Number(100, 2),
                       dns_wire::Number(port, 2), dns_wire::Name(target))};
}

class ScriptedDnsServer {
 public:
  ScriptedDnsServer() : socket_(socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    if (bind(socket_, plain, size) != 0 ||
        getsockname(socket_, plain, &size) != 0) {
      ADD_FAILURE() << "cannot open a UDP socket";
      abort();
    }
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
    thread_ = std::thread([this] { Serve(); });
  }

  ~ScriptedDnsServer() {
    stopped_ = true;
    thread_.join();
    close(socket_);
  }

  const std::string& address() const { return address_; }

  // `question`: "AAAA users.example".  Also answers those that wait.
  void Answer(const std::string& question, std::vector<DnsRecord> records) {
    std::lock_guard<std::mutex> lock(mu_);
    Script& script = scripts_[question];
    script.held = false;
    script.records = std::move(records);
    for (const Packet& packet : script.waiting) Reply(packet, script);
    script.waiting.clear();
  }

  // From now on the question gets no answer.
  void Hold(const std::string& question) {
    std::lock_guard<std::mutex> lock(mu_);
    scripts_[question].held = true;
  }

  // How often the question was asked.
  int asked(const std::string& question) {
    std::lock_guard<std::mutex> lock(mu_);
    return scripts_[question].asked;
  }

  // Waits until a question of this kind waits for its answer.
  bool AwaitHeld(const std::string& question) {
    std::unique_lock<std::mutex> lock(mu_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] {
      return !scripts_[question].waiting.empty();
    });
  }

 private:
  struct Packet {
    std::string bytes;  // The header and the question only.
    sockaddr_in from;
  };
  struct Script {
    bool held = false;
    int asked = 0;
    std::vector<DnsRecord> records;
    std::vector<Packet> waiting;
  };

  static std::string QuestionOf(std::string& packet) {
    std::string name;
    size_t at = 12;
    while (at < packet.size() && packet[at] != 0) {
      const size_t length = static_cast<unsigned char>(packet[at]);
      absl::StrAppend(&name, name.empty() ? "" : ".",
                      packet.substr(at + 1, length));
      at += 1 + length;
    }
    if (at + 5 > packet.size()) return "";
    const int type = packet[at + 2];
    packet.resize(at + 5);
    const char* const type_name = type == dns_wire::kA      ? "A"
                                  : type == dns_wire::kAaaa ? "AAAA"
                                  : type == dns_wire::kSrv  ? "SRV"
                                                            : "TXT";
    return absl::StrCat(type_name, " ", name);
  }

  void Reply(const Packet& packet, const Script& script) {
    std::string answers, additional;
    uint32_t answer_count = 0, additional_count = 0;
    for (const DnsRecord& record : script.records) {
      (record.additional ? additional : answers) += dns_wire::Record(record);
      ++(record.additional ? additional_count : answer_count);
    }
    using dns_wire::Number;
    // The flags: an authoritative answer, recursion desired and available.
    const std::string reply = absl::StrCat(
        packet.bytes.substr(0, 2), Number(0x8580, 2), Number(1, 2),
        Number(answer_count, 2), Number(0, 2), Number(additional_count, 2),
        packet.bytes.substr(12), answers, additional);
    sendto(socket_, reply.data(), reply.size(), 0,
           reinterpret_cast<const sockaddr*>(&packet.from),
           sizeof(packet.from));
  }

  void Serve() {
    while (!stopped_) {
      pollfd readable = {socket_, POLLIN, 0};
      if (poll(&readable, 1, /*timeout=*/20) <= 0) continue;
      char buffer[1500];
      Packet packet = {};
      socklen_t size = sizeof(packet.from);
      const ssize_t count =
          recvfrom(socket_, buffer, sizeof(buffer), 0,
                   reinterpret_cast<sockaddr*>(&packet.from), &size);
      if (count < 17) continue;
      packet.bytes.assign(buffer, static_cast<size_t>(count));
      const std::string question = QuestionOf(packet.bytes);
      std::lock_guard<std::mutex> lock(mu_);
      Script& script = scripts_[question];
      ++script.asked;
      if (script.held) {
        script.waiting.push_back(packet);
      } else {
        Reply(packet, script);
      }
      changed_.notify_all();
    }
  }

  const int socket_;
  std::string address_;
  std::atomic<bool> stopped_{false};
  std::mutex mu_;
  std::condition_variable changed_;
  std::map<std::string, Script> scripts_;
  std::thread thread_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_SCRIPTED_DNS_SERVER_H_
