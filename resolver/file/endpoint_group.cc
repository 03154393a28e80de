#include "multi_backend/resolver/file/endpoint_group.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/resolver/file/endpoint_document.h"
#include "multi_backend/resolver/file/path_watch.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

// A shorter interval would be a busy loop.
constexpr absl::Duration kShortestRecheck = absl::Milliseconds(100);
// The interval while the file cannot be watched, and after it was written to
// during a read.
constexpr absl::Duration kSoon = absl::Milliseconds(100);

// Whether a change was noticed or the thread was woken before `timeout`; false
// also when the thread is stopped.
bool WaitForChange(PathWatch& watch, SourceThread::Signal& signal,
                   absl::Duration timeout) {
  const auto end =
      std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
  while (!signal.stopped()) {
    auto left = absl::FromChrono(end - std::chrono::steady_clock::now());
    if (left <= absl::ZeroDuration()) return false;
    // Without the descriptor a stop cannot end the wait.
    if (signal.wake_fd() < 0) left = std::min(left, kSoon);
    pollfd both[] = {{watch.fd(), POLLIN, 0}, {signal.wake_fd(), POLLIN, 0}};
    poll(both, 2, PollTimeout(left));
    const bool woken = signal.TakeWake();
    if (watch.TakeChange() || woken) return true;
  }
  return false;
}

}  // namespace

absl::Status FileEndpointGroup::CheckPath(absl::string_view path) {
  if (path.size() >= 2 && path[0] == '/' && path.back() != '/' &&
      path.find('\0') == absl::string_view::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "file target: path ", Quoted(path), ": write file:///absolute/path"));
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> FileEndpointGroup::Make(
    absl::string_view path, FileSourceOptions options) {
  const absl::Status status = CheckPath(path);
  if (!status.ok()) return status;
  options.recheck = std::max(options.recheck, kShortestRecheck);
  std::shared_ptr<FileEndpointGroup> group = absl::WrapUnique(
      new FileEndpointGroup(std::string(path), std::move(options)));
  FileEndpointGroup* const raw = group.get();
  raw->thread_.Start("mb_file", [raw] { raw->Follow(); });
  return std::shared_ptr<EndpointGroup>(std::move(group));
}

FileEndpointGroup::FileEndpointGroup(std::string path,
                                     FileSourceOptions options)
    : DiscoveredEndpointGroup(EmptyAnswer::kIsAList),
      path_(std::move(path)),
      options_(std::move(options)) {}

FileEndpointGroup::~FileEndpointGroup() { thread_.Stop(); }

std::string FileEndpointGroup::Name() const {
  return absl::StrCat("file://", path_);
}

void FileEndpointGroup::Follow() {
  const std::shared_ptr<SourceThread::Signal> signal = thread_.signal();
  PathWatch watch(path_);
  bool noticed = true;
  while (!signal->stopped()) {
    // Watches before the file is read, so that every later change is noticed.
    const bool watched = watch.Follow();
    absl::Duration wait = watched ? options_.recheck : kSoon;
    if (noticed || loaded_ == absl::nullopt ||
        VersionOfFile(path_) != loaded_) {
      const bool in_between = !Load();
      // A watch's callback may have ended this group.
      if (signal->stopped()) return;
      if (in_between) wait = kSoon;
    }
    noticed = WaitForChange(watch, *signal, wait);
  }
}

bool FileEndpointGroup::Load() {
  loaded_ = absl::nullopt;
  auto contents =
      ReadRegularFile(path_, options_.policy.limits().max_document_bytes);
  if (!contents.ok()) {
    const bool in_between = absl::IsAborted(contents.status());
    Fail(contents.status());
    return !in_between;
  }
  auto admitted = ParseEndpointDocument(contents->text, options_.policy);
  if (!admitted.ok()) {
    Fail(admitted.status());
    return true;
  }
  loaded_ = contents->version;
  Publish(*std::move(admitted));
  return true;
}

}  // namespace multi_backend
