"""Checks of the sources that a compiler does not make.

Who may include whom (the folders' layers), what may not be used where, and the
size of files.  Prints one line for each offence, "file:line: what", and exits
with 1 if there is one.

    python3 layering.py [ROOT]
"""

import os
import re
import sys

# The layers: a folder may include itself and these.  `x/grpc` is the adapter of
# x to gRPC; no other folder may include an adapter.
PURE = {
    "proto": set(),
    "resolver": {"proto"},
    "health": {"proto", "resolver"},
    "lb_policy": {"proto", "resolver", "health"},
    "interceptors": {"proto"},
}
# The seam knows plain values of ours, which travel through core.
SEAM = {"proto", "resolver", "lb_policy"}
EVERYTHING = None
WHO_MAY_INCLUDE = dict(
    PURE,
    port=SEAM,
    bench=EVERYTHING,
    tests=EVERYTHING,
    # The library's root: wires the parts.
    **{"": EVERYTHING},
    # Programs know the public header, and what starts their servers.
    examples={"", "tests/testing"},
)
for _folder, _below in PURE.items():
    WHO_MAY_INCLUDE[_folder + "/grpc"] = _below | {_folder, "port"}
# The policy's backends are probed over the channel's own credentials.
WHO_MAY_INCLUDE["lb_policy/grpc"].add("health/grpc")
# The config selector follows the routes where no interceptor does.
WHO_MAY_INCLUDE["resolver/grpc"].add("interceptors")

# Tests and their support may also use what the tests share.
TEST_SUPPORT = {"tests/testing", "tests/e2e", "examples", "interceptors/testing",
                "lb_policy/grpc/testing", "proto/config/testing"}

# Rooms, and a file, that still count as the layer they come from.
LAYER_OF = {
    "call": "proto",
    "call/grpc": "port",
}

CORE_HEADER_FILE = "port/core_api.h"
# HTTP and TCP probes; everybody else asks through health/probes/probe.h.
LIBCURL_FILE = re.compile(r"^health/probes/curl/\w+\.(h|cc)$")
SOURCE = re.compile(r"\.(h|cc|proto)$")
SKIPPED = re.compile(r"^(\.git|bazel-|\.|tests/consumer/workspace)")
MAX_LINES = 450
# Tables of test rows may be longer than code.
MAX_TEST_LINES = 900

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
WORDS = [
    # What, in files whose names end so (None = in all), why not.
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), None,
     "an unfinished thing is finished or an issue"),
    (re.compile(r"\bstd::w?(c?regex|smatch|cmatch)\b|#include <regex>"), None,
     "std::regex is slow and overflows the stack; use RE2"),
    (re.compile(r"\b(SleepFor|sleep_for|sleep_until|usleep|nanosleep)\s*\(|"
                r"(?<![\w.>])sleep\s*\("), "_test.cc",
     "tests wait for what they need, not for some time"),
]
FORBIDDEN_NAMES = re.compile(r"(^|[/_])(utils?|common|manager|helpers?)([._/]|$)")


def folder_of(path):
    """The layer of a file: "resolver", "resolver/grpc", "tests", ""...

    A room within a layer, "resolver/dns", belongs to that.
    """
    if path in LAYER_OF:
        return LAYER_OF[path]
    parts = path.split("/")[:-1]
    if not parts:
        return ""
    layer = parts[0]
    if len(parts) > 1 and parts[1] == "grpc":
        layer = "/".join(parts[:2])
    return LAYER_OF.get(layer, layer)


def is_test(path):
    return (path.endswith("_test.cc") or path.startswith("tests/") or
            "/testing/" in path)


def included_folder(path):
    folder = folder_of(path)
    if folder == "tests":
        return "/".join(path.split("/")[:2])
    if "/testing/" in path and not path.startswith("tests/"):
        return os.path.dirname(path)
    return folder


def check_include(path, included):
    """None, or what is wrong with `path` including `included`."""
    folder = folder_of(path)
    if included.startswith("src/core/"):
        if path != CORE_HEADER_FILE:
            return "core's headers come through %s only" % CORE_HEADER_FILE
        return None
    if re.match(r"grpc(pp|\+\+)?/", included):
        if folder in PURE and not is_test(path):
            return "a pure folder knows no gRPC; that is for %s/grpc" % folder
        return None
    if included.startswith("curl/") and not LIBCURL_FILE.match(path):
        return "libcurl is for health/probes/curl only"
    if not included.startswith("multi_backend/"):
        return None
    target = included[len("multi_backend/"):]
    to = included_folder(target)
    if to == folder or (is_test(path) and to in TEST_SUPPORT):
        return None
    if "/testing/" in path and to == folder_of(path).split("/")[0]:
        return None
    allowed = WHO_MAY_INCLUDE.get(folder, set())
    if allowed is EVERYTHING or to in allowed:
        return None
    if target == "port/core_api.h" and is_test(path):
        return None
    return "%s may not include %s" % (folder or "the root", to or "the root")


def check_file(path, text):
    offences = []
    lines = text.split("\n")
    limit = MAX_TEST_LINES if is_test(path) else MAX_LINES
    if len(lines) - 1 > limit:
        offences.append((1, "%d lines; at most %d, one concept per file" %
                         (len(lines) - 1, limit)))
    if FORBIDDEN_NAMES.search(path):
        offences.append((1, "the name says nothing of what is in it"))
    for number, line in enumerate(lines, 1):
        include = INCLUDE.match(line)
        if include:
            wrong = check_include(path, include.group(1))
            if wrong:
                offences.append((number, "%s: %s" % (include.group(1), wrong)))
        for pattern, where, why in WORDS:
            if where is not None and not path.endswith(where):
                continue
            found = pattern.search(line)
            if found:
                offences.append((number, "%s: %s" % (found.group(0), why)))
    return offences


def sources(root):
    for directory, folders, files in os.walk(root):
        relative = os.path.relpath(directory, root)
        relative = "" if relative == "." else relative + "/"
        folders[:] = sorted(
            f for f in folders if not SKIPPED.search(relative + f))
        for name in sorted(files):
            if SOURCE.search(name):
                yield relative + name


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(
        os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    files = list(sources(root))
    if "multi_backend.h" not in files:
        sys.exit("%s is not the root of the sources" % root)
    count = 0
    for path in files:
        with open(os.path.join(root, path), encoding="utf-8") as source:
            for line, what in check_file(path, source.read()):
                print("%s:%d: %s" % (path, line, what))
                count += 1
    print("layering: %d files, %d offences" % (len(files), count))
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
