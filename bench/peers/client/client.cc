// A client of //bench:peers: one process with the channels of one peer.  It
// does what the lines on its stdin say and answers each one with a line of
// figures on stdout.  It ends when stdin does.
//
//   connect N                until N backends have answered
//   closed CALLERS KIND S    RunClosedLoad() for S seconds
//   begin RATE DEADLINE_S    begins an open load
//   end                      ends it: calls, lost, p99_ms, gap_ms, which is the
//                            longest time without an answer, share.NAME
//   idle S                   nothing for S seconds: cores
//   list PORT N G S          lists N backends, of which each generation G
//                            replaces 1 %: cpu_ms in the S seconds after that
//   usage                    cpu_s, rss_mib
//
// Each peer has a process of its own because a process that registers the
// library has its filter in all channels, and because CPU is counted by
// process.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/bench/calls/quantiles.h"
#include "multi_backend/bench/open_load.h"
#include "multi_backend/bench/peers/client/client_channels.h"
#include "multi_backend/bench/peers/client/closed_load.h"
#include "multi_backend/bench/peers/report/figures.h"
#include "multi_backend/tests/testing/process_usage.h"
#include "multi_backend/tests/testing/pushing_resolver.h"

namespace multi_backend {
namespace {

using examples::users::v1::Users;

constexpr absl::Duration kConnectTimeout = absl::Seconds(60);

absl::StatusOr<Figures> Connect(const UserStubs& stubs, size_t backends) {
  const absl::Time start = absl::Now();
  const absl::Duration cpu = ProcessorTime();
  Figures figures;
  for (const auto& stub : stubs) {
    std::set<std::string> answered;
    while (answered.size() < backends) {
      if (absl::Now() - start > kConnectTimeout) {
        return absl::DeadlineExceededError(absl::StrCat(
            answered.size(), " of ", backends, " backends answer"));
      }
      const std::string name = CallOnce(*stub);
      if (!name.empty()) answered.insert(name);
      if (figures.empty()) {
        figures["first_ms"] = absl::ToDoubleMilliseconds(absl::Now() - start);
      }
    }
  }
  figures["ms"] = absl::ToDoubleMilliseconds(absl::Now() - start);
  figures["cpu_ms"] = absl::ToDoubleMilliseconds(ProcessorTime() - cpu);
  return figures;
}

// `calls` are in the order of their ends.
Figures SummarizeOpenLoad(const std::vector<TimedCall>& calls) {
  Figures figures;
  std::vector<double> millis;
  absl::Duration gap = absl::ZeroDuration();
  absl::Time last = absl::InfiniteFuture();  // Of an answer.
  for (const TimedCall& call : calls) {
    if (!call.ok()) continue;
    millis.push_back(absl::ToDoubleMilliseconds(call.took()));
    gap = std::max(gap, call.end - last);
    last = call.end;
    figures["share." + call.served_by] += 1 / static_cast<double>(calls.size());
  }
  const size_t lost = calls.size() - millis.size();
  figures["calls"] = static_cast<double>(calls.size());
  figures["lost"] = static_cast<double>(lost);
  figures["gap_ms"] = absl::ToDoubleMilliseconds(gap);
  if (!millis.empty()) {
    figures["p99_ms"] = Quantile(std::move(millis), 0.99);
  }
  for (const TimedCall& call : calls) {
    if (call.ok()) continue;
    std::fprintf(stderr, "  lost %zu, the first: %d %s\n", lost, call.code,
                 call.message.c_str());
    break;
  }
  return figures;
}

// The i-th address of 127/8, without 127.0/16.
std::string LoopbackAddress(size_t i, int port) {
  constexpr size_t kBytes = 250;
  return absl::StrCat("127.", 1 + i / kBytes / kBytes, ".", i / kBytes % kBytes,
                      ".", 1 + i % kBytes, ":", port);
}

absl::StatusOr<Figures> List(std::istringstream& words) {
  int port = 0;
  size_t backends = 0, generation = 0;
  double seconds = 0;
  words >> port >> backends >> generation >> seconds;
  std::vector<std::string> addresses;
  for (size_t i = 0; i < backends; ++i) {
    const bool is_new = i % 100 == 0 && generation > 0;
    addresses.push_back(
        LoopbackAddress(is_new ? backends * (1 + generation) + i : i, port));
  }
  const absl::Duration cpu = ProcessorTime();
  PushConfig("scale", addresses, "");
  absl::SleepFor(absl::Seconds(seconds));
  return Figures{{"cpu_ms", absl::ToDoubleMilliseconds(ProcessorTime() - cpu)}};
}

// Resident memory, which the second field of statm counts in pages.
double ResidentMib() {
  std::ifstream statm("/proc/self/statm");
  double size = 0, resident = 0;
  statm >> size >> resident;
  return resident * 4096 / 1048576;
}

class Client {
 public:
  explicit Client(const ChannelFlags& flags) : channels_(MakeChannels(flags)) {
    for (const auto& channel : channels_) {
      stubs_.push_back(Users::NewStub(channel));
    }
  }

  absl::StatusOr<Figures> Do(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "connect") {
      size_t backends = 0;
      words >> backends;
      return Connect(stubs_, backends);
    }
    if (verb == "closed") return Closed(words);
    if (verb == "begin") {
      double rate = 0, deadline = 0;
      words >> rate >> deadline;
      load_ = std::make_unique<OpenLoad>(
          *stubs_[0], OpenLoad::Options{rate, absl::Seconds(deadline)});
      return Figures();
    }
    if (verb == "end" && load_ != nullptr) {
      return SummarizeOpenLoad(load_->Stop());
    }
    if (verb == "idle") {
      double seconds = 0;
      words >> seconds;
      return Idle(absl::Seconds(seconds));
    }
    if (verb == "list") return List(words);
    if (verb == "usage") {
      return Figures{{"cpu_s", absl::ToDoubleSeconds(ProcessorTime())},
                     {"rss_mib", ResidentMib()}};
    }
    return absl::InvalidArgumentError("no such command: " + line);
  }

 private:
  absl::StatusOr<Figures> Closed(std::istringstream& words) {
    int callers = 0;
    std::string kind_name;
    double seconds = 0;
    words >> callers >> kind_name >> seconds;
    const auto kind = ParseCallKind(kind_name);
    if (!kind.ok()) return kind.status();
    return RunClosedLoad(stubs_, callers, *kind, absl::Seconds(seconds));
  }

  static Figures Idle(absl::Duration time) {
    const absl::Time start = absl::Now();
    const absl::Duration cpu = ProcessorTime();
    absl::SleepFor(time);
    return {{"cores",
             absl::FDivDuration(ProcessorTime() - cpu, absl::Now() - start)}};
  }

  const std::vector<std::shared_ptr<grpc::Channel>> channels_;
  UserStubs stubs_;
  std::unique_ptr<OpenLoad> load_;
};

int Run(const ChannelFlags& flags) {
  Client client(flags);
  for (std::string line; std::getline(std::cin, line);) {
    const absl::StatusOr<Figures> figures = client.Do(line);
    if (!figures.ok()) {
      std::cerr << line << ": " << figures.status() << std::endl;
      return 1;
    }
    std::cout << FiguresToLine(*figures) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  CLI::App app("A client of //bench:peers");
  multi_backend::ChannelFlags flags;
  app.add_option("--target", flags.target, "as gRPC reads it")->required();
  app.add_option("--service-config", flags.service_config, "JSON");
  app.add_option("--channels", flags.channels, "application channels");
  app.add_flag("--library", flags.library, "register multi_backend");
  app.add_option("--everything-on", flags.everything_on,
                 "the file everything_on.json; the target has addresses only");
  app.add_flag("--faults", flags.faults, "settings that notice faults");
  app.add_flag("--pushed", flags.pushed, "the target is pushed:///scale");
  app.add_flag("--shared", flags.shared, "channels share connections");
  CLI11_PARSE(app, argc, argv);
  return multi_backend::Run(flags);
}
