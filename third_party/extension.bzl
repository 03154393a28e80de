"""The distribution's libraries for MODULE.bazel.  Only Bazel 7 reads this file."""

load("//third_party:repositories.bzl", "system_libraries")

def _is_declared(_name):
    return False

def _libraries_impl(_ctx):
    system_libraries(_is_declared)

libraries = module_extension(implementation = _libraries_impl)
