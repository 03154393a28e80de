// What does a routing decision cost a call, with 50 rules and 200 methods?
//
// The subject is RouteTable::Find in its steady state, given the method as gRPC
// gives it (a C string).  The peer is one match of an RE2::Set of the same
// patterns against the short method name, which is the least that a table
// without a cache pays.  Both run in turns in one process, and the best turn of
// each counts, so the ratio does not depend on the machine's speed or its other
// work.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/bench/floor_table.h"
#include "multi_backend/interceptors/route_table.h"
#include "re2/re2.h"
#include "re2/set.h"

namespace multi_backend {
namespace {

// The largest ratio to the peer.  A table that matches patterns on each call
// has 1; a routing decision must be small compared with the rest of a call.
constexpr double kFloor = 0.2;

struct Workload {
  std::vector<RouteConfig> routes;
  std::vector<std::string> methods;  // "/pkg.Service/Method"
};

// Rule i matches two verbs with the noun "Item<i>".  So every rule matches some
// methods, and some methods match no rule.
Workload MakeWorkload(int patterns, int methods) {
  constexpr const char* kVerbs[] = {"Create", "Update", "Delete", "Find",
                                    "List",   "Get",    "Watch"};
  Workload load;
  for (int i = 0; i < patterns; ++i) {
    RouteConfig route;
    route.method = absl::StrCat("(", kVerbs[i % 7], "|", kVerbs[(i + 1) % 7],
                                ")[A-Za-z]*", "Item", i, "(Batch|Stream)?");
    route.role = i % 2 == 0 ? "primary" : "replica";
    load.routes.push_back(std::move(route));
  }
  for (int i = 0; i < methods; ++i) {
    load.methods.push_back(absl::StrCat(
        "/example.directory.v1.Users", i % 10, "/", kVerbs[i % 7], "StoredItem",
        i % (patterns + 5), i % 3 == 0 ? "Batch" : ""));
  }
  return load;
}

// Returns the nanoseconds per call of `decide(method)`, over `rounds` rounds of
// all methods.
template <typename Decide>
double Time(const std::vector<std::string>& methods, int rounds,
            Decide decide) {
  uintptr_t sum = 0;  // Keeps the calls from being optimised away.
  const auto start = std::chrono::steady_clock::now();
  for (int round = 0; round < rounds; ++round) {
    for (const std::string& method : methods) sum += decide(method);
  }
  const std::chrono::duration<double, std::nano> spent =
      std::chrono::steady_clock::now() - start;
  volatile uintptr_t sink = sum;
  (void)sink;
  return spent.count() / rounds / methods.size();
}

struct Size {
  int patterns;
  int methods;
  bool judged;  // Whether the floor applies to this size.
};

constexpr Size kSizes[] = {{5, 20, false}, {50, 200, true}, {50, 2000, false}};

struct Result {
  double ours;
  double peer;
};

Result Measure(int patterns, int methods, int turns, int rounds) {
  const Workload load = MakeWorkload(patterns, methods);
  RoutingConfig config;
  config.routes = load.routes;
  const std::unique_ptr<RouteTable> table = RouteTable::Make(config).value();
  RE2::Set set(RE2::Quiet, RE2::ANCHOR_BOTH);
  for (const RouteConfig& route : load.routes) set.Add(route.method, nullptr);
  set.Compile();

  std::vector<int> matches;
  const auto ours = [&](const std::string& method) {
    return reinterpret_cast<uintptr_t>(table->Find(method.c_str()));
  };
  const auto peer = [&](const std::string& method) {
    matches.clear();
    const size_t name = method.rfind('/') + 1;
    set.Match(re2::StringPiece(method.data() + name, method.size() - name),
              &matches);
    return static_cast<uintptr_t>(matches.size());
  };
  Time(load.methods, 1, ours);  // Fills the cache, and the peer's automaton.
  Time(load.methods, 1, peer);
  Result best = {1e9, 1e9};
  for (int turn = 0; turn < turns; ++turn) {
    best.ours = std::min(best.ours, Time(load.methods, rounds, ours));
    best.peer = std::min(best.peer, Time(load.methods, rounds, peer));
  }
  return best;
}

int Run(const BenchFlags& flags) {
  FloorTable table("route, patterns / methods", "nanoseconds");
  for (const Size& size : kSizes) {
    const Result result =
        Measure(size.patterns, size.methods, flags.smoke ? 2 : 30,
                flags.smoke ? 2 : 100'000 / size.methods);
    table.Add({"RouteTable / RE2::Set",
               absl::StrCat(size.patterns, " / ", size.methods), result.ours,
               result.peer,
               size.judged ? absl::optional<double>(kFloor) : absl::nullopt});
  }
  return table.ExitCode(flags);
}

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  return multi_backend::Run(multi_backend::BenchFlags::Parse(argc, argv));
}
