// DnsClient: asks DNS servers through c-ares.
//
//   client.BeginRound();
//   auto results = client.Ask(questions, signal);
//   while (client.IsWaiting() && …) {
//     // Asking again gives the results known by now, and asks no server twice.
//     if (client.AwaitAnswer(timeout, signal)) results = client.Ask(…);
//   }
//
// Answers are used as they come: a server that does not answer one question,
// for instance AAAA, must not delay what the others said.  So Ask() waits no
// longer than 150 ms for further answers once something can be used.  What is
// missing stays under way, also in the next round, until it is answered or
// given up.
//
// An answer that does not fit a datagram is asked for again over TCP.  Without
// configured servers the client asks the system's (it reads /etc/resolv.conf
// for each Ask() with new questions), applies the system's search list, and
// takes addresses from /etc/hosts, as gRPC's own resolver does.
//
// Thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_DNS_CLIENT_H_
#define MULTI_BACKEND_RESOLVER_DNS_CLIENT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/dns/records.h"
#include "multi_backend/resolver/source/thread.h"

namespace multi_backend {

struct DnsClientOptions {
  // "192.0.2.1:53,[2001:db8::1]:5353": at most 8 addresses, each with an
  // optional port (default 53).  "" = the system's servers.
  std::string servers;
  // How long the first of the `tries` waits for a server's answer; each further
  // one waits twice as long as the one before.
  absl::Duration timeout = absl::Seconds(1);
  int tries = 3;
  // A bound for the questions that one Ask() starts.
  absl::Duration total_timeout = absl::Seconds(30);
};

class DnsClient {
 public:
  // INVALID_ARGUMENT when `servers` is malformed.
  static absl::StatusOr<DnsClient> Make(const DnsClientOptions& options);

  DnsClient(DnsClient&&) noexcept;
  DnsClient& operator=(DnsClient&&) noexcept;
  // Drops the questions under way.
  ~DnsClient();

  // Forgets all answers.  Questions that are under way stay so, and their
  // answers count for the new round.
  void BeginRound();

  // Returns one result for each question, in order.  A question that has an
  // answer in this round, or is under way, is not asked again.  Blocks until
  // all are answered or given up, or until 150 ms have passed since the newest
  // answer of a round with an answer that can be used: addresses or texts.
  // UNAVAILABLE "no answer yet": the question is still under way.
  // CANCELLED once `signal` is stopped.  Takes the wakes of `signal`.  Errors
  // name the system's servers when those were asked.
  std::vector<DnsResult> Ask(const std::vector<DnsQuestion>& questions,
                             SourceThread::Signal& signal);

  // Whether a question is under way.
  bool IsWaiting() const;

  // Waits for an answer, but at most `timeout`; ends early also without one,
  // and when `signal` is woken.  Returns whether an answer has come.
  bool AwaitAnswer(absl::Duration timeout, const SourceThread::Signal& signal);

 private:
  struct State;
  explicit DnsClient(DnsClientOptions options);

  std::unique_ptr<State> state_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_CLIENT_H_
