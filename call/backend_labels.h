// BackendLabels: the names of one backend, with the hashes by which sinks look
// them up.  They are made once, not for each attempt.
//
// Immutable.  It is neither copied nor moved, because the labels point into it.
#ifndef MULTI_BACKEND_CALL_BACKEND_LABELS_H_
#define MULTI_BACKEND_CALL_BACKEND_LABELS_H_

#include <string>
#include <utility>

#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

struct BackendLabels {
  // `name_text` is host:port as listed, `address_text` "ip:port".
  BackendLabels(std::string name_text, std::string address_text,
                std::string role_text)
      : name_text(std::move(name_text)),
        address(std::move(address_text)),
        role_text(std::move(role_text)),
        name(this->name_text),
        role(this->role_text) {}

  BackendLabels(const BackendLabels&) = delete;
  BackendLabels& operator=(const BackendLabels&) = delete;

  const std::string name_text;
  const std::string address;
  const std::string role_text;
  const Label name;
  const Label role;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_BACKEND_LABELS_H_
