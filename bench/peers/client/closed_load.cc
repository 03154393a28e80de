#include "multi_backend/bench/peers/client/closed_load.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/bench/calls/quantiles.h"
#include "multi_backend/sync/lock_wait.h"
#include "multi_backend/tests/testing/process_usage.h"

namespace multi_backend {
namespace {

using examples::users::v1::UserReply;
using examples::users::v1::Users;

constexpr absl::Duration kDeadline = absl::Seconds(30);
constexpr size_t kLargeBytes = 64 << 10;
constexpr int kMessages = 100;
// Sticky keys: so many users that every backend has its share of them.
constexpr int kUsers = 64;

grpc::Status Send(Users::Stub& stub, CallKind kind,
                  grpc::ClientContext& context, UserReply& reply) {
  switch (kind) {
    case CallKind::kSmall: {
      examples::users::v1::GetUserRequest request;
      request.set_user_id("u_42_of_a_request_of_32_bytes");
      return stub.GetUser(&context, request, &reply);
    }
    case CallKind::kLarge: {
      static const std::string* const large = new std::string(kLargeBytes, 'x');
      examples::users::v1::FindUserRequest request;
      request.set_name(*large);
      return stub.FindUser(&context, request, &reply);
    }
    case CallKind::kStream: {
      examples::users::v1::ListUsersRequest request;
      request.set_count(kMessages);
      const auto reader = stub.ListUsers(&context, request);
      while (reader->Read(&reply)) {
      }
      return reader->Finish();
    }
  }
  return grpc::Status(grpc::StatusCode::INTERNAL, "no such kind of call");
}

struct CallerResult {
  std::vector<double> micros;  // Of each call that succeeded.
  int64_t lost = 0;
  std::string first_error;
  std::map<std::string, int64_t> served;  // By the backend's name.
};

void RunCaller(Users::Stub& stub, CallKind kind, int number,
               const std::atomic<bool>& stop, CallerResult& result) {
  for (int i = number; !stop.load(); ++i) {
    grpc::ClientContext context;
    const absl::Time start = absl::Now();
    context.set_deadline(absl::ToChronoTime(start + kDeadline));
    context.AddMetadata("x-user-id", absl::StrCat("user-", i % kUsers));
    UserReply reply;
    const grpc::Status status = Send(stub, kind, context, reply);
    if (status.ok()) {
      result.micros.push_back(absl::ToDoubleMicroseconds(absl::Now() - start));
      ++result.served[reply.served_by()];
    } else if (result.lost++ == 0) {
      result.first_error = status.error_message();
    }
  }
}

Figures Summarize(const std::vector<CallerResult>& results, absl::Duration took,
                  absl::Duration cpu, absl::Duration waited) {
  std::vector<double> micros;
  std::map<std::string, int64_t> served;
  int64_t lost = 0;
  for (const CallerResult& result : results) {
    micros.insert(micros.end(), result.micros.begin(), result.micros.end());
    lost += result.lost;
    for (const auto& one : result.served) served[one.first] += one.second;
    if (result.lost > 0) {
      std::fprintf(stderr, "lost: %s\n", result.first_error.c_str());
    }
  }
  const double calls = static_cast<double>(micros.size());
  Figures figures;
  figures["calls"] = calls;
  figures["lost"] = static_cast<double>(lost);
  figures["rate"] = calls / absl::ToDoubleSeconds(took);
  figures["cpu_us"] = absl::ToDoubleMicroseconds(cpu) / std::max(calls, 1.0);
  figures["p50_us"] = Quantile(micros, 0.5);
  figures["p99_us"] = Quantile(micros, 0.99);
  figures["waited"] = absl::FDivDuration(waited, cpu);
  for (const auto& one : served) {
    figures["share." + one.first] = static_cast<double>(one.second) / calls;
  }
  return figures;
}

}  // namespace

absl::StatusOr<CallKind> ParseCallKind(absl::string_view name) {
  if (name == "small") return CallKind::kSmall;
  if (name == "large") return CallKind::kLarge;
  if (name == "stream") return CallKind::kStream;
  return absl::InvalidArgumentError(absl::StrCat("no kind of call: ", name));
}

Figures RunClosedLoad(const UserStubs& stubs, int callers, CallKind kind,
                      absl::Duration time) {
  std::atomic<bool> stop{false};
  std::vector<CallerResult> results(callers);
  std::vector<std::thread> threads;
  const absl::Time start = absl::Now();
  const absl::Duration cpu = ProcessorTime();
  const auto waited = LockWait::Total();
  for (int i = 0; i < callers; ++i) {
    threads.emplace_back([&, i]() {
      RunCaller(*stubs[i % stubs.size()], kind, i, stop, results[i]);
    });
  }
  absl::SleepFor(time);
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  return Summarize(results, absl::Now() - start, ProcessorTime() - cpu,
                   absl::FromChrono(LockWait::Total() - waited));
}

std::string CallOnce(Users::Stub& stub) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kDeadline));
  context.set_wait_for_ready(true);
  static std::atomic<int> user{0};
  context.AddMetadata("x-user-id", absl::StrCat("user-", user++ % kUsers));
  UserReply reply;
  return Send(stub, CallKind::kSmall, context, reply).ok() ? reply.served_by()
                                                           : "";
}

}  // namespace multi_backend
