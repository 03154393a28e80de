// What a text becomes as the value of a label.
//
// Servers, discovery and callers choose names, so a text may be a megabyte long
// and need not be UTF-8.  Prometheus drops a whole scrape for one invalid byte.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_LABEL_TEXT_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_LABEL_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace multi_backend {

// Host names have up to 253 bytes.
constexpr size_t kMaxLabelBytes = 256;

// The value for what is not known or does not fit.
constexpr absl::string_view kOtherLabel = "other";

// Valid UTF-8 of at most kMaxLabelBytes: each invalid byte of `text` becomes
// "?", and what is cut off at the end becomes "...".  Reads no more of `text`
// than it returns.
std::string LabelText(absl::string_view text);

// The labels of "/package.Service/Method", as views of `path`.  Both are
// kOtherLabel when it has another form.
struct MethodLabels {
  absl::string_view service;
  absl::string_view method;
};
MethodLabels MethodLabelsOf(absl::string_view path);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_LABEL_TEXT_H_
