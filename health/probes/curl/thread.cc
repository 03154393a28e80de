#include "multi_backend/health/probes/curl/thread.h"

#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "multi_backend/health/timers/process_thread.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {
namespace {

using TransferPtr = std::shared_ptr<CurlThread::Transfer>;

// curl_multi_wakeup() ends the wait before.
constexpr int kLongestWaitMillis = 60000;

struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

}  // namespace

struct CurlThread::State {
  struct Order {
    TransferPtr transfer;
    bool start;  // Or drop.
  };

  const std::unique_ptr<CURLM, MultiDeleter> multi{curl_multi_init()};
  Mutex mu;
  std::vector<Order> orders ABSL_GUARDED_BY(mu);
  bool stopped ABSL_GUARDED_BY(mu) = false;
  std::thread thread ABSL_GUARDED_BY(mu);
  // Of the thread only.
  absl::flat_hash_map<CURL*, TransferPtr> running;

  void Loop();
  void Obey(const Order& order);
  void FinishDone();
  // The transfer, which is no longer running then; null when it was not.
  TransferPtr Take(CURL* handle);
};

TransferPtr CurlThread::State::Take(CURL* handle) {
  const auto found = running.find(handle);
  if (found == running.end()) return nullptr;
  TransferPtr transfer = std::move(found->second);
  running.erase(found);
  curl_multi_remove_handle(multi.get(), handle);
  return transfer;
}

void CurlThread::State::Obey(const Order& order) {
  CURL* const handle = order.transfer->handle();
  if (!order.start) {
    Take(handle);
    return;
  }
  running[handle] = order.transfer;
  if (curl_multi_add_handle(multi.get(), handle) != CURLM_OK) {
    running.erase(handle);
    order.transfer->OnFinished(CURLE_FAILED_INIT);
  }
}

void CurlThread::State::FinishDone() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode result = message->data.result;
    // `message` is gone with the handle.
    const TransferPtr transfer = Take(message->easy_handle);
    if (transfer != nullptr) transfer->OnFinished(result);
  }
}

void CurlThread::State::Loop() {
  while (true) {
    std::vector<Order> taken;
    {
      MutexLock lock(&mu);
      if (stopped) break;
      taken.swap(orders);
    }
    for (const Order& order : taken) Obey(order);
    taken.clear();
    int count = 0;
    curl_multi_perform(multi.get(), &count);
    FinishDone();
    curl_multi_poll(multi.get(), nullptr, 0, kLongestWaitMillis, nullptr);
  }
  for (const auto& entry : running) {
    curl_multi_remove_handle(multi.get(), entry.first);
  }
  running.clear();
}

std::shared_ptr<CurlThread> CurlThread::Shared() {
  // All of it, although this needs no TLS: the application may use libcurl too,
  // and only the first call of a process counts.
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_ALL);
  static_cast<void>(initialised);
  static auto& shared = *new ProcessWide<CurlThread>;
  return shared.Get([] { return std::shared_ptr<CurlThread>(new CurlThread); });
}

CurlThread::CurlThread() : state_(std::make_shared<State>()) {}

CurlThread::~CurlThread() {
  std::thread thread;
  {
    MutexLock lock(&state_->mu);
    state_->stopped = true;
    thread = std::move(state_->thread);
  }
  curl_multi_wakeup(state_->multi.get());
  EndProcessThread(std::move(thread));
}

void CurlThread::Start(std::shared_ptr<Transfer> transfer) {
  MutexLock lock(&state_->mu);
  state_->orders.push_back({std::move(transfer), /*start=*/true});
  if (state_->thread.joinable()) {
    curl_multi_wakeup(state_->multi.get());
    return;
  }
  state_->thread =
      StartProcessThread("mb_probe_curl", [state = state_] { state->Loop(); });
}

void CurlThread::Drop(const std::shared_ptr<Transfer>& transfer) {
  MutexLock lock(&state_->mu);
  state_->orders.push_back({transfer, /*start=*/false});
  curl_multi_wakeup(state_->multi.get());
}

}  // namespace multi_backend
