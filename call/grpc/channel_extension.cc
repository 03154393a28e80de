#include "multi_backend/call/grpc/channel_extension.h"

#include <memory>
#include <string>
#include <vector>

#include "multi_backend/observability/channel/channel_record.h"
#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

std::string ReportedTarget(const grpc_core::ChannelArgs& args) {
  const auto target = args.GetString(GRPC_ARG_SERVER_URI);
  if (!target.has_value()) return "";
  const auto uri = grpc_core::URI::Parse(*target);
  return TargetWithoutSecrets(
      uri.ok() && uri->scheme() == kWrappingScheme ? uri->path() : *target);
}

const std::vector<std::shared_ptr<MetricsSink>>& SinksOf(
    const grpc_core::ChannelArgs& args) {
  static const auto* const none =
      new std::vector<std::shared_ptr<MetricsSink>>();
  const auto* extension = args.GetObject<ChannelExtension>();
  return extension == nullptr ? *none : extension->sinks;
}

std::shared_ptr<BackendPool> PoolOf(
    const grpc_core::ChannelArgs& args,
    const std::function<std::shared_ptr<BackendPool>()>& make) {
  const auto* extension = args.GetObject<ChannelExtension>();
  if (extension != nullptr && extension->pool != nullptr) {
    return extension->pool;
  }
  // Core destroys the policy of a channel that goes idle.  The store stays, so
  // the next policy knows what the pool remembers.
  auto* store = args.GetObject<ChannelStore>();
  return store == nullptr ? make() : store->Get<BackendPool>(make);
}

std::shared_ptr<ChannelRecord> RecordOf(const grpc_core::ChannelArgs& args) {
  const auto& sinks = SinksOf(args);
  auto* store = args.GetObject<ChannelStore>();
  if (sinks.empty() || store == nullptr) return nullptr;
  std::shared_ptr<ChannelRecord> record = store->record();
  if (record != nullptr) return record;
  auto made = std::make_shared<ChannelRecord>(
      ReportedTarget(args),
      PoolOf(args, args.GetObject<ChannelExtension>()->make_pool));
  record = store->Record(made);
  if (record == made) {
    for (const std::shared_ptr<MetricsSink>& sink : sinks) {
      sink->OnChannel(record);
    }
  }
  return record;
}

}  // namespace multi_backend
