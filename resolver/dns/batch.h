// DnsBatch: questions that are under way together on one c-ares channel.
//
// The owner polls the descriptors of its batches and lets them act:
//
//   DnsBatch batch(questions, options, SteadyNow(), on_result);
//   while (!batch.done()) {
//     std::vector<pollfd> polled;
//     absl::Time wake_up = batch.AddDescriptors(SteadyNow(), polled);
//     poll(polled.data(), polled.size(), …);
//     batch.Act(polled.data(), polled.size(), SteadyNow());
//   }
//
// At most 64 questions are under way at a time.  Programs that the process
// starts do not inherit the sockets.
//
// Thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_DNS_BATCH_H_
#define MULTI_BACKEND_RESOLVER_DNS_BATCH_H_

#include <ares.h>
#include <poll.h>

#include <cstddef>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/dns/client.h"
#include "multi_backend/resolver/dns/records.h"

namespace multi_backend {

class DnsBatch {
 public:
  // Gets the result of each question once, also within the constructor.
  using OnResult = std::function<void(const DnsQuestion&, DnsResult)>;

  // `options.servers` must be "address:port,…", or "" for the system's.
  // Questions without an answer when `options.total_timeout` has passed get
  // DEADLINE_EXCEEDED.
  DnsBatch(std::vector<DnsQuestion> questions, const DnsClientOptions& options,
           absl::Time now, OnResult on_result);
  // Drops the questions under way, without results.
  ~DnsBatch();
  DnsBatch(const DnsBatch&) = delete;
  DnsBatch& operator=(const DnsBatch&) = delete;

  // Whether each question has its result.
  bool done() const { return next_ == questions_.size() && under_way_ == 0; }

  // Appends what to poll, and returns when to call Act() at the latest.
  absl::Time AddDescriptors(absl::Time now, std::vector<pollfd>& polled) const;

  // Acts on what poll() found for the `count` descriptors of this batch, and on
  // timeouts.
  void Act(const pollfd* polled, size_t count, absl::Time now);

 private:
  struct Waiting {
    DnsBatch* batch = nullptr;
    size_t index = 0;
  };

  static void OnAnswer(void* arg, int error, const unsigned char* packet,
                       size_t size);
  static void OnSocketState(void* arg, ares_socket_t fd, int readable,
                            int writable);

  int Open(const DnsClientOptions& options);
  void StartMore();
  bool TakeFromHostsFile(size_t index);
  void GiveUp();
  void Report(size_t index, DnsResult result);
  absl::Status Late() const;
  absl::Status NameServersIn(const absl::Status& error) const;

  const std::vector<DnsQuestion> questions_;
  const bool system_;
  const absl::Duration total_timeout_;
  const absl::Time end_;
  const OnResult on_result_;
  std::vector<pollfd> sockets_;  // What c-ares waits for.
  ares_channel channel_ = nullptr;
  std::vector<Waiting> waiting_;  // Arguments of callbacks; never moved.
  size_t next_ = 0;               // The first question that was not asked yet.
  size_t under_way_ = 0;
  bool given_up_ = false;  // After `end_`.
  bool dropped_ = false;   // Nothing is reported any more.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_BATCH_H_
