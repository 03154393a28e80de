"""Rules of this repository: one place for warnings, include paths, core's flags."""

load("@grpc//:release.bzl", "CORE_INCLUDES", "GRPC_VERSION")

# For every file that sees core's headers.  The distribution's libgrpc is built
# without -DNDEBUG, which changes the layout of core's classes: with it a binary
# crashes at once (port/core.h refuses to compile then).
_CORE_COPTS = ["-UNDEBUG"] + [
    option
    for include in CORE_INCLUDES
    for option in ["-isystem", include]
]

def _copts(core):
    copts = ["-Wall", "-Wextra"]

    # An application that uses the library may have another compiler.
    if native.repository_name() == "@":
        copts.append("-Werror")

        # The sources must also compile with the oldest release of each library,
        # so they use what the newest one deprecates.  And g++ 16 warns of
        # uninitialized members where it inlines core's headers.
        if GRPC_VERSION != "1.51.1":
            copts += ["-Wno-deprecated-declarations", "-Wno-maybe-uninitialized"]
    return copts + (_CORE_COPTS if core else [])

def mb_cc_library(name, core = False, copts = [], **kwargs):
    """A cc_library included as "multi_backend/<package>/<header>".

    Args:
      name: of the target.
      core: whether its files see gRPC's internal headers.
      copts: further compiler options.
      **kwargs: of cc_library.
    """
    native.cc_library(
        name = name,
        copts = _copts(core) + copts,
        strip_include_prefix = "/",
        include_prefix = "multi_backend",
        **kwargs
    )

def mb_cc_binary(name, core = False, copts = [], **kwargs):
    native.cc_binary(name = name, copts = _copts(core) + copts, **kwargs)

def mb_cc_test(name, core = False, pure = False, copts = [], deps = [], tags = [], **kwargs):
    """A cc_test with GoogleTest.

    Args:
      name: of the target.
      core: whether its files see gRPC's internal headers.
      pure: whether it links no gRPC, and so also runs under --config=tsan.
      copts: further compiler options.
      deps: dependencies; GoogleTest and its main() are added.
      tags: test tags.
      **kwargs: of cc_test.
    """
    native.cc_test(
        name = name,
        copts = _copts(core) + copts,
        deps = deps + ["@gtest//:gtest_main"],
        tags = tags + (["pure"] if pure else []),
        **kwargs
    )

def mb_bench(name, srcs, deps, smoke_args = ["--smoke"], smoke_size = "medium", core = False, pure = False, data = [], smoke_tags = []):
    """A bench, and "<name>_smoke_test", which runs it briefly.

    Args:
      name: of the program.
      srcs: of the program.
      deps: of the program.
      smoke_args: of the test.
      smoke_size: of the test.
      core: as of mb_cc_test.
      pure: as of mb_cc_test.
      data: of both.
      smoke_tags: of the test.
    """
    mb_cc_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        core = core,
        data = data,
        deps = deps,
    )

    # Runs the same binary, so that nothing is compiled or linked twice.
    native.sh_test(
        name = name + "_smoke_test",
        size = smoke_size,
        srcs = [":" + name],
        args = smoke_args,
        data = data,
        tags = smoke_tags + (["pure"] if pure else []),
    )

def mb_proto_library(name, src, grpc = False, deps = [], visibility = None):
    """C++ code of one .proto, included as "multi_backend/<package>/<file>.pb.h".

    The file is known to protobuf by that same path, because descriptors of all
    libraries of a process share one namespace.

    Args:
      name: of the cc_library.
      src: the .proto file of this package.
      grpc: whether to generate services too.
      deps: further dependencies of the library.
      visibility: of the library.
    """
    stem = src[:-len(".proto")]
    virtual = "multi_backend/%s/%s" % (native.package_name(), stem)
    hdrs = [virtual + ".pb.h"]
    srcs = [virtual + ".pb.cc"]
    plugin = ""
    tools = ["@protobuf//:protoc"]
    if grpc:
        hdrs.append(virtual + ".grpc.pb.h")
        srcs.append(virtual + ".grpc.pb.cc")
        tools.append("@grpc//:grpc_cpp_plugin")
        plugin = ("--plugin=protoc-gen-grpc=$(location @grpc//:grpc_cpp_plugin) " +
                  "--grpc_out=$(RULEDIR) ")
    native.genrule(
        name = name + "_genproto",
        srcs = [src],
        outs = hdrs + srcs,
        cmd = ("$(location @protobuf//:protoc) " +
               "-I%s.proto=$(location %s) " % (virtual, src) +
               "-I/usr/include " +
               "--cpp_out=$(RULEDIR) " + plugin + virtual + ".proto"),
        tools = tools,
    )
    native.cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        # Warnings about generated code could not be acted on here.
        copts = ["-w"],
        includes = ["."],
        deps = deps + ["@protobuf//:protobuf"] + (["@grpc//:grpc++"] if grpc else []),
        visibility = visibility,
    )
