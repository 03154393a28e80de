// ChannelBackends: the backends of one channel, in the order of its list.  When
// a new list comes, the backends that are in both keep their connections.
//
// Everything runs in the channel's work serializer.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_CHANNEL_BACKENDS_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_CHANNEL_BACKENDS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "multi_backend/lb_policy/grpc/channel_backend.h"
#include "multi_backend/lb_policy/grpc/picker.h"
#include "multi_backend/port/core.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

class ChannelBackends {
 public:
  using List = std::vector<std::unique_ptr<ChannelBackend>>;
  // `renamed` is a backend of the list before, with the same address and
  // another name; null if there is none.
  using Make = absl::FunctionRef<std::unique_ptr<ChannelBackend>(
      core::Address, std::shared_ptr<const Endpoint>,
      const ChannelBackend* renamed)>;

  // Replaces the list.  `endpoints` has an entry for each of `addresses`.  A
  // backend stays if the new list has its address and name with the same args;
  // `make` is called for every other address.  If the list repeats an address
  // and name, only the first counts.  Returns whether the next plan will differ
  // from the last one.  O(addresses).
  bool Update(core::AddressList addresses,
              const std::vector<std::shared_ptr<const Endpoint>>& endpoints,
              Make make);
  void Clear() {
    unopened_.clear();
    list_.clear();
  }

  struct Opened {
    bool more = false;    // Other backends have no connection yet.
    bool failed = false;  // Core refused a connection, and will not notify.
  };
  // Opens the next few backends that have no connection.  Core takes long to
  // begin those of a long list, and calls should not wait for the last.  Up to
  // 64 new backends are opened in the order of the list, more in that of
  // OpeningOrder().
  Opened OpenSome(int64_t now);

  // As those of ChannelBackend, for all backends.
  void ResetBackoff();
  int64_t Reconnect(int64_t now);

  // Where the calls to each backend go now, in the order of the list.
  std::vector<Picker::Destination> Destinations() const;
  // What the records of calls say of the backends, in the order of the list.
  std::vector<std::shared_ptr<const BackendLabels>> Labels() const;

  // The number of READY connections of each backend.
  std::vector<int> ReadyConnections() const;

  bool empty() const { return list_.empty(); }
  size_t size() const { return list_.size(); }
  ChannelBackend& operator[](size_t i) const { return *list_[i]; }
  List::const_iterator begin() const { return list_.begin(); }
  List::const_iterator end() const { return list_.end(); }

 private:
  bool Same(const core::AddressList& addresses) const;
  void FindUnopened();

  List list_;
  // Those that have no connection yet, in the order of opening.
  std::deque<ChannelBackend*> unopened_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_CHANNEL_BACKENDS_H_
