// The ways in which a broken or malicious HTTP/2 server may answer a client of
// gRPC, one row each.
#ifndef MULTI_BACKEND_TESTS_TESTING_HOSTILITIES_H_
#define MULTI_BACKEND_TESTS_TESTING_HOSTILITIES_H_

#include <vector>

#include "multi_backend/tests/testing/hostile_server.h"

namespace multi_backend {

// The names are unique and are valid names of parameterized tests.
std::vector<Hostility> AllHostilities();

// HEADERS with END_STREAM and without grpc-status.
Hostility NoStatusHostility();

// Accepts each connection and ends it at once with GOAWAY.
Hostility GoAwayAtOnceHostility();

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_HOSTILITIES_H_
