// Site: what the status page answers, without the network.
//
// Threads: any.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_SITE_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_SITE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "multi_backend/observability/admin/http/request_rules.h"
#include "multi_backend/observability/admin/monitor.h"

namespace multi_backend {

struct SiteOptions {
  std::shared_ptr<Monitor> monitor;
  RequestRules rules;
  bool serve_page = true;
  bool serve_metrics = true;
};

class Site {
 public:
  explicit Site(SiteOptions options) : options_(std::move(options)) {}

  // Checks the request and answers it; every answer has the headers that keep a
  // browser from more than it needs.
  HttpResponse Answer(const HttpRequest& request) const;

  // The parts of the stream of events: a comment that sets the delay after
  // which a browser connects again, the status, and the events after
  // `*newest`, which is then the newest.
  static std::string StreamBeginning();
  std::string StreamStatus() const;
  std::string StreamEvents(uint64_t* newest) const;
  uint64_t newest_event() const;

 private:
  HttpResponse Route(const HttpRequest& request) const;
  HttpResponse Index(const HttpRequest& request) const;
  HttpResponse RunAction(const HttpRequest& request) const;
  std::string StatusJson() const;
  admin::v1::Status GetStatus() const;

  const SiteOptions options_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_SITE_H_
