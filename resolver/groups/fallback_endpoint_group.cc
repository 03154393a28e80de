#include "multi_backend/resolver/groups/fallback_endpoint_group.h"

#include <cassert>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"

namespace multi_backend {
namespace {

class OrElseGroup final : public DynamicEndpointGroup {
 public:
  OrElseGroup(std::shared_ptr<EndpointGroup> first,
              std::shared_ptr<EndpointGroup> fallback)
      : first_(std::move(first)), fallback_(std::move(fallback)) {
    // Watched before `fallback`, so that its endpoints, if it has any, are the
    // first list.
    first_watch_ = first_->Watch([this](ListPtr list) {
      Update([&] {
        first_list_ = std::move(list);
        return Choose();
      });
    });
    fallback_watch_ = fallback_->Watch([this](ListPtr list) {
      Update([&] {
        fallback_list_ = std::move(list);
        return Choose();
      });
    });
  }

  ~OrElseGroup() override { StopWatching(); }

  absl::Status last_error() const override {
    absl::Status error = first_->last_error();
    if (!error.ok() || !first_->endpoints()->empty()) return error;
    return fallback_->last_error();
  }

  std::string Describe() const override { return Name(); }

  // Requires it of both, because the list in use may change between a look at
  // the list and this answer.
  bool names_are_configured() const override {
    return first_->names_are_configured() && fallback_->names_are_configured();
  }

  void RequestRefresh() override {
    first_->RequestRefresh();
    fallback_->RequestRefresh();
  }

  std::vector<const EndpointGroup*> InnerGroups() const override {
    return {first_.get(), fallback_.get()};
  }

 protected:
  std::string Name() const override {
    return absl::StrCat(first_->Describe(), " or else ", fallback_->Describe());
  }

  void OnClose() override {
    StopWatching();
    first_->Close();
    fallback_->Close();
  }

 private:
  // Runs in Update(), under its lock.
  ListPtr Choose() {
    const bool use_first = first_list_ != nullptr && !first_list_->empty();
    const ListPtr& chosen =
        use_first || fallback_list_ == nullptr ? first_list_ : fallback_list_;
    // An empty `first` is no answer until `fallback` has a list.
    had_endpoints_ |= chosen != nullptr && !chosen->empty();
    const bool known =
        had_endpoints_ || (first_list_ != nullptr && fallback_list_ != nullptr);
    return known ? chosen : nullptr;
  }

  void StopWatching() {
    first_watch_.reset();
    fallback_watch_.reset();
  }

  const std::shared_ptr<EndpointGroup> first_;
  const std::shared_ptr<EndpointGroup> fallback_;
  // Used in Update() only.
  ListPtr first_list_;     // Null = not known.
  ListPtr fallback_list_;  // Null = not known.
  bool had_endpoints_ = false;
  std::unique_ptr<Subscription> first_watch_;
  std::unique_ptr<Subscription> fallback_watch_;
};

}  // namespace

std::shared_ptr<EndpointGroup> OrElse(std::shared_ptr<EndpointGroup> first,
                                      std::shared_ptr<EndpointGroup> fallback) {
  assert(first != nullptr && fallback != nullptr);
  return std::make_shared<OrElseGroup>(std::move(first), std::move(fallback));
}

}  // namespace multi_backend
