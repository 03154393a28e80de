#include "multi_backend/observability/admin/monitor.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/observability/admin/event_log.h"
#include "multi_backend/observability/admin/messages.h"
#include "multi_backend/observability/admin/minute_samples.h"
#include "multi_backend/observability/admin/proto_time.h"
#include "multi_backend/observability/admin/recent_calls.h"
#include "multi_backend/observability/admin/shown_text.h"
#include "multi_backend/observability/build_info.h"
#include "multi_backend/observability/metrics/metrics.h"

namespace multi_backend {
namespace {

// A service config may be 1 MiB.
constexpr size_t kMaxShownConfig = 1 << 20;

void FillMinute(const MinuteSamples::Minute& minute,
                admin::v1::Minute* message) {
  MinuteSamples::Counts sum;
  for (const MinuteSamples::Counts& second : minute) {
    sum.Add(second);
    auto* const shown = message->add_seconds();
    shown->set_attempts(static_cast<uint32_t>(second.attempts));
    shown->set_errors(static_cast<uint32_t>(second.errors));
    shown->set_p50_seconds(static_cast<float>(second.Quantile(0.5) / 1e9));
    shown->set_p99_seconds(static_cast<float>(second.Quantile(0.99) / 1e9));
  }
  message->set_attempts(sum.attempts);
  message->set_errors(sum.errors);
  *message->mutable_p50() = DurationOf(absl::Nanoseconds(sum.Quantile(0.5)));
  *message->mutable_p99() = DurationOf(absl::Nanoseconds(sum.Quantile(0.99)));
}

// Adds the minute before `second` to the backends of `channel`, which are the
// first ones of `from`.
void FillMinutes(const MinuteSamples& samples, const ChannelStatus& from,
                 int64_t second, admin::v1::Channel* channel) {
  const Label target(from.target);
  uint64_t attempts = 0;
  for (int i = 0; i < channel->backends_size(); ++i) {
    const auto minute =
        samples.Of(target, Label(from.backends[i].address), second);
    if (minute == nullptr) continue;
    auto* const message = channel->mutable_backends(i)->mutable_last_minute();
    FillMinute(*minute, message);
    attempts += message->attempts();
  }
  if (attempts == 0) return;
  for (auto& backend : *channel->mutable_backends()) {
    if (!backend.has_last_minute()) continue;
    auto* const message = backend.mutable_last_minute();
    message->set_share(static_cast<double>(message->attempts()) /
                       static_cast<double>(attempts));
  }
}

}  // namespace

std::shared_ptr<Monitor> Monitor::Create(MonitorOptions options) {
  return std::shared_ptr<Monitor>(new Monitor(std::move(options)));
}

Monitor::Monitor(MonitorOptions options)
    : options_(std::move(options)),
      started_(options_.now()),
      metrics_(options_.metrics != nullptr ? options_.metrics
                                           : Metrics::Create()),
      events_(std::make_unique<EventLog>()),
      calls_(std::make_unique<RecentCalls>(
          RecentCallsLimits{options_.max_calls, options_.max_call_bytes})),
      samples_(std::make_unique<MinuteSamples>(options_.max_sampled_backends)) {
}

Monitor::~Monitor() = default;

void Monitor::OnAttemptEnded(const AttemptEnded& attempt) {
  metrics_->OnAttemptEnded(attempt);
  const bool error = attempt.status != absl::StatusCode::kOk &&
                     attempt.status != absl::StatusCode::kCancelled;
  // By address, since one name may have several.
  samples_->Add(attempt.target, Label(attempt.address), error,
                attempt.latency_nanos, absl::ToUnixSeconds(options_.now()));
}

void Monitor::OnCallEnded(const CallEnded& call) {
  metrics_->OnCallEnded(call);
  // Calls without a trail were not sampled; those that failed before the first
  // attempt have none.
  if (call.attempts.empty() && call.status == absl::StatusCode::kOk) return;
  calls_->Add(MakeCall(call, options_.now()));
}

void Monitor::OnStateChanged(const StateChanged& change) {
  metrics_->OnStateChanged(change);
  events_->Add(MakeEvent(change));
}

void Monitor::OnChannel(const std::weak_ptr<ChannelSource>& channel) {
  metrics_->OnChannel(channel);
  channels_.Add(channel);
}

TrailSampling Monitor::trail_sampling() const {
  TrailSampling sampling;
  sampling.failed_and_retried = true;
  sampling.one_in = options_.sample_one_in;
  return sampling;
}

std::vector<LiveChannels::Channel> Monitor::Channels(
    absl::string_view target) const {
  std::vector<LiveChannels::Channel> live = channels_.Get();
  if (target.empty()) return live;
  live.erase(std::remove_if(live.begin(), live.end(),
                            [target](const LiveChannels::Channel& channel) {
                              const std::string& own = channel.source->target();
                              return own != target &&
                                     ShownTarget(own) != target;
                            }),
             live.end());
  return live;
}

admin::v1::Status Monitor::GetStatus(
    const admin::v1::GetStatusRequest& request) const {
  admin::v1::Status status;
  const absl::Time now = options_.now();
  const int64_t second = absl::ToUnixSeconds(now);
  SetTimestamp(now, status.mutable_time());
  SetTimestamp(started_, status.mutable_started());
  status.set_newest_event(events_->newest());
  status.set_library_version(kLibraryVersion);
  status.set_grpc_version(kGrpcVersion);
  const std::vector<LiveChannels::Channel> channels =
      Channels(request.target());
  const size_t shown = std::min(channels.size(), kMaxChannelsShown);
  status.set_channels_left_out(channels.size() - shown);
  size_t backends_left = kMaxBackendsShown;
  for (size_t i = 0; i < shown; ++i) {
    const ChannelStatus from = channels[i].source->Status();
    admin::v1::Channel* const channel = status.add_channels();
    *channel = MakeChannel(from, now, backends_left);
    channel->set_id(channels[i].id);
    backends_left -= static_cast<size_t>(channel->backends_size());
    FillMinutes(*samples_, from, second, channel);
  }
  return status;
}

admin::v1::Calls Monitor::GetCalls(
    const admin::v1::GetCallsRequest& request) const {
  admin::v1::Calls calls = calls_->Get(request);
  calls.set_one_in(options_.sample_one_in);
  return calls;
}

admin::v1::Config Monitor::GetConfig(
    const admin::v1::GetConfigRequest& request) const {
  admin::v1::Config config;
  const std::vector<LiveChannels::Channel> channels =
      Channels(request.target());
  const size_t shown = std::min(channels.size(), kMaxChannelsShown);
  for (size_t i = 0; i < shown; ++i) {
    const ChannelStatus from = channels[i].source->Status();
    auto* const channel = config.add_channels();
    channel->set_id(channels[i].id);
    channel->set_target(ShownTarget(from.target));
    // JSON has line ends and tabs, which ShownText() would replace.
    if (from.config_json.size() <= kMaxShownConfig) {
      channel->set_service_config_json(from.config_json);
    } else {
      channel->set_service_config_json(
          ShownText(from.config_json, kMaxShownConfig));
    }
    for (const std::string& warning : from.warnings) {
      channel->add_warnings(ShownText(warning));
    }
  }
  return config;
}

}  // namespace multi_backend
