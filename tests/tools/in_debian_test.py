"""What tools/in_debian needs, makes and leaves behind.

A program of the test takes the place of debootstrap.  It copies a few commands
of this machine into the root, so nothing is downloaded.  .ci/run uses the real
one.
"""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import unittest

import scripts

DEBOOTSTRAP = """#!/usr/bin/env bash
# debootstrap OPTION... SUITE ROOT MIRROR
set -euo pipefail
echo "$*" >> "%(directory)s/calls"
[ ! -e "%(directory)s/fails" ] || { echo "the mirror is away"; exit 1; }
[ ! -e "%(directory)s/hangs" ] || sleep 7654325
root=${*: -2:1}
mkdir -p "$root"/{dev,proc,sys,usr/bin,usr/lib,usr/lib64,usr/sbin}
mkdir -p "$root"/etc/{apt/apt.conf.d,apt/preferences.d,apt/sources.list.d}
mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
for link in bin lib lib64 sbin; do ln -s usr/$link "$root/$link"; done
for command in sh bash env cat ls sleep true; do
  cp "$(type -P $command)" "$root/usr/bin/"
  for library in $(ldd "$(type -P $command)" | grep -o '/lib[^ ]*'); do
    mkdir -p "$root/$(dirname "$library")"
    cp "$library" "$root/$library"
  done
done
"""


def may_make_namespaces():
    return os.getuid() == 0 and subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "true"],
        stderr=subprocess.DEVNULL, check=False).returncode == 0


# In CI the tests run and fail in place of being skipped.
NEEDS_NAMESPACES = unittest.skipUnless(
    may_make_namespaces() or os.environ.get("MULTI_BACKEND_REQUIRE_SERVERS"),
    "NOT TESTED: only root may make namespaces")


class InDebianTest(unittest.TestCase):

    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.root = os.path.join(self.directory, "root")
        self.mirror = "http://mirror.example/debian"
        self.path_of_machine = os.environ["PATH"]
        self.command("debootstrap", DEBOOTSTRAP % {"directory": self.directory})

    def command(self, name, text):
        path = os.path.join(self.directory, "commands", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, stat.S_IRWXU)

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w",
                  encoding="utf-8") as file:
            file.write(text)

    def environment(self):
        return {
            "PATH": os.path.join(self.directory, "commands") + ":" +
                    self.path_of_machine,
            "HOME": "/root",
            "MULTI_BACKEND_DEBIAN_MIRROR": self.mirror,
        }

    def run_in(self, suite, *command):
        """Returns the exit code and the output of tools/in_debian."""
        result = subprocess.run(
            [scripts.path("in_debian"), "--root=" + self.root, suite, *command],
            env=self.environment(), input=b"typed\n", stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False, timeout=120)
        return result.returncode, result.stdout.decode()

    def text(self, *path):
        with open(os.path.join(self.directory, *path),
                  encoding="utf-8") as file:
            return file.read()


class NeedsTest(InDebianTest):

    def test_arguments(self):
        for arguments, words in [
                (["trixie"], "usage: tools/in_debian"),
                (["potato", "true"], "unknown suite: potato"),
                (["--rot=/tmp", "sid", "true"], "unknown argument: --rot=/tmp"),
        ]:
            result = subprocess.run(
                [scripts.path("in_debian"), *arguments],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            self.assertEqual(result.returncode, 2)
            self.assertIn(words, result.stdout.decode())

    def test_root(self):
        self.command("id", "#!/bin/sh\necho 1000\n")
        code, output = self.run_in("trixie", "true")
        self.assertEqual(code, 1)
        self.assertIn("needs root, because it mounts", output)

    def test_namespaces(self):
        self.command("unshare", "#!/bin/sh\necho not permitted >&2\nexit 1\n")
        self.command("id", "#!/bin/sh\necho 0\n")
        code, output = self.run_in("trixie", "true")
        self.assertEqual(code, 1)
        self.assertIn("(not permitted): a container needs CAP_SYS_ADMIN",
                      output)

    @NEEDS_NAMESPACES
    def test_a_mirror(self):
        self.mirror = ""
        self.command("apt-get", "#!/bin/sh\n")
        code, output = self.run_in("trixie", "true")
        self.assertEqual(code, 1)
        self.assertIn("found no mirror of Debian in this machine's apt "
                      "sources: set MULTI_BACKEND_DEBIAN_MIRROR", output)

    @NEEDS_NAMESPACES
    def test_debootstrap(self):
        os.remove(os.path.join(self.directory, "commands/debootstrap"))
        self.path_of_machine = "/usr/bin:/bin"  # It is in /usr/sbin.
        code, output = self.run_in("trixie", "true")
        self.assertEqual(code, 1)
        self.assertIn("needs debootstrap to make " + self.root, output)


@NEEDS_NAMESPACES
class RunTest(InDebianTest):

    def test_the_command_sees_the_sources_and_its_input(self):
        code, output = self.run_in(
            "trixie", "bash", "-c",
            'cat; ls tools/in_debian; echo "$HOME $PWD"; exit 7')
        self.assertEqual(code, 7, output)
        self.assertIn("typed\ntools/in_debian\n/root /multi_backend\n", output)

    def test_the_command_may_be_interrupted(self):
        code, output = self.run_in("trixie", "bash", "-c",
                                   "bash -c 'kill -INT $$'; echo $?")
        self.assertEqual(code, 0, output)
        self.assertIn("\n130\n", output)

    def test_the_root_is_made_once(self):
        for _ in range(2):
            code, output = self.run_in("trixie", "true")
            self.assertEqual(code, 0, output)
        self.assertEqual(self.text("calls").count("\n"), 1)
        self.assertIn(" trixie %s.new http://mirror.example/debian\n" %
                      self.root, self.text("calls"))

    def test_another_directory_is_no_root(self):
        os.mkdir(self.root)
        code, output = self.run_in("trixie", "true")
        self.assertEqual(code, 1)
        self.assertIn("is no root of trixie that tools/in_debian made: ", output)
        os.rmdir(self.root)
        self.assertEqual(self.run_in("trixie", "true")[0], 0)
        code, output = self.run_in("bookworm", "true")
        self.assertEqual(code, 1)
        self.assertIn("tools/in_debian made, but one of trixie: name another",
                      output)

    def test_no_daemon_starts(self):
        code, output = self.run_in("trixie", "/usr/sbin/policy-rc.d")
        self.assertEqual(code, 101, output)

    def test_a_root_that_could_not_be_made_is_made_again(self):
        self.write("fails", "")
        code, output = self.run_in("trixie", "true")
        self.assertEqual(code, 1)
        self.assertIn("debootstrap failed for http://mirror.example/debian",
                      output)
        self.assertIn("the mirror is away", output)
        self.assertFalse(os.path.exists(self.root))
        os.remove(os.path.join(self.directory, "fails"))
        code, output = self.run_in("trixie", "true")
        self.assertEqual(code, 0, output)

    def test_only_sid_takes_from_experimental(self):
        self.assertEqual(self.run_in("trixie", "true")[0], 0)
        self.assertEqual(
            os.listdir(os.path.join(self.root, "etc/apt/preferences.d")), [])
        shutil.rmtree(self.root)
        self.assertEqual(self.run_in("sid", "true")[0], 0)
        self.assertIn(
            "Package: src:grpc src:protobuf\nPin: release a=experimental\n",
            self.text("root/etc/apt/preferences.d/multi_backend"))

    def test_nothing_stays_mounted_and_no_process_is_left(self):
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            before = file.read()
        code, output = self.run_in("trixie", "bash", "-c",
                                   "sleep 7654321 & exit 0")
        self.assertEqual(code, 0, output)
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            self.assertEqual(file.read(), before)
        self.await_sleep("7654321", False)
        self.assertEqual(os.listdir(os.path.join(self.root, "multi_backend")),
                         [])

    def test_a_signal_ends_the_command(self):
        for number, (sent, code) in enumerate([
                (signal.SIGTERM, -signal.SIGTERM),
                (signal.SIGINT, -signal.SIGINT),
                (signal.SIGKILL, -signal.SIGKILL),
        ]):
            seconds = "765432%d" % (number + 2)
            with subprocess.Popen(
                    [scripts.path("in_debian"), "--root=" + self.root,
                     "trixie", "bash", "-c", "echo started; sleep " + seconds],
                    env=self.environment(), stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL) as process:
                self.assertEqual(process.stdout.readline(), b"started\n")
                process.send_signal(sent)
                self.assertEqual(process.wait(60), code)
            self.await_sleep(seconds, False)

    def test_a_signal_ends_the_making_of_a_root(self):
        self.write("hangs", "")
        with subprocess.Popen(
                [scripts.path("in_debian"), "--root=" + self.root, "trixie",
                 "true"],
                env=self.environment(), stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL) as process:
            self.await_sleep("7654325", True)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), -signal.SIGTERM)
        self.await_sleep("7654325", False)
        os.remove(os.path.join(self.directory, "hangs"))
        code, output = self.run_in("trixie", "true")
        self.assertEqual(code, 0, output)

    def await_sleep(self, seconds, sleeps):
        """Waits until a process sleeps for `seconds`, or until none does."""
        end = time.monotonic() + 60
        while self.sleeps(seconds) != sleeps:
            self.assertLess(time.monotonic(), end, seconds)
            time.sleep(0.05)

    def sleeps(self, seconds):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as file:
                    if file.read() == b"sleep\0%s\0" % seconds.encode():
                        return True
            except OSError:
                pass  # It has just ended.
        return False


if __name__ == "__main__":
    unittest.main()
