// The code that the pages in docs/ show, as functions that snippets_test.cc
// runs.
//
// A page shows what stands between "// [name]" and "// [/name]" in one of the
// .cc files, or a whole .json file.  The line before the block in the page is
// "<!-- snippet: name -->".  //tests/tools:snippets_test checks that the block
// and its source are the same; `python3 tests/tools/snippets_test.py --update`
// copies the sources into the pages.
#ifndef MULTI_BACKEND_EXAMPLES_SNIPPETS_SNIPPETS_H_
#define MULTI_BACKEND_EXAMPLES_SNIPPETS_SNIPPETS_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/observability.h"

namespace prometheus {
class Exposer;
}

namespace snippets {

using ChannelOr = absl::StatusOr<std::shared_ptr<grpc::Channel>>;
using GroupOr = absl::StatusOr<std::shared_ptr<multi_backend::EndpointGroup>>;
using Credentials = std::shared_ptr<grpc::ChannelCredentials>;

// discovery.cc, for docs/discovery.md

ChannelOr CreateDiscoveringChannel();
// Registers the group "users" with options that a target cannot state.
absl::Status RegisterDnsGroup();

// Registers the group "users" from TXT records of a form of its own.
absl::Status RegisterTextRecords(const std::string& name,
                                 const std::string& server);

// control.cc, for docs/control.md

absl::Status DrainForDeploy(multi_backend::BackendPool& pool,
                            absl::string_view address);
void PrintEventsOf(multi_backend::PoolEventWatch& watch,
                   absl::Duration patience, std::ostream& out);

// functions.cc, for docs/strategies.md and docs/failover.md

// The key of GetUser is the user's id.
ChannelOr CreateChannelWithKeys(const std::string& target,
                                const Credentials& creds);
ChannelOr CreateChannelWithClassifier(const std::string& target,
                                      const Credentials& creds);

// metrics.cc, for docs/metrics.md

struct ScrapedChannel {
  std::shared_ptr<grpc::Channel> channel;
  std::shared_ptr<multi_backend::Metrics> metrics;
  std::shared_ptr<prometheus::Collectable> collectable;
  int port;  // Of the exposer.
  std::shared_ptr<prometheus::Exposer> exposer;
};
// `address` is the exposer's, "127.0.0.1:9464".
absl::StatusOr<ScrapedChannel> CreateScrapedChannel(const std::string& target,
                                                    const Credentials& creds,
                                                    const std::string& address);

// pool.cc, for docs/pool.md

struct WatchedChannels {
  std::shared_ptr<multi_backend::BackendPool> pool;
  std::vector<std::shared_ptr<grpc::Channel>> channels;
};
absl::StatusOr<WatchedChannels> CreateWatchedChannel(const std::string& target,
                                                     const Credentials& creds);
// Two channels that share a pool.
absl::StatusOr<WatchedChannels> CreateSharingChannels(
    const std::string& target, const Credentials& creds,
    const std::string& reads_json, const std::string& writes_json);
void PrintBackends(const multi_backend::BackendPool& pool, std::ostream& out);
bool TakeOut(multi_backend::BackendPool& pool, absl::string_view address,
             absl::Duration timeout);
void BringBack(multi_backend::BackendPool& pool, absl::string_view address);
uint64_t PrintNewEvents(const multi_backend::BackendPool& pool, uint64_t seen,
                        std::ostream& out);

// registration.cc, for docs/registration.md

absl::Status ServeListed(grpc::Service& service, const std::string& store,
                         const std::function<void()>& await_stop);
absl::Status ListWithOptions(const std::string& store, uint16_t port);

// groups.cc, for docs/groups.md

absl::Status RegisterAList();
ChannelOr CreateChannelToGroup(const Credentials& creds);
absl::Status CombineGroups();
GroupOr CheckByHttp(std::shared_ptr<multi_backend::EndpointGroup> group,
                    uint16_t health_port);
GroupOr UseStandByWhenIll(
    std::shared_ptr<multi_backend::EndpointGroup> group,
    std::shared_ptr<multi_backend::EndpointGroup> stand_by,
    const Credentials& creds);
absl::Status AwaitGroup(multi_backend::EndpointGroup& group);
void EndGroup(const std::shared_ptr<multi_backend::EndpointGroup>& group);

// kubernetes.cc, for docs/kubernetes.md

ChannelOr CreateChannelToHeadlessService(const Credentials& creds,
                                         const std::string& json);
ChannelOr CreateChannelToNamedPort(const Credentials& creds,
                                   const std::string& json);
absl::Status RegisterHeadlessService();
void StopGracefully(grpc::Server& server, absl::Duration drain,
                    absl::Duration grace);

// trails.cc, for docs/trails.md

// Logs the trail of a call that fails.
grpc::Status GetUserAndExplain(
    examples::users::v1::Users::Stub& stub,
    const examples::users::v1::GetUserRequest& request,
    const std::function<void(absl::string_view)>& log);
// Logs the trail of each call that is retried, on a thread of gRPC.
ChannelOr CreateLoggingChannel(const std::string& target,
                               const Credentials& creds,
                               std::function<void(absl::string_view)> log);

// status.cc, for docs/status_page.md

struct ShownChannel {
  std::shared_ptr<grpc::Channel> channel;
  std::shared_ptr<multi_backend::Monitor> monitor;
  std::unique_ptr<multi_backend::StatusServer> server;
};
// `address` is the page's.
absl::StatusOr<ShownChannel> CreateShownChannel(const std::string& target,
                                                const Credentials& creds,
                                                const std::string& address);
// The service must outlive the server.
std::unique_ptr<grpc::Service> AddAdminService(
    const std::shared_ptr<multi_backend::Monitor>& monitor,
    grpc::ServerBuilder& builder);

// when_not_to_use.cc, for docs/when_not_to_use.md

std::shared_ptr<grpc::Channel> CreateChannelToOneBackend(
    const std::string& target, const Credentials& creds);
// Returns a channel to the backend that has answered the first call.
ChannelOr BeginSession(examples::users::v1::Users::Stub& stub,
                       const examples::users::v1::CreateUserRequest& request,
                       const Credentials& creds);

}  // namespace snippets

#endif  // MULTI_BACKEND_EXAMPLES_SNIPPETS_SNIPPETS_H_
