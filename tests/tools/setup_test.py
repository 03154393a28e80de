"""What tools/setup installs on which system, and where it refuses.

The script runs with commands of the test in place of apt and dpkg, so nothing
is installed.
"""

import os
import shutil
import subprocess
import tempfile
import unittest

import scripts

HEADERS = "include/grpc-core-1.51.1"
INSTALLED = "installed"  # The machine's /usr/include.
# The commands that are the machine's own.
COMMANDS = ["bash", "cat", "chmod", "cmp", "env", "find", "mkdir", "rm", "sed",
            "tar", "tee"]

DEBIAN_12 = 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n'
DEBIAN_13 = 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian 13"\n'
UBUNTU = 'ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04"\n'
MINT = 'ID=linuxmint\nVERSION_ID="22"\nPRETTY_NAME="Mint 22"\n'
FEDORA = 'ID=fedora\nVERSION_ID="41"\nPRETTY_NAME="Fedora 41"\n'


class Machine:
    """A machine whose commands only write down how they were called."""

    def __init__(self, os_release):
        self.directory = tempfile.mkdtemp()
        for command in COMMANDS:
            os.symlink(shutil.which(command), self.path(command))
        self.write("os-release", os_release)
        # The headers are there.
        self.write(os.path.join(HEADERS, "VERSION"), "1.51.1-3\n")
        self.command("id", "echo 0")

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def command(self, name, body):
        """Adds a command to the machine."""
        self.write(name, '#!/usr/bin/env bash\necho "%s $*" >> "%s"\n%s\n' %
                   (name, self.path("calls"), body))
        os.chmod(self.path(name), 0o755)

    def with_apt(self, missing="", grpc="1.51.1-3"):
        """Adds apt and dpkg, which have all packages but `missing`."""
        self.command("apt-get", '[ "$1" != source ]')
        self.command("apt-cache", """
            version=1
            case "$2" in
              libgrpc-dev) version=%s ;;
              %s) version="(none)" ;;
            esac
            printf '%%s:\\n  Candidate: %%s\\n' "$2" "$version"
            """ % (grpc, missing or "-"))
        self.command("dpkg-query", """
            case "$3" in
              *source:Version*) echo %s ;;
              *) printf 'install ok installed' ;;
            esac""" % grpc)
        return self

    def setup(self, *arguments, **variables):
        """Returns the exit code and the output of tools/setup."""
        result = subprocess.run(
            [scripts.path("setup"), *arguments],
            env={"PATH": self.directory,
                 "MULTI_BACKEND_OS_RELEASE": self.path("os-release"),
                 "MULTI_BACKEND_PREFIX": self.directory,
                 "MULTI_BACKEND_INCLUDE": self.path(INSTALLED), **variables},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False, timeout=60)
        return result.returncode, result.stdout.decode()

    def calls(self):
        """Returns how the machine's commands were called, one a line."""
        with open(self.path("calls"), encoding="utf-8") as file:
            return file.read()

    def asked_for(self, package):
        return " %s\n" % package in self.calls()


class SetupTest(unittest.TestCase):

    def machine(self, os_release):
        machine = Machine(os_release)
        self.addCleanup(shutil.rmtree, machine.directory)
        return machine

    def test_a_tested_system_with_all_packages_needs_no_apt(self):
        for os_release in (DEBIAN_12, DEBIAN_13):
            machine = self.machine(os_release).with_apt()
            code, output = machine.setup()
            self.assertEqual(code, 0, output)
            self.assertIn("setup: all packages are there", output)
            self.assertIn("setup: done: this machine builds", output)
            self.assertNotIn("WARNING", output)
            self.assertNotIn("apt-get", machine.calls())

    def test_each_system_has_its_packages(self):
        packages = ["libclang-rt-14-dev", "libclang-rt-18-dev",
                    "libclang-rt-dev", "opentelemetry-cpp-dev", "chromium"]
        for os_release, wanted in [
                (DEBIAN_12, ["libclang-rt-14-dev", "chromium"]),
                (DEBIAN_13,
                 ["libclang-rt-dev", "opentelemetry-cpp-dev", "chromium"]),
                (UBUNTU, ["libclang-rt-18-dev"]),
        ]:
            machine = self.machine(os_release).with_apt()
            code, output = machine.setup("--tests")
            self.assertEqual(code, 0, output)
            self.assertEqual([p for p in packages if machine.asked_for(p)],
                             wanted)

    def test_only_the_tests_need_the_servers_of_the_benches(self):
        for os_release in (DEBIAN_12, DEBIAN_13, UBUNTU):
            for arguments, wanted in [((), False), (("--tests",), True)]:
                machine = self.machine(os_release).with_apt()
                code, output = machine.setup(*arguments)
                self.assertEqual(code, 0, output)
                for package in ("haproxy", "nginx-light", "iptables"):
                    self.assertEqual(machine.asked_for(package), wanted)

    def test_an_untested_system_is_warned_of(self):
        for os_release, name in [(UBUNTU, "Ubuntu 24.04"), (MINT, "Mint 22")]:
            code, output = self.machine(os_release).with_apt().setup()
            self.assertEqual(code, 0, output)
            self.assertIn("WARNING: multi_backend is not tested on " + name,
                          output)

    def test_a_system_without_apt_is_refused(self):
        code, output = self.machine(FEDORA).setup()
        self.assertEqual(code, 1)
        self.assertIn("this is Fedora 41, where apt-get is missing", output)

    def test_the_missing_parts_are_named(self):
        machine = self.machine(MINT).with_apt("libabsl-dev", "1.30.2-3")
        code, output = machine.setup()
        self.assertEqual(code, 1)
        self.assertIn("setup: missing: the package libabsl-dev\n", output)
        self.assertIn("setup: missing: gRPC 1.51.1 "
                      "(libgrpc-dev is version 1.30.2-3)\n", output)
        self.assertIn("this is Mint 22, whose apt sources do not have", output)
        self.assertNotIn("install", machine.calls())

    def test_another_grpc_is_refused(self):
        code, output = self.machine(DEBIAN_12).with_apt(
            grpc="1.74.0-1").setup()
        self.assertEqual(code, 1)
        self.assertIn("libgrpc-dev is version 1.74.0-1, "
                      "but multi_backend supports 1.51.1", output)

    def test_a_machine_that_says_no_system_is_refused(self):
        machine = self.machine("")
        os.remove(machine.path("os-release"))
        code, output = machine.setup()
        self.assertEqual(code, 1)
        self.assertIn("os-release, which names the system, is missing", output)

    def test_an_unknown_argument_is_refused(self):
        code, output = self.machine(DEBIAN_12).setup("--test")
        self.assertEqual(code, 2)
        self.assertIn("unknown argument: --test", output)

    def test_headers_come_from_a_tree_of_the_installed_grpc(self):
        machine = self.machine_with_tree()
        code, output = self.setup_with_tree(machine)
        self.assertEqual(code, 0, output)
        self.assertIn("are those of " + machine.path("tree"), output)
        for header, is_copied in [
                ("VERSION", True),
                ("src/core/lib/call.h", True),
                ("src/core/lib/call.cc", False),
                ("third_party/upb/upb/port.inc", True),
                ("old.h", False),
        ]:
            self.assertEqual(
                os.path.exists(machine.path(os.path.join(HEADERS, header))),
                is_copied, header)

    def test_a_tree_of_another_grpc_is_refused(self):
        info = "tree/include/grpcpp/version_info.h"
        for name, text, words in [
                (info, '#define GRPC_CPP_VERSION_STRING "1.51.0"\n',
                 "tree is gRPC 1.51.0, but gRPC 1.51.1 is installed"),
                (info, "", "tree is gRPC without a version, but"),
                ("tree/include/grpc/grpc.h", "changed",
                 "tree/include/grpc/grpc.h is not the installed"),
        ]:
            machine = self.machine_with_tree()
            machine.write(name, text)
            code, output = self.setup_with_tree(machine)
            self.assertEqual(code, 1)
            self.assertIn(words, output)
            self.assertTrue(os.path.exists(
                machine.path(os.path.join(HEADERS, "old.h"))))

    def test_a_directory_that_is_no_tree_of_grpc_is_refused(self):
        machine = self.machine_with_tree()
        shutil.rmtree(machine.path("tree/include/grpc"))
        code, output = self.setup_with_tree(machine)
        self.assertEqual(code, 1)
        self.assertIn("is not the installed %s/grpc/" % machine.path(INSTALLED),
                      output)
        shutil.rmtree(machine.path("tree/src"))
        code, output = self.setup_with_tree(machine)
        self.assertEqual(code, 1)
        self.assertIn("tree has no src/core or no include/", output)

    def machine_with_tree(self):
        """Returns a machine that has a source tree of its gRPC."""
        machine = self.machine(DEBIAN_12).with_apt()
        for directory in (INSTALLED, "tree/include"):
            machine.write(os.path.join(directory, "grpcpp/version_info.h"),
                          '#define GRPC_CPP_VERSION_STRING "1.51.1"\n')
            machine.write(os.path.join(directory, "grpc/grpc.h"), "text")
        for file in ("src/core/lib/call.h", "src/core/lib/call.cc",
                     "third_party/upb/upb/port.inc"):
            machine.write(os.path.join("tree", file), "text")
        machine.write(os.path.join(HEADERS, "old.h"), "text")
        return machine

    def setup_with_tree(self, machine):
        return machine.setup(MULTI_BACKEND_CORE_HEADERS=machine.path("tree"))


if __name__ == "__main__":
    unittest.main()
