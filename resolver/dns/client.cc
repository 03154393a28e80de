#include "multi_backend/resolver/dns/client.h"

#include <ares.h>
#include <poll.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "multi_backend/clock/steady_now.h"
#include "multi_backend/resolver/dns/batch.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/ip_address.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

constexpr size_t kMaxServers = 8;
// RFC 8305, section 3, waits for the other address family after the first
// answer.  This is three times its recommendation, because the wait costs
// little here: once at the start, and in refreshes that no call waits for.
constexpr absl::Duration kGrace = absl::Milliseconds(150);

// Whether calls can be made with what an answer says.
bool IsUsable(const DnsAnswer& answer) {
  return !answer.addresses.empty() || !answer.texts.empty() ||
         !answer.additional.empty();
}

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
          absl::StrCat("DNS server ", Quoted(server, 100),
                       ": write address or address:port, IPv6 in brackets"));
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

struct DnsClient::State {
  explicit State(DnsClientOptions client_options)
      : options(std::move(client_options)) {}

  using Key = std::pair<std::string, DnsType>;
  static Key KeyOf(const DnsQuestion& question) {
    return {question.name, question.type};
  }

  void Start(const std::vector<DnsQuestion>& questions);
  void OnResult(const DnsQuestion& question, DnsResult result);
  bool AnyUnderWay(const std::vector<DnsQuestion>& questions) const;
  // Until when a missing answer is worth a wait.
  absl::Time EndOfGrace() const {
    return usable ? newest_answer + kGrace : absl::InfiniteFuture();
  }
  // Waits for a socket, a timer of c-ares, `end` or the signal, once.  Does not
  // take the signal's wake.
  void Poll(absl::Time end, const SourceThread::Signal& signal);

  const DnsClientOptions options;
  // The questions of the round; nullopt = under way.
  std::map<Key, absl::optional<DnsResult>> results;
  size_t answers = 0;   // All results ever.
  bool usable = false;  // The round has an answer that can be used.
  absl::Time newest_answer;
  std::vector<std::unique_ptr<DnsBatch>> batches;
};

void DnsClient::State::Start(const std::vector<DnsQuestion>& questions) {
  std::vector<DnsQuestion> asked;
  for (const DnsQuestion& question : questions) {
    if (results.emplace(KeyOf(question), absl::nullopt).second) {
      asked.push_back(question);
    }
  }
  if (asked.empty()) return;
  auto batch = std::make_unique<DnsBatch>(
      std::move(asked), options, SteadyNow(),
      [this](const DnsQuestion& question, DnsResult result) {
        OnResult(question, std::move(result));
      });
  if (!batch->done()) batches.push_back(std::move(batch));
}

void DnsClient::State::OnResult(const DnsQuestion& question, DnsResult result) {
  ++answers;
  newest_answer = SteadyNow();
  usable |= result.ok() && IsUsable(*result);
  results[KeyOf(question)] = std::move(result);
}

bool DnsClient::State::AnyUnderWay(
    const std::vector<DnsQuestion>& questions) const {
  return std::any_of(questions.begin(), questions.end(),
                     [this](const DnsQuestion& question) {
                       return !results.at(KeyOf(question)).has_value();
                     });
}

void DnsClient::State::Poll(absl::Time end,
                            const SourceThread::Signal& signal) {
  const absl::Time now = SteadyNow();
  std::vector<pollfd> polled;
  std::vector<size_t> counts;
  for (const auto& batch : batches) {
    const size_t before = polled.size();
    end = std::min(end, batch->AddDescriptors(now, polled));
    counts.push_back(polled.size() - before);
  }
  polled.push_back({signal.wake_fd(), POLLIN, 0});
  absl::Duration wait = end - now;
  // Without a descriptor the signal cannot end the wait, so it is polled.
  if (signal.wake_fd() < 0) wait = std::min(wait, absl::Milliseconds(100));
  poll(polled.data(), polled.size(), PollTimeout(wait));
  size_t first = 0;
  for (size_t i = 0; i < batches.size(); ++i) {
    batches[i]->Act(polled.data() + first, counts[i], SteadyNow());
    first += counts[i];
  }
  batches.erase(std::remove_if(batches.begin(), batches.end(),
                               [](const std::unique_ptr<DnsBatch>& batch) {
                                 return batch->done();
                               }),
                batches.end());
}

absl::StatusOr<DnsClient> DnsClient::Make(const DnsClientOptions& options) {
  auto servers = NormalServers(options.servers);
  if (!servers.ok()) return servers.status();
  // Never cleaned up, because other code in the process may use c-ares, too.
  static const int initialized = ares_library_init(ARES_LIB_INIT_ALL);
  if (initialized != ARES_SUCCESS) {
    return absl::UnavailableError(ares_strerror(initialized));
  }
  DnsClientOptions normal = options;
  normal.servers = *std::move(servers);
  return DnsClient(std::move(normal));
}

DnsClient::DnsClient(DnsClientOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}

DnsClient::DnsClient(DnsClient&&) noexcept = default;
DnsClient& DnsClient::operator=(DnsClient&&) noexcept = default;
DnsClient::~DnsClient() = default;

void DnsClient::BeginRound() {
  for (auto it = state_->results.begin(); it != state_->results.end();) {
    it = it->second.has_value() ? state_->results.erase(it) : std::next(it);
  }
  state_->usable = false;
}

std::vector<DnsResult> DnsClient::Ask(const std::vector<DnsQuestion>& questions,
                                      SourceThread::Signal& signal) {
  State& state = *state_;
  state.Start(questions);
  while (!signal.stopped() && state.AnyUnderWay(questions) &&
         SteadyNow() < state.EndOfGrace()) {
    state.Poll(state.EndOfGrace(), signal);
    // A wake during a resolution needs no second one.
    signal.TakeWake();
  }
  std::vector<DnsResult> results;
  results.reserve(questions.size());
  for (const DnsQuestion& question : questions) {
    const auto& result = state.results.at(State::KeyOf(question));
    if (result.has_value()) {
      results.push_back(*result);
    } else if (signal.stopped()) {
      results.push_back(absl::CancelledError("cancelled"));
    } else {
      results.push_back(absl::UnavailableError("no answer yet"));
    }
  }
  return results;
}

bool DnsClient::IsWaiting() const { return !state_->batches.empty(); }

bool DnsClient::AwaitAnswer(absl::Duration timeout,
                            const SourceThread::Signal& signal) {
  const size_t before = state_->answers;
  state_->Poll(SteadyNow() + timeout, signal);
  return state_->answers != before;
}

}  // namespace multi_backend
