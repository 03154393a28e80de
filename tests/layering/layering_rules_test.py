"""That the layering check finds what it is for."""

import unittest

import layering



# (file, line, whether it is an offence)
ROWS = [
    # Downwards is allowed, upwards and sideways is not.
    ("resolver/a.cc", '#include "multi_backend/proto/config/x.h"', False),
    ("resolver/dns/a.cc", '#include "multi_backend/resolver/file/x.h"', False),
    ("proto/json/a.cc", '#include "multi_backend/resolver/endpoint/x.h"', True),
    ("resolver/a.h", '#include "multi_backend/lb_policy/x.h"', True),
    ("resolver/grpc/etcd/a.cc", '#include "multi_backend/port/core_api.h"',
     False),
    ("resolver/etcd/a.cc", '#include "multi_backend/resolver/grpc/etcd/x.h"',
     True),
    ("resolver/endpoint/a.cc", '#include "multi_backend/call/x.h"', False),
    ("resolver/grpc/a.cc", '#include "multi_backend/call/grpc/x.h"', False),
    ("lb_policy/plan/a.cc", '#include "multi_backend/call/grpc/x.h"', True),
    ("lb_policy/a.h", '#include "multi_backend/health/tracker.h"', False),
    ("lb_policy/a.h", '#include "multi_backend/interceptors/x.h"', True),
    ("interceptors/a.cc", '#include "multi_backend/resolver/x.h"', True),
    ("interceptors/a.cc", '#include "multi_backend/proto/x.h"', False),
    # The seam is for adapters, the adapters are for the root.
    ("lb_policy/a.cc", '#include "multi_backend/port/core_api.h"', True),
    ("lb_policy/grpc/a.cc", '#include "multi_backend/port/core_api.h"', False),
    ("lb_policy/a.cc", '#include "multi_backend/lb_policy/grpc/x.h"', True),
    ("lb_policy/grpc/a.cc", '#include "multi_backend/resolver/grpc/x.h"', True),
    ("lb_policy/grpc/a.cc", '#include "multi_backend/lb_policy/x.h"', False),
    ("lb_policy/grpc/a.cc", '#include "multi_backend/health/grpc/x.h"', False),
    ("health/grpc/a.cc", '#include "multi_backend/lb_policy/grpc/x.h"', True),
    ("multi_backend.cc", '#include "multi_backend/lb_policy/grpc/x.h"', False),
    ("port/a.h", '#include "multi_backend/lb_policy/grpc/x.h"', True),
    ("bench/a.cc", '#include "multi_backend/lb_policy/grpc/x.h"', False),
    # gRPC: no header in pure folders, core's only through the seam.
    ("proto/a.cc", "#include <grpcpp/grpcpp.h>", True),
    ("resolver/a.h", '#include "grpc/support/log.h"', True),
    ("resolver/a_test.cc", "#include <grpcpp/grpcpp.h>", False),
    ("resolver/grpc/a.cc", "#include <grpcpp/grpcpp.h>", False),
    ("resolver/grpc/a.cc", '#include "src/core/lib/uri/uri_parser.h"', True),
    ("port/core_api.h", '#include "src/core/lib/uri/uri_parser.h"', False),
    ("health/probes/curl/probe.cc", "#include <curl/curl.h>", False),
    ("health/probes/prober.cc", "#include <curl/curl.h>", True),
    # Programs use what everybody can use.
    ("examples/a.cc", '#include "multi_backend/multi_backend.h"', False),
    ("examples/a.cc", '#include "multi_backend/examples/x.h"', False),
    ("examples/a.cc", '#include "multi_backend/resolver/x.h"', True),
    # Only tests use what tests share.
    ("lb_policy/a_test.cc", '#include "multi_backend/tests/testing/x.h"',
     False),
    ("lb_policy/a.cc", '#include "multi_backend/tests/testing/x.h"', True),
    ("proto/a_test.cc", '#include "multi_backend/lb_policy/x.h"', True),
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
        text = "int x;\n" * (layering.MAX_LINES + 1)
        self.assertTrue(layering.check_file("proto/a.cc", text))
        self.assertFalse(layering.check_file("proto/a_test.cc", text))


if __name__ == "__main__":
    unittest.main()
