"""The repositories that multi_backend builds with: the distribution's packages.

Nothing is downloaded.  A workspace that uses multi_backend calls
multi_backend_repositories() too; tests/consumer shows how.
"""

def _library_lines(libraries):
    """The lines of a BUILD file with these libraries.

    Args:
      libraries: target -> linker options.
    """
    lines = ['package(default_visibility = ["//visibility:public"])']
    for name, linkopts in libraries.items():
        lines.append("cc_library(name = %r, linkopts = %r)" % (
            name,
            linkopts.split(" ") if linkopts else [],
        ))
    return lines

def _system_library_impl(ctx):
    lines = _library_lines(ctx.attr.libraries)
    for name, path in ctx.attr.tools.items():
        if not ctx.path(path).exists:
            fail("%s is missing: run %s" % (path, ctx.attr.setup))
        ctx.symlink(path, name + "_bin")
        lines.append("filegroup(name = %r, srcs = [%r])" % (name, name + "_bin"))
    for header in ctx.attr.headers:
        if not ctx.path(header).exists:
            fail("%s is missing: run %s" % (header, ctx.attr.setup))
    ctx.file("BUILD.bazel", "\n".join(lines) + "\n")

# A library of the distribution.  The compiler finds its headers in
# /usr/include, so a target consists only of linker options.  Bazel evaluates
# this rule only if a target that is built depends on the library, so a machine
# without GoogleTest can build the library and the examples.
system_library = repository_rule(
    implementation = _system_library_impl,
    local = True,
    attrs = {
        "libraries": attr.string_dict(doc = "target -> linker options"),
        "tools": attr.string_dict(doc = "target -> absolute path"),
        "headers": attr.string_list(doc = "absolute paths that must exist"),
        "setup": attr.string(
            default = "tools/setup",
            doc = "the command that installs it",
        ),
    },
)

def _optional_library_impl(ctx):
    found = ctx.path(ctx.attr.header).exists
    ctx.file("defs.bzl", "FOUND = %r\n" % found)
    lines = _library_lines(ctx.attr.libraries)
    ctx.file("BUILD.bazel", "\n".join(lines) + "\n")

# A library that not every supported distribution has.  `FOUND` in its defs.bzl
# says whether this one does.
_optional_library = repository_rule(
    implementation = _optional_library_impl,
    local = True,
    attrs = {
        "libraries": attr.string_dict(doc = "target -> linker options"),
        "header": attr.string(doc = "absolute path"),
    },
)

# Where tools/setup puts the internal headers of each release of gRPC, and the
# directories below that core's headers are included from.  It is below
# /usr/local/include, a directory of the compiler's own, so that Bazel need not
# stage 3,000 files for each compile.
_CORE_HEADERS = "/usr/local/include/grpc-core-"
_CORE_INCLUDES = {
    "1.51.1": ["third_party/upb", "src/core/ext/upb-generated"],
    "1.83.0": [
        "third_party/upb",
        "src/core/ext/upb-gen",
        "src/core/ext/upbdefs-gen",
        "third_party/utf8_range",
    ],
}

def _grpc_impl(ctx):
    header = ctx.path("/usr/include/grpcpp/version_info.h")
    plugin = ctx.path("/usr/bin/grpc_cpp_plugin")
    for path in [header, plugin]:
        if not path.exists:
            fail("%s is missing: run tools/setup" % path)
    version = ctx.read(header).split('GRPC_CPP_VERSION_STRING "')[1].split('"')[0]

    # port/core.h says what to do about any other version.
    includes = _CORE_INCLUDES.get(version, [])
    root = _CORE_HEADERS + version
    ctx.file("release.bzl", "\n".join([
        "GRPC_VERSION = %r" % version,
        "CORE_INCLUDES = %r" % (
            [root] + [root + "/" + include for include in includes]
        ),
        "",
    ]))
    ctx.symlink(plugin, "grpc_cpp_plugin_bin")

    # Core's own symbols are in libgrpc; grpc++ needs gpr for gpr_log.
    lines = _library_lines({
        "grpc++": "-lgrpc++ -lgrpc -lgpr",
        "grpc++_reflection": "-lgrpc++_reflection -lgrpc++ -lgrpc -lgpr",
    })
    lines.append('filegroup(name = "grpc_cpp_plugin", srcs = ["grpc_cpp_plugin_bin"])')
    ctx.file("BUILD.bazel", "\n".join(lines) + "\n")

# gRPC, and in release.bzl its version and where its internal headers are.
_grpc = repository_rule(implementation = _grpc_impl, local = True)

def _abseil_impl(ctx):
    # The compiler knows where the linker looks for libraries.
    gcc = ctx.which("gcc")
    if not gcc:
        fail("gcc is missing: run tools/setup")
    found = ctx.execute([gcc, "-print-file-name=libabsl_base.so"]).stdout.strip()
    header = ctx.path("/usr/include/absl/status/statusor.h")
    if not found.startswith("/") or not header.exists:
        fail("Abseil (libabsl_base.so and %s) is missing: run tools/setup" % header)
    libraries = sorted([
        file.basename
        for file in ctx.path(found).dirname.readdir()
        if file.basename.startswith("libabsl_") and file.basename.endswith(".so")
    ])
    lines = _library_lines({"absl": " ".join(
        ["-Wl,--push-state,--as-needed"] +
        ["-l" + library[len("lib"):-len(".so")] for library in libraries] +
        ["-Wl,--pop-state"],
    )})
    ctx.file("BUILD.bazel", "\n".join(lines) + "\n")

# Abseil consists of many shared libraries, and each release of it has others.
# With --as-needed a binary links only those that it uses, so all that are
# installed are named.
_abseil = repository_rule(implementation = _abseil_impl, local = True)

def _rules_of(ctx, directory):
    for file in directory.readdir():
        ctx.symlink(file, file.basename)

def _distributed_rules_impl(ctx):
    for directory in ctx.attr.directories:
        if ctx.path(directory).exists:
            _rules_of(ctx, ctx.path(directory))
            return
    fail("none of %s is there: run tools/setup" % ", ".join(ctx.attr.directories))

# Rules for Bazel that the distribution has in the first of these directories
# that exists.
_distributed_rules = repository_rule(
    implementation = _distributed_rules_impl,
    local = True,
    attrs = {"directories": attr.string_list(doc = "absolute paths")},
)

def _rules_cc_impl(ctx):
    # Comes with Bazel 7.
    if ctx.path("/usr/share/bazel/tools/features").exists:
        _rules_of(ctx, ctx.path("/usr/share/bazel/rules/cc"))
        return
    ctx.file("BUILD.bazel", "")
    ctx.file("cc/BUILD.bazel", "")
    ctx.file("cc/defs.bzl", "\n".join([
        "%s = native.%s" % (rule, rule)
        for rule in [
            "cc_binary",
            "cc_import",
            "cc_library",
            "cc_test",
            "cc_toolchain",
            "cc_toolchain_suite",
            "objc_import",
            "objc_library",
            "cc_proto_library",
        ]
    ]) + "\n")

# The rules_cc of Debian 12 and 13 needs a newer Bazel than theirs, so this
# repository offers the native rules there under the names that other rules load.
_rules_cc = repository_rule(implementation = _rules_cc_impl, local = True)

def _coverage_tools_impl(ctx):
    ctx.file("BUILD.bazel", "\n".join([
        'package(default_visibility = ["//visibility:public"])',
        'filegroup(name = "coverage_report_generator")',
        'filegroup(name = "lcov_merger")',
        "",
    ]))

# `bazel test` resolves this repository, although only coverage uses it.
_coverage_tools = repository_rule(implementation = _coverage_tools_impl, local = True)

def multi_backend_repositories():
    """Declares every repository that is not declared yet, for a WORKSPACE."""
    if not native.existing_rule("rules_cc"):
        _rules_cc(name = "rules_cc")
    if not native.existing_rule("remote_coverage_tools"):
        _coverage_tools(name = "remote_coverage_tools")
    rules = "/usr/share/bazel/rules/"
    tools = "/usr/share/bazel/tools/"
    for name, directories in {
        "rules_java": [rules + "java"],
        "rules_proto": [rules + "proto"],
        "platforms": [tools + "platforms", "/usr/share/bazel/platforms"],
        # Only Bazel 7 needs these.
        "rules_python": [rules + "python"],
        "rules_license": [rules + "license"],
        "bazel_skylib": [tools + "skylib"],
        "bazel_features": [tools + "features"],
    }.items():
        if not native.existing_rule(name):
            _distributed_rules(name = name, directories = directories)

    system_libraries(native.existing_rule)

def system_libraries(is_declared):
    """Declares the repositories of the distribution's libraries.

    Args:
      is_declared: whether a repository of this name is declared already.
    """
    if not is_declared("absl"):
        _abseil(name = "absl")

    if not is_declared("grpc"):
        _grpc(name = "grpc")

    libraries = {
        "protobuf": {
            "libraries": {"protobuf": "-lprotobuf"},
            "tools": {"protoc": "/usr/bin/protoc"},
            "headers": ["/usr/include/google/protobuf/message.h"],
        },
        "re2": {
            "libraries": {"re2": "-lre2"},
            "headers": ["/usr/include/re2/re2.h"],
        },
        "xxhash": {
            "libraries": {"xxhash": "-lxxhash"},
            "headers": ["/usr/include/xxhash.h"],
        },
        "gtest": {
            "libraries": {
                "gtest": "-lgmock -lgtest -lpthread",
                "gtest_main": "-lgmock_main -lgmock -lgtest -lpthread",
            },
            "headers": ["/usr/include/gmock/gmock.h"],
            "setup": "tools/setup --tests",
        },
        "benchmark": {
            "libraries": {"benchmark": "-lbenchmark -lpthread"},
            "headers": ["/usr/include/benchmark/benchmark.h"],
            "setup": "tools/setup --tests",
        },
        "cli11": {
            "libraries": {"cli11": ""},
            "headers": ["/usr/include/CLI/CLI.hpp"],
        },
        "cares": {
            # The DNS source parses c-ares's answers with libresolv.
            "libraries": {"cares": "-lcares -lresolv"},
            "headers": ["/usr/include/ares.h"],
        },
        "zookeeper": {
            "libraries": {"zookeeper_mt": "-lzookeeper_mt"},
            "headers": ["/usr/include/zookeeper/zookeeper.h"],
        },
        "ncurses": {
            "libraries": {"ncurses": "-lncursesw -ltinfo"},
            "headers": ["/usr/include/ncurses.h"],
        },
        "curl": {
            "libraries": {"curl": "-lcurl"},
            "headers": ["/usr/bin/curl-config"],
        },
        "prometheus_cpp": {
            "libraries": {
                "core": "-lprometheus-cpp-core",
                "pull": "-lprometheus-cpp-pull -lprometheus-cpp-core",
            },
            "headers": ["/usr/include/prometheus/collectable.h"],
        },
        "microhttpd": {
            "libraries": {"microhttpd": "-lmicrohttpd"},
            "headers": ["/usr/include/microhttpd.h"],
        },
        "openssl": {
            "libraries": {"crypto": "-lcrypto"},
            "headers": [],
        },
    }
    for name, attributes in libraries.items():
        if not is_declared(name):
            system_library(name = name, **attributes)
    if not is_declared("opentelemetry_cpp"):
        _optional_library(
            name = "opentelemetry_cpp",
            # The API consists of headers.
            libraries = {
                "api": "",
                "in_memory_exporter": " ".join([
                    "-lopentelemetry_exporter_in_memory_metric",
                    "-lopentelemetry_metrics",
                    "-lopentelemetry_resources",
                    "-lopentelemetry_common",
                ]),
            },
            header = "/usr/include/opentelemetry/metrics/provider.h",
        )
