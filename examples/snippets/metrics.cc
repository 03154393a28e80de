// The code of docs/metrics.md.
#include <prometheus/exposer.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "multi_backend/examples/snippets/snippets.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"

namespace snippets {

absl::StatusOr<ScrapedChannel> CreateScrapedChannel(
    const std::string& target, const Credentials& creds,
    const std::string& address) {
  // [metrics_exposer]
  auto metrics = multi_backend::Metrics::Create();
  multi_backend::ChannelOptions options;
  options.sinks.push_back(metrics);
  auto channel =
      multi_backend::CreateChannel(target, creds, std::move(options));
  if (!channel.ok()) return channel.status();

  // The exposer keeps a weak reference, so keep the collectable.
  auto collectable = multi_backend::MakeCollectable(metrics);
  auto exposer = std::make_shared<prometheus::Exposer>(address);
  exposer->RegisterCollectable(collectable);
  // [/metrics_exposer]
  return ScrapedChannel{*channel, metrics, collectable,
                        exposer->GetListeningPorts().front(), exposer};
}

}  // namespace snippets
