"""What Bazel's own module asks of buildozer."""

def _empty_impl(ctx):
    ctx.file("BUILD.bazel", "")

_empty = repository_rule(implementation = _empty_impl)

def _binary_impl(_ctx):
    _empty(name = "buildozer_binary")

buildozer_binary = module_extension(implementation = _binary_impl)
