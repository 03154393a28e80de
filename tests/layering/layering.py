"""Checks the sources for rules that a compiler does not check.

The rules say which room may include which, what must not be used where, and how
large files and rooms may be.  Prints one line for each offence, "file:line:
what", and exits with 1 if there is one.

    python3 layering.py [ROOT]
"""

import os
import re
import sys

# The rooms, lowest first: what each is for, and the rooms that its files may
# include beside their own.  `x/grpc` is the adapter of x to gRPC; only the
# public targets, tests and benches use adapters, with the exceptions that stand
# here.  docs/layout.md draws the same table for readers.
ROOMS = [
    # room, purpose, rooms it may use
    ("sync", "locks with annotations that clang checks", ""),
    ("clock", "monotonic time, and the time of day that follows it", ""),
    ("text", "reading UTF-8, and showing what may be of any length", ""),
    ("observability",
     "what a channel tells about its calls and backends: an interface", "sync"),
    ("observability/trail", "which backends one call tried, and why",
     "observability sync text"),
    ("observability/metrics", "counts, histograms and gauges, and their names",
     "clock observability sync text"),
    ("observability/prometheus", "the metrics for prometheus-cpp",
     "observability/metrics"),
    ("observability/opentelemetry", "the metrics for OpenTelemetry",
     "observability observability/metrics"),
    ("observability/channel",
     "the present state of a channel, as its resolver and LB policy say",
     "observability sync"),
    ("proto", "the schemas config.proto and endpoints.proto", ""),
    ("proto/json", "reading JSON, and errors that name a field", "text"),
    ("proto/config", "the configuration as immutable structs", "text"),
    ("proto/config/rules", "what a configuration must obey",
     "proto proto/config proto/json"),
    ("proto/config/lint", "warnings about probable mistakes",
     "proto/config proto/config/rules proto/json"),
    ("proto/config/parser", "service config JSON to Config",
     "proto proto/config proto/config/rules proto/config/lint proto/json "
     "sync"),
    ("proto/service_config",
     "what the library reads in a whole service config and adds to it",
     "proto/config proto/json"),
    ("call", "the label of a call, and the record of what it did",
     "clock observability proto/config"),
    ("port", "the seam to core: the only folder that includes its headers",
     "sync"),
    ("call/grpc", "what travels with a call and with a channel",
     "call observability observability/channel port proto/config/parser "
     "sync"),
    ("call/grpc/filters", "what core's filters tell about a call, and change",
     "call call/grpc clock port sync"),
    ("resolver/endpoint", "an endpoint, its attributes, and which are allowed",
     "proto/config proto/json text"),
    ("resolver/groups", "lists of endpoints that change, and their registry",
     "proto/config resolver/endpoint sync text"),
    ("resolver/source", "what sources are made of, and which are registered",
     "resolver/endpoint resolver/groups sync"),
    ("resolver/file", "endpoints from a file",
     "proto proto/config proto/json resolver/endpoint resolver/groups "
     "resolver/source text"),
    ("resolver/dns", "endpoints from A, SRV and TXT records",
     "clock resolver/endpoint resolver/groups resolver/source text"),
    ("resolver/zookeeper", "endpoints from ZooKeeper",
     "proto/json resolver/endpoint resolver/groups resolver/source sync text"),
    ("resolver/etcd", "etcd's targets and records",
     "proto/json resolver/endpoint text"),
    ("resolver/grpc/etcd", "endpoints from etcd, a client over gRPC",
     "port resolver/endpoint resolver/groups resolver/source resolver/etcd "
     "sync text"),
    ("health/state", "a backend's states and what moves between them",
     "proto/config"),
    ("health/timers", "timers and threads of the process", "sync"),
    ("health/probes", "asking one backend again and again; TCP probes",
     "health/timers proto/config proto/json resolver/endpoint sync"),
    ("health/probes/curl", "HTTP probes with libcurl",
     "health/probes health/timers proto/config resolver/endpoint sync"),
    ("health", "the endpoint group that leaves out what its probes find ill",
     "clock health/probes health/state health/timers proto/config "
     "resolver/endpoint resolver/groups sync text"),
    ("health/grpc", "probes over gRPC",
     "health/probes health/timers port proto/config resolver/endpoint sync"),
    ("lb_policy", "ground words: strategy, request, load, random numbers",
     "clock proto/config"),
    ("lb_policy/strategies/algorithms", "what strategies are built from",
     "lb_policy"),
    ("lb_policy/strategies",
     "how a balancer chooses among its members; a folder for each strategy",
     "clock lb_policy lb_policy/strategies/algorithms proto/config"),
    ("lb_policy/backends", "a backend, its health and its events",
     "clock health/probes health/state health/timers lb_policy "
     "proto/config resolver/endpoint sync"),
    ("observability/admin",
     "status, recent calls and events of a process, as messages; actions",
     "clock lb_policy/backends observability observability/channel "
     "observability/metrics sync text"),
    ("observability/admin/grpc", "the admin service",
     "observability observability/admin"),
    ("observability/admin/http", "the status page",
     "clock observability observability/admin observability/metrics"),
    ("lb_policy/waiting", "the bounded queue of calls", "proto/config sync"),
    ("lb_policy/connections",
     "how many connections a backend has, and in which order and when they open",
     "lb_policy lb_policy/backends proto/config"),
    ("lb_policy/plan", "the balancer tree that picks walk",
     "call clock health/state lb_policy lb_policy/backends "
     "lb_policy/strategies lb_policy/waiting observability proto/config "
     "resolver/endpoint sync"),
    ("lb_policy/status", "what a channel's plan and pool say to observers",
     "clock health/state lb_policy lb_policy/backends lb_policy/plan "
     "lb_policy/waiting observability observability/channel proto/config "
     "resolver/endpoint"),
    ("lb_policy/failover", "whether a failed attempt is tried elsewhere",
     "call lb_policy lb_policy/plan lb_policy/waiting observability "
     "proto/config sync"),
    ("interceptors", "routes, sticky keys, checks of metadata",
     "call observability proto/config proto/json sync"),
    ("interceptors/grpc", "the client interceptor",
     "call interceptors port proto/config proto/json"),
    ("observability/trail/grpc", "a call's trail for who makes the call",
     "call observability/trail port"),
    # The config selector follows the routes where no interceptor does.
    ("resolver/grpc", "resolvers and config selector for core",
     "call call/grpc call/grpc/filters clock interceptors "
     "observability/channel observability/trail port proto/config "
     "proto/config/parser proto/json proto/service_config resolver/endpoint "
     "resolver/groups resolver/source sync"),
    # The policy's backends are probed over the channel's own credentials.
    ("lb_policy/grpc", "the LB policy, picker and trackers for core",
     "call call/grpc call/grpc/filters clock health/grpc health/probes lb_policy "
     "lb_policy/backends lb_policy/connections lb_policy/failover "
     "lb_policy/plan lb_policy/status lb_policy/strategies lb_policy/waiting "
     "observability/channel port proto/config resolver/endpoint sync"),
]
USES = {room: set(uses.split()) for room, _, uses in ROOMS}

STRATEGIES = "lb_policy/strategies"

# The library's root wires the parts.  Benches, tests and the command line,
# which shows what the rooms decide, may use everything.
FREE = {"", "bench", "tests", "tools"}
# Examples use the public headers, and the support that starts their servers.
EXAMPLES = {"", "tests/testing"}

# Tests and their support may also use what the tests share.
TEST_SUPPORT = {"tests/testing", "tests/e2e", "examples"}

# What belongs to one room of the library.
LIBRARY_OF = [
    (re.compile(r"^curl/"), {"health/probes/curl", "tools/mb/admin"},
     "libcurl"),
    (re.compile(r"^ares"), {"resolver/dns"}, "c-ares"),
    (re.compile(r"^opentelemetry/"), {"observability/opentelemetry"},
     "OpenTelemetry"),
    (re.compile(r"^prometheus/"), {"observability/prometheus", "bench", "examples"},
     "prometheus-cpp"),
    (re.compile(r"^zookeeper/"), {"resolver/zookeeper"}, "libzookeeper"),
    (re.compile(r"^microhttpd\.h"), {"observability/admin/http"},
     "libmicrohttpd"),
    (re.compile(r"^ncurses\.h"), {"tools/mb/admin"}, "ncurses"),
    # clang checks the locks of sync/mutex.h, and tsan sees them.  Programs use
    # what they like.
    (re.compile(r"^(mutex|shared_mutex|condition_variable|"
                r"absl/synchronization/mutex\.h)$"),
     {"sync", "bench", "examples"}, "a lock that is not sync/mutex.h's"),
]

# The door to core, behind which one folder for each release stands.
CORE_DOOR = "port/core.h"
# The same for the fakes of tests and benches.
CORE_FAKES = "port/fakes.h"
CORE_RELEASE = re.compile(r"^port/core_[0-9_]+/")
CORE_HEADER_FILE = re.compile(r"^port/core_[0-9_]+/headers\.h$")
SOURCE = re.compile(r"\.(h|cc|proto)$")
SKIPPED = re.compile(r"^(\.git|bazel-|\.|tests/consumer/workspace)")
MAX_LINES = 400
# The limit for one folder, without its tests.
MAX_FILES = 25
# Tables of test rows may be longer than code.
MAX_TEST_LINES = 900

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
WORDS = [
    # A pattern, the end of the names of its files (None = all), and the reason.
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), None,
     "an unfinished thing is finished or an issue"),
    (re.compile(r"\bstd::w?(c?regex|smatch|cmatch)\b|#include <regex>"), None,
     "std::regex is slow and overflows the stack; use RE2"),
    (re.compile(r"\b(SleepFor|sleep_for|sleep_until|usleep|nanosleep)\s*\(|"
                r"(?<![\w.>])sleep\s*\("), "_test.cc",
     "tests wait for what they need, not for some time"),
]
FORBIDDEN_NAMES = re.compile(r"(^|[/_])(utils?|common|manager|helpers?)([._/]|$)")


def room_of(path):
    """Returns the room of a file: its folder without a final `testing`."""
    folder = os.path.dirname(path)
    if folder.split("/")[0] in ("bench", "examples"):
        return folder.split("/")[0]
    if folder.startswith("tests"):
        return "/".join(folder.split("/")[:2])
    # Each strategy has a folder, all of them are one room.
    if folder.startswith(STRATEGIES + "/") and folder not in USES:
        return STRATEGIES
    # Each release of core has a folder, all of them are one room.
    if folder.startswith("port/core_"):
        return "port"
    return re.sub(r"/testing$", "", folder)


def is_test(path):
    return (path.endswith("_test.cc") or path.startswith("tests/") or
            "/testing/" in path)


def is_pure(room):
    return room in USES and room != "port" and "grpc" not in room.split("/")


def reachable(room):
    """Returns the room and all rooms that it may use, directly or not."""
    found = {room}
    todo = [room]
    while todo:
        for other in USES.get(todo.pop(), ()):
            if other not in found:
                found.add(other)
                todo.append(other)
    return found


def check_include(path, included):
    """Returns what is wrong if `path` includes `included`, or None."""
    room = room_of(path)
    if included.startswith("src/core/"):
        if not CORE_HEADER_FILE.match(path):
            return "core's headers come through %s only" % CORE_DOOR
        return None
    if re.match(r"grpc(pp|\+\+)?/", included):
        if is_pure(room) and not is_test(path):
            return "a pure room knows no gRPC; that is for an adapter"
        return None
    for header, rooms, library in LIBRARY_OF:
        if header.match(included) and room not in rooms and not is_test(path):
            return "%s is for %s only" % (library, " and ".join(sorted(rooms)))
    if not included.startswith("multi_backend/"):
        return None
    target = included[len("multi_backend/"):]
    release = CORE_RELEASE.match(target)
    if (release and path not in (CORE_DOOR, CORE_FAKES) and
            not path.startswith(release.group(0))):
        return "a release's forms come through %s only" % CORE_DOOR
    to = room_of(target)
    if ("/testing/" in target and not is_test(path) and room != "bench" and
            not (room == "examples" and to in EXAMPLES)):
        return "only tests use what tests share"
    if to == room or room.split("/")[0] in FREE:
        return None
    if room == "examples":
        return None if to in EXAMPLES else "examples use public headers only"
    if room not in USES:
        return "the room %s has no row in the table" % room
    if to in USES[room]:
        return None
    # A test may use everything that the rooms of its top folder may use.
    if is_test(path) and (to in TEST_SUPPORT or target == CORE_DOOR or
                          any(to in reachable(neighbour) for neighbour in USES
                              if neighbour.split("/")[0] ==
                              room.split("/")[0])):
        return None
    return "%s may not include %s" % (room, to or "the root")


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


def full_rooms(paths):
    """Returns the folders of the library that have too many files."""
    counts = {}
    for path in paths:
        if not is_test(path):
            folder = os.path.dirname(path)
            counts[folder] = counts.get(folder, 0) + 1
    return sorted(f for f, count in counts.items() if count > MAX_FILES)


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
    for folder in full_rooms(files):
        print("%s: more than %d files; make a room of each concept" %
              (folder, MAX_FILES))
        count += 1
    print("layering: %d files, %d offences" % (len(files), count))
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
