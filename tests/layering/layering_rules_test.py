"""Tests that the layering check finds each kind of offence."""

import os
import unittest

import layering



# (file, line, whether it is an offence)
ROWS = [
    # A room may use what its row names, and nothing else.
    ("resolver/dns/a.cc", '#include "multi_backend/resolver/source/x.h"', False),
    ("resolver/dns/a.cc", '#include "multi_backend/resolver/dns/x.h"', False),
    ("resolver/dns/a.cc", '#include "multi_backend/resolver/zookeeper/x.h"',
     True),
    ("resolver/dns/a.cc", '#include "multi_backend/resolver/file/x.h"', True),
    ("proto/json/a.cc", '#include "multi_backend/resolver/endpoint/x.h"', True),
    ("resolver/file/a.h", '#include "multi_backend/lb_policy/x.h"', True),
    ("resolver/grpc/etcd/a.cc", '#include "multi_backend/port/deadline.h"',
     False),
    ("resolver/etcd/a.cc", '#include "multi_backend/resolver/grpc/etcd/x.h"',
     True),
    ("resolver/endpoint/a.cc", '#include "multi_backend/call/x.h"', True),
    ("resolver/grpc/a.cc", '#include "multi_backend/call/grpc/x.h"', False),
    ("lb_policy/strategies/a.cc", '#include "multi_backend/lb_policy/x.h"',
     False),
    ("lb_policy/strategies/a.cc",
     '#include "multi_backend/lb_policy/strategies/algorithms/x.h"', False),
    ("lb_policy/strategies/algorithms/a.h",
     '#include "multi_backend/lb_policy/strategies/x.h"', True),
    ("lb_policy/strategies/a.cc",
     '#include "multi_backend/lb_policy/waiting/x.h"', True),
    # The folders of strategies are one room.
    ("lb_policy/strategies/a.cc",
     '#include "multi_backend/lb_policy/strategies/b/x.h"', False),
    ("lb_policy/strategies/b/a.cc",
     '#include "multi_backend/lb_policy/strategies/c/x.h"', False),
    ("lb_policy/strategies/b/a.cc",
     '#include "multi_backend/lb_policy/strategies/algorithms/x.h"', False),
    ("lb_policy/strategies/b/a.cc",
     '#include "multi_backend/lb_policy/waiting/x.h"', True),
    ("lb_policy/strategies/algorithms/a.h",
     '#include "multi_backend/lb_policy/strategies/b/x.h"', True),
    ("lb_policy/plan/a.cc",
     '#include "multi_backend/lb_policy/strategies/b/x.h"', False),
    ("lb_policy/plan/a.cc", '#include "multi_backend/lb_policy/waiting/x.h"',
     False),
    ("lb_policy/plan/a.cc", '#include "multi_backend/call/grpc/x.h"', True),
    ("interceptors/a.cc", '#include "multi_backend/resolver/groups/x.h"', True),
    ("interceptors/a.cc", '#include "multi_backend/proto/config/x.h"', False),
    ("unheard_of/a.cc", '#include "multi_backend/proto/config/x.h"', True),
    # Only adapters use the seam, and only the root uses adapters.
    ("lb_policy/plan/a.cc", '#include "multi_backend/port/core.h"', True),
    ("lb_policy/grpc/a.cc", '#include "multi_backend/port/core.h"', False),
    # The release is chosen in one place.
    ("lb_policy/grpc/a.cc",
     '#include "multi_backend/port/core_1_51/tracker.h"', True),
    ("lb_policy/grpc/a_test.cc",
     '#include "multi_backend/port/core_1_51/core.h"', True),
    ("tests/e2e/a_test.cc",
     '#include "multi_backend/port/core_1_51/core.h"', True),
    ("port/registration.cc",
     '#include "multi_backend/port/core_1_51/core.h"', True),
    ("port/core.h", '#include "multi_backend/port/core_1_51/core.h"', False),
    ("port/core_1_51/core.h",
     '#include "multi_backend/port/core_1_51/tracker.h"', False),
    ("port/core_1_83/core.h",
     '#include "multi_backend/port/core_1_51/tracker.h"', True),
    ("lb_policy/plan/a.cc", '#include "multi_backend/lb_policy/grpc/x.h"', True),
    ("lb_policy/grpc/a.cc", '#include "multi_backend/resolver/grpc/x.h"', True),
    ("lb_policy/grpc/a.cc", '#include "multi_backend/health/grpc/x.h"', False),
    ("health/grpc/a.cc", '#include "multi_backend/lb_policy/grpc/x.h"', True),
    ("multi_backend.cc", '#include "multi_backend/lb_policy/grpc/x.h"', False),
    ("port/a.h", '#include "multi_backend/lb_policy/grpc/x.h"', True),
    ("port/a.h", '#include "multi_backend/proto/config/x.h"', True),
    ("bench/a.cc", '#include "multi_backend/lb_policy/grpc/x.h"', False),
    # Pure rooms include no header of gRPC; others get core's from the seam.
    ("proto/config/a.cc", "#include <grpcpp/grpcpp.h>", True),
    ("resolver/endpoint/a.h", '#include "grpc/support/log.h"', True),
    ("resolver/endpoint/a_test.cc", "#include <grpcpp/grpcpp.h>", False),
    ("resolver/grpc/a.cc", "#include <grpcpp/grpcpp.h>", False),
    ("resolver/grpc/a.cc", '#include "src/core/lib/uri/uri_parser.h"', True),
    ("port/core_1_51/headers.h", '#include "src/core/lib/uri/uri_parser.h"',
     False),
    ("port/core_1_51/tracker.h", '#include "src/core/lib/uri/uri_parser.h"',
     True),
    ("port/core.h", '#include "src/core/lib/uri/uri_parser.h"', True),
    # Each library belongs to one room.
    ("health/probes/curl/probe.cc", "#include <curl/curl.h>", False),
    ("health/probes/prober.cc", "#include <curl/curl.h>", True),
    ("resolver/dns/client.cc", "#include <ares.h>", False),
    ("resolver/file/a.cc", "#include <ares.h>", True),
    ("resolver/zookeeper/a.cc", "#include <zookeeper/zookeeper.h>", False),
    ("resolver/dns/a.cc", "#include <zookeeper/zookeeper.h>", True),
    # So have locks.
    ("sync/mutex.h", "#include <mutex>", False),
    ("lb_policy/backends/pool.h", "#include <mutex>", True),
    ("lb_policy/backends/pool.h", "#include <condition_variable>", True),
    ("lb_policy/backends/pool.h", '#include "absl/synchronization/mutex.h"',
     True),
    ("lb_policy/backends/pool.h", '#include "multi_backend/sync/mutex.h"',
     False),
    ("lb_policy/backends/pool_test.cc", "#include <mutex>", False),
    ("multi_backend.cc", "#include <mutex>", True),
    ("examples/b.cc", '#include "absl/synchronization/mutex.h"', False),
    # Examples use only public headers.
    ("examples/a.cc", '#include "multi_backend/multi_backend.h"', False),
    ("examples/a.cc", '#include "multi_backend/examples/x.h"', False),
    ("examples/a.cc", '#include "multi_backend/resolver/dns/x.h"', True),
    ("examples/a.cc", '#include "multi_backend/tests/testing/x.h"', False),
    # Only tests use the support of tests.
    ("lb_policy/plan/a_test.cc", '#include "multi_backend/tests/testing/x.h"',
     False),
    ("lb_policy/plan/a.cc", '#include "multi_backend/tests/testing/x.h"', True),
    ("proto/json/a_test.cc", '#include "multi_backend/lb_policy/x.h"', True),
    ("proto/config/lint/a_test.cc",
     '#include "multi_backend/proto/config/parser/x.h"', False),
    ("proto/config/parser/a_test.cc",
     '#include "multi_backend/proto/config/testing/x.h"', False),
    ("proto/config/parser/a.cc",
     '#include "multi_backend/proto/config/testing/x.h"', True),
    # Words.
    ("proto/a.cc", "// TO" + "DO: later", True),
    ("proto/a.cc", "std::reg" + "ex pattern;", True),
    ("proto/a.cc", "#include <reg" + "ex>", True),
    ("proto/a.cc", "RE2 regex_shape;", False),
    ("proto/a_test.cc", "absl::Sleep" + "For(x);", True),
    ("tests/testing/a.cc", "absl::Sleep" + "For(x);", False),
    ("proto/a_test.cc", "members.sleep(1);", False),
    # Names.
    ("proto/string_utils.cc", "", True),
    ("proto/config.cc", "", False),
]


class LayeringRulesTest(unittest.TestCase):

    def test_finds_offences_and_nothing_else(self):
        for path, line, is_offence in ROWS:
            with self.subTest(path=path, line=line):
                found = layering.check_file(path, line + "\n")
                self.assertEqual(bool(found), is_offence, found)

    def test_long_files_are_offences(self):
        text = "int x;\n" * 400
        self.assertFalse(layering.check_file("proto/config/a.cc", text))
        text += "int x;\n"
        self.assertTrue(layering.check_file("proto/config/a.cc", text))
        self.assertFalse(layering.check_file("proto/config/a_test.cc", text))

    def test_full_rooms_are_offences(self):
        files = ["proto/config/a%d.h" % i for i in range(layering.MAX_FILES)]
        tests = ["proto/config/a%d_test.cc" % i for i in range(99)]
        self.assertEqual(layering.full_rooms(files + tests), [])
        self.assertEqual(layering.full_rooms(files + ["proto/config/b.cc"]),
                         ["proto/config"])

    def test_the_table_names_rooms_that_stand_above(self):
        for number, (room, _, uses) in enumerate(layering.ROOMS):
            above = {row[0] for row in layering.ROOMS[:number]}
            self.assertLessEqual(set(uses.split()), above, room)

    def test_the_layout_page_draws_the_same_table(self):
        page = os.path.join(os.path.dirname(os.path.realpath(
            layering.__file__)), "../../docs/layout.md")
        with open(page, encoding="utf-8") as text:
            rows = [line for line in text.read().split("\n")
                    if line.startswith("| `")]
        for room, purpose, uses in layering.ROOMS:
            named = ", ".join("`%s`" % other for other in uses.split())
            self.assertIn("| `%s` | %s | %s |" %
                          (room, purpose, named or "nothing"), rows)


if __name__ == "__main__":
    unittest.main()
