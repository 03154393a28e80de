"""Tests what tools/compile_commands makes of Bazel's list of actions."""

import unittest

import scripts

WORKSPACE = "/sources"
ROOT = "/output/execroot/multi_backend"

compile_commands = scripts.load("compile_commands")


def compilation(source, *options):
    return {
        "mnemonic": "CppCompile",
        "arguments": ["/usr/bin/gcc", *options, "-c", source, "-o", "x.o"],
    }


def entries(*actions):
    return compile_commands.entries_of(actions, WORKSPACE, ROOT)


class CompileCommandsTest(unittest.TestCase):

    def test_a_source_is_compiled_in_the_execution_root(self):
        include = "-Ibazel-out/k8-fastbuild/bin/proto/_virtual_includes/config"
        self.assertEqual(entries(compilation("proto/config.cc", include)), [{
            "directory": ROOT,
            "file": "/sources/proto/config.cc",
            "arguments": [
                "/usr/bin/gcc", include, "-c", "/sources/proto/config.cc",
                "-o", "x.o",
            ],
        }])

    def test_a_generated_source_is_in_the_execution_root(self):
        entry, = entries(compilation("bazel-out/bin/proto/config.pb.cc"))
        self.assertEqual(entry["file"], ROOT + "/bazel-out/bin/proto/config.pb.cc")

    def test_options_that_are_not_for_clang_are_dropped(self):
        entry, = entries(compilation(
            "a.cc", "-Wall", "-Werror", "-fno-canonical-system-headers",
            "-DNAME=-Werror"))
        self.assertEqual(
            entry["arguments"],
            ["/usr/bin/gcc", "-Wall", "-DNAME=-Werror", "-c", "/sources/a.cc",
             "-o", "x.o"])

    def test_other_actions_are_left_out(self):
        self.assertEqual(
            entries({"mnemonic": "CppLink", "arguments": ["/usr/bin/gcc"]},
                    {"mnemonic": "Middleman"}), [])

    def test_one_entry_for_each_file_in_any_order_of_actions(self):
        actions = [compilation("b.cc"), compilation("a.cc", "-O2"),
                   compilation("a.cc", "-O1")]
        found = entries(*actions)
        self.assertEqual([e["file"] for e in found],
                         ["/sources/a.cc", "/sources/b.cc"])
        self.assertIn("-O1", found[0]["arguments"])
        self.assertEqual(entries(*reversed(actions)), found)


if __name__ == "__main__":
    unittest.main()
