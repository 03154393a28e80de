// CallInstructions(): how many instructions one unary call costs the client.
#ifndef MULTI_BACKEND_BENCH_CALLS_CALL_INSTRUCTIONS_H_
#define MULTI_BACKEND_BENCH_CALLS_CALL_INSTRUCTIONS_H_

#include <string>

namespace multi_backend {

// Where everything_on.json is at run time.
std::string EverythingOnFile();

// Runs //bench:call_client under callgrind with `few` and with `many` calls,
// against the servers at `addresses`, which commas separate.  The difference of
// both runs over the difference of the calls is one call, without start-up.
// `mode` is that of call_client.cc.  Valgrind must be installed.
double CallInstructions(const std::string& mode, int few, int many,
                        const std::string& addresses);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_CALLS_CALL_INSTRUCTIONS_H_
