#include "multi_backend/tools/mb/resolve/resolution.h"

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/util/message_differencer.h"
#include "multi_backend/tools/mb/output/text.h"

namespace multi_backend {
namespace mb {
namespace {

using google::protobuf::util::MessageDifferencer;
using ByAddress = std::map<std::string, const v1::ResolvedEndpoint*>;

v1::ResolvedEndpoint ToMessage(const Endpoint& endpoint) {
  v1::ResolvedEndpoint message;
  message.set_address(ValidUtf8(endpoint.address()));
  message.set_weight(endpoint.weight);
  message.set_role(ValidUtf8(endpoint.role));
  message.set_zone(ValidUtf8(endpoint.zone));
  message.set_priority(endpoint.priority);
  for (const auto& [name, value] : endpoint.labels) {
    (*message.mutable_labels())[ValidUtf8(name)] = ValidUtf8(value);
  }
  return message;
}

ByAddress Index(const v1::Resolution& resolution) {
  ByAddress index;
  for (const v1::ResolvedEndpoint& endpoint : resolution.endpoints()) {
    index[endpoint.address()] = &endpoint;
  }
  return index;
}

// A map of protobuf has no order of its own.
std::string LabelsOf(const v1::ResolvedEndpoint& endpoint) {
  const std::map<std::string, std::string> labels(endpoint.labels().begin(),
                                                  endpoint.labels().end());
  return absl::StrJoin(labels, " ", absl::PairFormatter("="));
}

// The table's lines; the first has the titles.
std::string TableOf(const std::vector<const v1::ResolvedEndpoint*>& endpoints,
                    const std::vector<std::string>& signs) {
  TextTable table({{""},
                   {"BACKEND"},
                   {"WEIGHT", TextTable::Align::kRight},
                   {"ROLE"},
                   {"ZONE"},
                   {"PRIORITY", TextTable::Align::kRight},
                   {"LABELS"}});
  bool has_priorities = false;
  for (const auto* endpoint : endpoints) {
    has_priorities = has_priorities || endpoint->priority() != 0;
  }
  for (size_t i = 0; i < endpoints.size(); ++i) {
    const v1::ResolvedEndpoint& endpoint = *endpoints[i];
    table.AddRow({signs.empty() ? "" : signs[i], endpoint.address(),
                  absl::StrCat(endpoint.weight()), endpoint.role(),
                  endpoint.zone(),
                  has_priorities ? absl::StrCat(endpoint.priority()) : "",
                  LabelsOf(endpoint)});
  }
  return table.ToString(2);
}

v1::Resolution Begin(absl::string_view target, absl::Time time) {
  v1::Resolution resolution;
  resolution.set_target(ValidUtf8(target));
  resolution.set_time(
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()));
  return resolution;
}

std::string HeadOf(const v1::Resolution& resolution) {
  return absl::StrCat(resolution.time(), "  ",
                      Count(resolution.endpoints_size(), "endpoint"));
}

std::string ErrorOf(const v1::Resolution& resolution) {
  // A text of the library may name five servers with their errors.
  return absl::StrCat(resolution.time(),
                      "  error: ", Printable(resolution.error(), 1000), "\n");
}

}  // namespace

v1::Resolution MakeResolution(absl::string_view target, absl::Time time,
                              const EndpointList& endpoints) {
  v1::Resolution resolution = Begin(target, time);
  for (const Endpoint& endpoint : endpoints) {
    *resolution.add_endpoints() = ToMessage(endpoint);
  }
  return resolution;
}

v1::Resolution MakeFailure(absl::string_view target, absl::Time time,
                           const absl::Status& error) {
  v1::Resolution resolution = Begin(target, time);
  resolution.set_error(ValidUtf8(error.message()));
  return resolution;
}

void SetChanges(const v1::Resolution& older, v1::Resolution& newer) {
  const ByAddress before = Index(older);
  const ByAddress after = Index(newer);
  for (const auto& [address, endpoint] : after) {
    const auto found = before.find(address);
    if (found == before.end()) {
      newer.add_added(address);
    } else if (!MessageDifferencer::Equals(*found->second, *endpoint)) {
      newer.add_changed(address);
    }
  }
  for (const auto& [address, endpoint] : before) {
    if (after.count(address) == 0) newer.add_removed(address);
  }
}

std::string FormatResolution(const v1::Resolution& resolution) {
  if (!resolution.error().empty()) return ErrorOf(resolution);
  std::vector<const v1::ResolvedEndpoint*> endpoints;
  for (const auto& endpoint : resolution.endpoints()) {
    endpoints.push_back(&endpoint);
  }
  std::string text = HeadOf(resolution) + "\n";
  if (!endpoints.empty()) text += TableOf(endpoints, {});
  return text;
}

std::string FormatChanges(const v1::Resolution& resolution) {
  if (!resolution.error().empty()) return ErrorOf(resolution);
  const ByAddress index = Index(resolution);
  std::vector<const v1::ResolvedEndpoint*> endpoints;
  std::vector<std::string> signs;
  const auto add = [&](const auto& addresses, const char* sign) {
    for (const std::string& address : addresses) {
      endpoints.push_back(index.at(address));
      signs.push_back(sign);
    }
  };
  add(resolution.added(), "+");
  add(resolution.changed(), "~");
  std::string text =
      absl::StrCat(HeadOf(resolution), ": ", resolution.added_size(), " new, ",
                   resolution.removed_size(), " gone, ",
                   resolution.changed_size(), " changed\n");
  for (const std::string& address : resolution.removed()) {
    absl::StrAppend(&text, "  -  ", Printable(address), "\n");
  }
  if (endpoints.empty()) return text;
  const std::string table = TableOf(endpoints, signs);
  return text + table.substr(table.find('\n') + 1);
}

}  // namespace mb
}  // namespace multi_backend
