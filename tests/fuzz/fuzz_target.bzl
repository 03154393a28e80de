"""Fuzz targets: one source, two tests.

`bazel test //tests/fuzz/...` gives the target's corpus to it, with any compiler;
`bazel test --config=fuzz //...` fuzzes for half a minute from there.
"""

_FUZZING = "//tests/fuzz:fuzzing"

def mb_fuzz_target(name, deps = []):
    """A test of the fuzz target in <name>_fuzz.cc, with corpus/<name>/.

    Args:
      name: of the parser.
      deps: dependencies.
    """
    corpus = native.glob(["corpus/%s/*" % name])
    native.cc_test(
        name = name + "_fuzz_test",
        size = "small",
        # It fuzzes for half a minute, possibly on a busy machine.
        timeout = "moderate",
        srcs = [name + "_fuzz.cc"],
        copts = ["-Wall", "-Wextra", "-Werror"],
        data = corpus,
        tags = ["fuzz"],
        args = select({
            _FUZZING: [
                "-max_total_time=30",
                "-max_len=4096",
                # This limit is for one input; the slowest legal input takes
                # milliseconds.
                "-timeout=10",
                "-print_final_stats=1",
            ],
            "//conditions:default": [],
        }) + ["%s/corpus/%s" % (native.package_name(), name)],
        linkopts = select({
            _FUZZING: ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        deps = deps + [":fuzz_check"] + select({
            _FUZZING: [":keep_corpus"],
            "//conditions:default": [":replay"],
        }),
    )
