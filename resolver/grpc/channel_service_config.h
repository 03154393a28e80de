// ChannelServiceConfig: a service config as this library reads it, in a channel
// arg.  Core reads the text itself.
//
// The arg also tells that the channel uses this library
// (channel_ownership.h).  Without it the text would be lost: core removes its
// own arg before it makes the resolver, and uses a resolver's config selector
// only if the resolver also returns a service config.
//
// Immutable and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_CHANNEL_SERVICE_CONFIG_H_
#define MULTI_BACKEND_RESOLVER_GRPC_CHANNEL_SERVICE_CONFIG_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/port/core.h"
#include "multi_backend/proto/config/parser/parser.h"
#include "multi_backend/proto/json/object.h"

namespace multi_backend {

class ChannelServiceConfig
    : public grpc_core::RefCounted<ChannelServiceConfig> {
 public:
  static absl::string_view ChannelArgName() { return kServiceConfigArg; }
  static int ChannelArgsCompare(const ChannelServiceConfig* a,
                                const ChannelServiceConfig* b) {
    return a->text().compare(b->text());
  }

  explicit ChannelServiceConfig(absl::string_view text);

  absl::string_view text() const { return text_; }
  // What ReadServiceConfig(text()) returns; a view of text().
  const absl::StatusOr<JsonObject>& object() const { return object_; }
  // An error when this library refuses it.  While this object lives, core's
  // policy factory gets the same PolicyConfig.
  const absl::StatusOr<std::shared_ptr<const ParsedConfig>>& parsed() const {
    return parsed_;
  }

 private:
  const std::string text_;
  const absl::StatusOr<JsonObject> object_;
  const absl::StatusOr<std::shared_ptr<const ParsedConfig>> parsed_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_CHANNEL_SERVICE_CONFIG_H_
