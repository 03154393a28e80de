#include "multi_backend/call/grpc/channel_extension.h"

#include <memory>
#include <string>
#include <utility>

#include "multi_backend/observability/channel/channel_record.h"
#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

std::string ShownTarget(const grpc_core::ChannelArgs& args) {
  const auto target = args.GetString(GRPC_ARG_SERVER_URI);
  if (!target.has_value()) return "";
  const auto uri = grpc_core::URI::Parse(*target);
  return TargetWithoutSecrets(
      uri.ok() && uri->scheme() == kWrappingScheme ? uri->path() : *target);
}

std::shared_ptr<ChannelRecord> RecordOf(const grpc_core::ChannelArgs& args) {
  const auto* extension = args.GetObject<ChannelExtension>();
  auto* store = args.GetObject<ChannelStore>();
  if (extension == nullptr || extension->sinks.empty() || store == nullptr) {
    return nullptr;
  }
  std::shared_ptr<ChannelRecord> record = store->record();
  if (record != nullptr) return record;
  std::shared_ptr<BackendPool> pool =
      extension->pool != nullptr
          ? extension->pool
          : store->Get<BackendPool>(extension->make_pool);
  auto made =
      std::make_shared<ChannelRecord>(ShownTarget(args), std::move(pool));
  record = store->Record(made);
  if (record == made) {
    for (const std::shared_ptr<MetricsSink>& sink : extension->sinks) {
      sink->OnChannel(record);
    }
  }
  return record;
}

}  // namespace multi_backend
