// Checks for fuzz targets.  FUZZ_CHECK ends the process with the condition's
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

// Each target defines this function, which libFuzzer and replay.cc call.  It
// returns 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace multi_backend {

[[noreturn]] void FailFuzzCheck(const char* file, int line,
                                const char* condition);

inline absl::string_view AsText(const uint8_t* data, size_t size) {
  return absl::string_view(reinterpret_cast<const char*>(data), size);
}

// ListPolicy() has the default limits and lists that refuse some hosts.  The
// limits of TightPolicy() are so small that a fuzzer's inputs reach them.
const EndpointPolicy& ListPolicy();
const EndpointPolicy& TightPolicy();

// Checks what must hold for every list that a policy has admitted.  The policy
// admits each endpoint again, the endpoint's address may be dialled, and the
// endpoint is listed once.  The limits hold, and the texts are short and
// printable.
void CheckAdmitted(const AdmittedEndpoints& admitted,
                   const EndpointPolicy& policy);

// Checks the same for a list that contains only this endpoint, twice.
void CheckAdmission(const Endpoint& endpoint, const EndpointPolicy& policy);

bool IsAscii(absl::string_view text);

// Checks that the error has a message of reasonable length without control
// characters.
void CheckError(const absl::Status& status);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_FUZZ_FUZZ_CHECK_H_
