"""Which files tools/check_clang checks, and how."""

import unittest

import scripts

check_clang = scripts.load("check_clang")

ENTRY = {
    "directory": "/output",
    "file": "/sources/a.cc",
    "arguments": ["/usr/bin/gcc", "-MD", "-MF", "a.d", "-Iinclude", "-c",
                  "/sources/a.cc", "-o", "a.o"],
}


class CheckClangTest(unittest.TestCase):

    def test_checks_the_library_and_nothing_else(self):
        for path, is_library in [
                ("multi_backend.cc", True),
                ("resolver/dns/client.cc", True),
                ("resolver/dns/client_test.cc", False),
                ("lb_policy/grpc/testing/harness.cc", False),
                ("tests/testing/server_process.cc", False),
                ("bench/pick_bench.cc", False),
                ("examples/quickstart.cc", False),
                ("../elsewhere/bazel-out/config.pb.cc", False),
        ]:
            with self.subTest(path=path):
                self.assertEqual(check_clang.is_library(path), is_library)

    def test_the_compiler_writes_no_files(self):
        command = check_clang.command(ENTRY, "/sources/b.cc")
        self.assertIn("-Iinclude", command)
        self.assertIn("/sources/b.cc", command)
        for gone in ("/usr/bin/gcc", "-MD", "a.d", "-c", "/sources/a.cc",
                     "-o", "a.o"):
            self.assertNotIn(gone, command)


if __name__ == "__main__":
    unittest.main()
