// What fuzz targets assert: FUZZ_CHECK ends the process with the condition's
// text, and the fuzzer then shows the input.
#ifndef MULTI_BACKEND_TESTS_FUZZ_FUZZ_CHECK_H_
#define MULTI_BACKEND_TESTS_FUZZ_FUZZ_CHECK_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/policy.h"

#define FUZZ_CHECK(condition) \
  ((condition) ? void()       \
               : multi_backend::FailFuzzCheck(__FILE__, __LINE__, #condition))

// libFuzzer's and replay.cc's entry, which each target defines; returns 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace multi_backend {

[[noreturn]] void FailFuzzCheck(const char* file, int line,
                                const char* condition);

inline absl::string_view AsText(const uint8_t* data, size_t size) {
  return absl::string_view(reinterpret_cast<const char*>(data), size);
}

// Default limits, lists that refuse some hosts; and one whose limits are so
// small that a fuzzer's inputs reach them.
const EndpointPolicy& ListPolicy();
const EndpointPolicy& TightPolicy();

// What holds of every list that came through a policy: each endpoint would come
// through it again, reaches a place that may be dialled, and is there once; the
// limits hold; the texts are short and can be printed.
void CheckAdmitted(const AdmittedEndpoints& admitted,
                   const EndpointPolicy& policy);

// The same of a list with nothing but this endpoint, twice.
void CheckAdmission(const Endpoint& endpoint, const EndpointPolicy& policy);

bool IsAscii(absl::string_view text);

// An error that says something, in some hundred bytes without control
// characters.
void CheckError(const absl::Status& status);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_FUZZ_FUZZ_CHECK_H_
