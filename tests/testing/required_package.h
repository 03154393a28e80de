// What a test does on a machine that lacks a package which only some tests
// need, a DNS server for instance.  The test is skipped, and says which package
// it misses.  Where MULTI_BACKEND_REQUIRE_SERVERS is set, as .ci/run sets it,
// the test fails instead, because GoogleTest counts a skipped test as passed.
//
// First in a test, or in its SetUp():
//
//   MB_REQUIRE_PACKAGE(KnotServer::Installed(), KnotServer::kHowToInstall);
//
// First in main(), when the program itself is the test:
//
//   if (!installed) return ExitCodeWithoutPackage(how_to_install);
//
// `how_to_install` says what is missing, its Debian package, and the command:
// "etcd is not installed (package etcd-server): run tools/setup --tests".
#ifndef MULTI_BACKEND_TESTS_TESTING_REQUIRED_PACKAGE_H_
#define MULTI_BACKEND_TESTS_TESTING_REQUIRED_PACKAGE_H_

#include <stdlib.h>

#include <iostream>

#include "absl/strings/string_view.h"

namespace multi_backend {

constexpr char kRequirePackages[] = "MULTI_BACKEND_REQUIRE_SERVERS";

inline bool PackagesAreRequired() {
  const char* const value = getenv(kRequirePackages);
  return value != nullptr && *value != '\0';
}

// Prints what is missing to stderr.  Returns 0 in a test that may be skipped.
// Otherwise returns 1, because a user who runs the program wants its result.
inline int ExitCodeWithoutPackage(absl::string_view how_to_install) {
  // Bazel sets the variable for tests.
  const bool is_test = getenv("TEST_TARGET") != nullptr;
  const bool skipped = is_test && !PackagesAreRequired();
  std::cerr << (skipped ? "NOT TESTED: " : "") << how_to_install << std::endl;
  return skipped ? 0 : 1;
}

}  // namespace multi_backend

// Needs GoogleTest, which the test includes.  A program that does not use the
// macro does not need it.
#define MB_REQUIRE_PACKAGE(is_there, how_to_install)                          \
  do {                                                                        \
    if (is_there) break;                                                      \
    if (::multi_backend::PackagesAreRequired()) {                             \
      FAIL() << (how_to_install) << " (" << ::multi_backend::kRequirePackages \
             << " is set)";                                                   \
    }                                                                         \
    GTEST_SKIP() << "NOT TESTED: " << (how_to_install);                       \
  } while (false)

#endif  // MULTI_BACKEND_TESTS_TESTING_REQUIRED_PACKAGE_H_
