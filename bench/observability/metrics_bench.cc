// What do metrics cost a call, in instructions, and what does a scrape of a
// full aggregate cost, in CPU time?
//
// The program runs itself under callgrind with two numbers of calls; the
// difference over the difference is one call with one attempt.
#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/bench/bound_table.h"
#include "multi_backend/bench/floor_table.h"
#include "multi_backend/bench/instructions.h"
#include "multi_backend/observability/metrics/metrics.h"
#include "multi_backend/observability/metrics/text_format.h"
#include "multi_backend/observability/prometheus/collectable.h"
#include "multi_backend/tests/testing/required_package.h"

namespace multi_backend {
namespace {

double CpuMilliseconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 +
         static_cast<double>(now.tv_nsec) / 1e6;
}

AttemptEnded Attempt(absl::string_view backend, absl::string_view method) {
  AttemptEnded attempt;
  attempt.target = Label("dns:///users.example:50051");
  attempt.method = Label(method);
  attempt.backend = Label(backend);
  attempt.role = Label("replica");
  return attempt;
}

// Calls with one attempt each over three backends.
void MakeCalls(int calls) {
  const auto metrics = Metrics::Create();
  const std::string names[] = {"10.0.0.1:50051", "10.0.0.2:50051",
                               "10.0.0.3:50051"};
  std::vector<AttemptEnded> attempts;
  for (const std::string& name : names) {
    attempts.push_back(Attempt(name, "/acme.users.v1.Users/GetUser"));
  }
  CallEnded call;
  call.target = attempts[0].target;
  call.method = attempts[0].method;
  call.route = Label("reads");
  for (int i = 0; i < calls; ++i) {
    AttemptEnded& attempt = attempts[i % attempts.size()];
    // From 0.1 ms to 7 s.
    attempt.latency_nanos = 100'000 << (i % 17);
    call.latency_nanos = attempt.latency_nanos + 1'000;
    metrics->OnAttemptEnded(attempt);
    metrics->OnCallEnded(call);
  }
}

// `count` label sets of attempts, each with some events.
void Fill(size_t count, Metrics* metrics) {
  for (size_t i = 0; i < count; ++i) {
    const std::string backend =
        absl::StrCat("users-", i / 10, ".prod.example:50051");
    const std::string method =
        absl::StrCat("/acme.users.v1.Users/GetUser", i % 10);
    AttemptEnded attempt = Attempt(backend, method);
    for (int event = 0; event < 20; ++event) {
      attempt.latency_nanos = (10'000 + 7 * static_cast<int64_t>(i)) << event;
      metrics->OnAttemptEnded(attempt);
    }
  }
}

// The least of a few runs: what the work costs where nothing disturbs it.
template <typename Work>
double LeastCpu(const BenchFlags& flags, const Work& work) {
  double least = 1e9;
  for (int run = 0; run < (flags.smoke ? 1 : 9); ++run) {
    const double start = CpuMilliseconds();
    work();
    least = std::min(least, CpuMilliseconds() - start);
  }
  return least;
}

int Run(const BenchFlags& flags, const char* self) {
  BoundTable table("metrics");
  if (ValgrindIsInstalled()) {
    const auto instructions = [&](int calls) {
      return CountInstructions({self, absl::StrCat("--calls=", calls)});
    };
    const int few = 1'000, many = flags.smoke ? 2'000 : 11'000;
    table.AtMost("instructions of an attempt and its call",
                 (instructions(many) - instructions(few)) / (many - few), {},
                 200);
  } else if (ExitCodeWithoutPackage(kHowToInstallValgrind) != 0) {
    return 1;
  }
  // 10,000 histograms are more than events may fill of the default bound, which
  // keeps a quarter for the state of channels.
  MetricsOptions options;
  options.max_series = 13'500;
  const auto metrics = Metrics::Create(options);
  Fill(10'000, metrics.get());
  size_t bytes = 0;
  table.Show("collect 10,000 histograms, ms of CPU",
             LeastCpu(flags, [&] { metrics->Collect(); }));
  table.AtMost(
      "collect and write them as text, ms of CPU",
      LeastCpu(flags,
               [&] { bytes = PrometheusText(metrics->Collect()).size(); }),
      {}, 50);
  table.Show("size of the text, MB", static_cast<double>(bytes) / 1e6);
  const auto collectable = MakeCollectable(metrics);
  table.Show("collect for prometheus-cpp, ms of CPU",
             LeastCpu(flags, [&] { collectable->Collect(); }));
  const auto serialize = [&](const prometheus::Collectable& from) {
    bytes = prometheus::TextSerializer().Serialize(from.Collect()).size();
  };
  table.Show("the same with its text serializer, ms of CPU",
             LeastCpu(flags, [&] { serialize(*collectable); }));
  const auto few = Metrics::Create();
  // 20 lines each.
  Fill(500, few.get());
  const auto few_collectable = MakeCollectable(few);
  table.AtMost("prometheus-cpp, 10,000 lines of text, ms of CPU",
               LeastCpu(flags, [&] { serialize(*few_collectable); }), {}, 50);
  return table.ExitCode(flags.check);
}

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  constexpr absl::string_view kCalls = "--calls=";
  if (argc == 2 && absl::StartsWith(argv[1], kCalls)) {
    multi_backend::MakeCalls(std::atoi(argv[1] + kCalls.size()));
    return 0;
  }
  return multi_backend::Run(multi_backend::BenchFlags::Parse(argc, argv),
                            argv[0]);
}
